/* rocks_gc_rocksdb_c.h - glue for hosts on rocksdb/c.h, compiled in the host.
 *
 *     char* err;
 *     rgc_symbol_t symbols[RGC_ROCKSDB_SYMBOLS];
 *     rgc_bind_rocksdb_symbols(gc, symbols, rgc_rocksdb_symbols(symbols), &err);
 *
 * The addresses are those of the RocksDB that the host is linked with. So this also works where no
 * symbol can be looked up at run time: in static executables, and in Rust and Go hosts. It needs no
 * function of librocks_gc at link time. */
#ifndef ROCKS_GC_ROCKSDB_C_H
#define ROCKS_GC_ROCKSDB_C_H

/* The functions of rocksdb/c.h that the library needs, X(return type, name, parameters), in three
 * lists.
 *   - The first list is for filtering.
 *   - The second list is for deleting (rgc_attach_rocksdb). RocksDB has all of it from 6.28 on.
 *   - The third list is for a listener, from 10.4 on, and for a WAL filter, from 11.8 on.
 *
 * A RocksDB that lacks functions of the second or third list can be used without them. Four things
 * are made from these lists: the table below, its type check against the host's rocksdb/c.h, the
 * names that the library looks up at run time, and the error text for a missing function. */
#define RGC_ROCKSDB_FUNCTIONS(X)                                                                \
  X(rocksdb_compactionfilter_t*, rocksdb_compactionfilter_create,                               \
    (void* state, void (*destructor)(void*),                                                    \
     unsigned char (*filter)(void*, int level, const char* key, size_t key_length,              \
                             const char* existing_value, size_t value_length, char** new_value, \
                             size_t* new_value_length, unsigned char* value_changed),           \
     const char* (*name)(void*)))                                                               \
  X(rocksdb_compactionfilterfactory_t*, rocksdb_compactionfilterfactory_create,                 \
    (void* state, void (*destructor)(void*),                                                    \
     rocksdb_compactionfilter_t* (*create_compaction_filter)(                                   \
         void*, rocksdb_compactionfiltercontext_t* context),                                    \
     const char* (*name)(void*)))                                                               \
  X(unsigned char, rocksdb_compactionfiltercontext_is_full_compaction,                          \
    (rocksdb_compactionfiltercontext_t* context))                                               \
  X(unsigned char, rocksdb_compactionfiltercontext_is_manual_compaction,                        \
    (rocksdb_compactionfiltercontext_t* context))

/* Types that an older rocksdb/c.h may not know. The tags are the same. */
struct rocksdb_t;
struct rocksdb_column_family_handle_t;
struct rocksdb_readoptions_t;
struct rocksdb_writeoptions_t;
struct rocksdb_flushoptions_t;
struct rocksdb_compactoptions_t;
struct rocksdb_writebatch_t;
struct rocksdb_iterator_t;
struct rocksdb_livefiles_t;
struct rocksdb_eventlistener_t;
struct rocksdb_walfilter_t;
struct rocksdb_flushjobinfo_t;
struct rocksdb_compactionjobinfo_t;
struct rocksdb_subcompactionjobinfo_t;
struct rocksdb_externalfileingestioninfo_t;
struct rocksdb_status_ptr_t;
struct rocksdb_writestallinfo_t;
struct rocksdb_memtableinfo_t;

#define RGC_ROCKSDB_DELETING_FUNCTIONS(X)                                                        \
  X(void, rocksdb_free, (void* ptr))                                                             \
  X(char*, rocksdb_get,                                                                          \
    (struct rocksdb_t* db, const struct rocksdb_readoptions_t* options, const char* key,         \
     size_t key_len, size_t* value_len, char** errptr))                                          \
  X(char*, rocksdb_get_cf,                                                                       \
    (struct rocksdb_t* db, const struct rocksdb_readoptions_t* options,                          \
     struct rocksdb_column_family_handle_t* family, const char* key, size_t key_len,             \
     size_t* value_len, char** errptr))                                                          \
  X(struct rocksdb_readoptions_t*, rocksdb_readoptions_create, (void))                           \
  X(void, rocksdb_readoptions_destroy, (struct rocksdb_readoptions_t* options))                  \
  X(void, rocksdb_readoptions_set_iterate_lower_bound,                                           \
    (struct rocksdb_readoptions_t* options, const char* key, size_t key_len))                    \
  X(void, rocksdb_readoptions_set_iterate_upper_bound,                                           \
    (struct rocksdb_readoptions_t* options, const char* key, size_t key_len))                    \
  X(void, rocksdb_readoptions_set_fill_cache,                                                    \
    (struct rocksdb_readoptions_t* options, unsigned char on))                                   \
  X(void, rocksdb_readoptions_set_total_order_seek,                                              \
    (struct rocksdb_readoptions_t* options, unsigned char on))                                   \
  X(struct rocksdb_iterator_t*, rocksdb_create_iterator,                                         \
    (struct rocksdb_t* db, const struct rocksdb_readoptions_t* options))                         \
  X(struct rocksdb_iterator_t*, rocksdb_create_iterator_cf,                                      \
    (struct rocksdb_t* db, const struct rocksdb_readoptions_t* options,                          \
     struct rocksdb_column_family_handle_t* family))                                             \
  X(void, rocksdb_iter_destroy, (struct rocksdb_iterator_t* iterator))                           \
  X(unsigned char, rocksdb_iter_valid, (const struct rocksdb_iterator_t* iterator))              \
  X(void, rocksdb_iter_seek_to_first, (struct rocksdb_iterator_t* iterator))                     \
  X(void, rocksdb_iter_seek_to_last, (struct rocksdb_iterator_t* iterator))                      \
  X(void, rocksdb_iter_next, (struct rocksdb_iterator_t* iterator))                              \
  X(void, rocksdb_iter_prev, (struct rocksdb_iterator_t* iterator))                              \
  X(const char*, rocksdb_iter_key, (const struct rocksdb_iterator_t* iterator, size_t* len))     \
  X(const char*, rocksdb_iter_value, (const struct rocksdb_iterator_t* iterator, size_t* len))   \
  X(void, rocksdb_iter_get_error, (const struct rocksdb_iterator_t* iterator, char** errptr))    \
  X(struct rocksdb_writebatch_t*, rocksdb_writebatch_create, (void))                             \
  X(void, rocksdb_writebatch_destroy, (struct rocksdb_writebatch_t* batch))                      \
  X(void, rocksdb_writebatch_put,                                                                \
    (struct rocksdb_writebatch_t* batch, const char* key, size_t key_len, const char* value,     \
     size_t value_len))                                                                          \
  X(void, rocksdb_writebatch_put_cf,                                                             \
    (struct rocksdb_writebatch_t* batch, struct rocksdb_column_family_handle_t* family,          \
     const char* key, size_t key_len, const char* value, size_t value_len))                      \
  X(void, rocksdb_writebatch_delete,                                                             \
    (struct rocksdb_writebatch_t* batch, const char* key, size_t key_len))                       \
  X(void, rocksdb_writebatch_delete_cf,                                                          \
    (struct rocksdb_writebatch_t* batch, struct rocksdb_column_family_handle_t* family,          \
     const char* key, size_t key_len))                                                           \
  X(void, rocksdb_writebatch_delete_range,                                                       \
    (struct rocksdb_writebatch_t* batch, const char* start, size_t start_len, const char* end,   \
     size_t end_len))                                                                            \
  X(void, rocksdb_writebatch_delete_range_cf,                                                    \
    (struct rocksdb_writebatch_t* batch, struct rocksdb_column_family_handle_t* family,          \
     const char* start, size_t start_len, const char* end, size_t end_len))                      \
  X(struct rocksdb_writeoptions_t*, rocksdb_writeoptions_create, (void))                         \
  X(void, rocksdb_writeoptions_destroy, (struct rocksdb_writeoptions_t* options))                \
  X(void, rocksdb_writeoptions_set_sync,                                                         \
    (struct rocksdb_writeoptions_t* options, unsigned char on))                                  \
  X(void, rocksdb_writeoptions_set_no_slowdown,                                                  \
    (struct rocksdb_writeoptions_t* options, unsigned char on))                                  \
  X(void, rocksdb_writeoptions_set_ignore_missing_column_families,                               \
    (struct rocksdb_writeoptions_t* options, unsigned char on))                                  \
  X(void, rocksdb_readoptions_set_read_tier, (struct rocksdb_readoptions_t* options, int tier))  \
  X(void, rocksdb_write,                                                                         \
    (struct rocksdb_t* db, const struct rocksdb_writeoptions_t* options,                         \
     struct rocksdb_writebatch_t* batch, char** errptr))                                         \
  X(void, rocksdb_delete_file_in_range,                                                          \
    (struct rocksdb_t* db, const char* start, size_t start_len, const char* limit,               \
     size_t limit_len, char** errptr))                                                           \
  X(void, rocksdb_delete_file_in_range_cf,                                                       \
    (struct rocksdb_t* db, struct rocksdb_column_family_handle_t* family, const char* start,     \
     size_t start_len, const char* limit, size_t limit_len, char** errptr))                      \
  X(struct rocksdb_compactoptions_t*, rocksdb_compactoptions_create, (void))                     \
  X(void, rocksdb_compactoptions_destroy, (struct rocksdb_compactoptions_t* options))            \
  X(void, rocksdb_compactoptions_set_exclusive_manual_compaction,                                \
    (struct rocksdb_compactoptions_t* options, unsigned char on))                                \
  X(void, rocksdb_compactoptions_set_bottommost_level_compaction,                                \
    (struct rocksdb_compactoptions_t* options, unsigned char how))                               \
  X(void, rocksdb_compact_range_opt,                                                             \
    (struct rocksdb_t* db, struct rocksdb_compactoptions_t* options, const char* start,          \
     size_t start_len, const char* limit, size_t limit_len))                                     \
  X(void, rocksdb_compact_range_cf_opt,                                                          \
    (struct rocksdb_t* db, struct rocksdb_column_family_handle_t* family,                        \
     struct rocksdb_compactoptions_t* options, const char* start, size_t start_len,              \
     const char* limit, size_t limit_len))                                                       \
  X(struct rocksdb_flushoptions_t*, rocksdb_flushoptions_create, (void))                         \
  X(void, rocksdb_flushoptions_destroy, (struct rocksdb_flushoptions_t* options))                \
  X(void, rocksdb_flushoptions_set_wait,                                                         \
    (struct rocksdb_flushoptions_t* options, unsigned char on))                                  \
  X(void, rocksdb_flush,                                                                         \
    (struct rocksdb_t* db, const struct rocksdb_flushoptions_t* options, char** errptr))         \
  X(void, rocksdb_flush_cf,                                                                      \
    (struct rocksdb_t* db, const struct rocksdb_flushoptions_t* options,                         \
     struct rocksdb_column_family_handle_t* family, char** errptr))                              \
  X(int, rocksdb_property_int, (struct rocksdb_t* db, const char* name, uint64_t* value))        \
  X(const struct rocksdb_livefiles_t*, rocksdb_livefiles, (struct rocksdb_t* db))                \
  X(int, rocksdb_livefiles_count, (const struct rocksdb_livefiles_t* files))                     \
  X(const char*, rocksdb_livefiles_column_family_name,                                           \
    (const struct rocksdb_livefiles_t* files, int index))                                        \
  X(const char*, rocksdb_livefiles_name, (const struct rocksdb_livefiles_t* files, int index))   \
  X(int, rocksdb_livefiles_level, (const struct rocksdb_livefiles_t* files, int index))          \
  X(size_t, rocksdb_livefiles_size, (const struct rocksdb_livefiles_t* files, int index))        \
  X(uint64_t, rocksdb_livefiles_entries, (const struct rocksdb_livefiles_t* files, int index))   \
  X(uint64_t, rocksdb_livefiles_deletions, (const struct rocksdb_livefiles_t* files, int index)) \
  X(const char*, rocksdb_livefiles_smallestkey,                                                  \
    (const struct rocksdb_livefiles_t* files, int index, size_t* size))                          \
  X(const char*, rocksdb_livefiles_largestkey,                                                   \
    (const struct rocksdb_livefiles_t* files, int index, size_t* size))                          \
  X(void, rocksdb_livefiles_destroy, (const struct rocksdb_livefiles_t* files))

#define RGC_ROCKSDB_OPTIONAL_FUNCTIONS(X)                                                          \
  X(int, rocksdb_property_int_cf,                                                                  \
    (struct rocksdb_t* db, struct rocksdb_column_family_handle_t* family, const char* name,        \
     uint64_t* value))                                                                             \
  X(void, rocksdb_disable_manual_compaction, (struct rocksdb_t* db))                               \
  X(void, rocksdb_enable_manual_compaction, (struct rocksdb_t* db))                                \
  X(char*, rocksdb_column_family_handle_get_name,                                                  \
    (struct rocksdb_column_family_handle_t* family, size_t* name_len))                             \
  X(uint32_t, rocksdb_column_family_handle_get_id,                                                 \
    (struct rocksdb_column_family_handle_t* family))                                               \
  X(struct rocksdb_eventlistener_t*, rocksdb_eventlistener_create,                                 \
    (void* state, void (*destructor)(void*),                                                       \
     void (*on_flush_begin)(void*, struct rocksdb_t*, const struct rocksdb_flushjobinfo_t*),       \
     void (*on_flush_completed)(void*, struct rocksdb_t*, const struct rocksdb_flushjobinfo_t*),   \
     void (*on_compaction_begin)(void*, struct rocksdb_t*,                                         \
                                 const struct rocksdb_compactionjobinfo_t*),                       \
     void (*on_compaction_completed)(void*, struct rocksdb_t*,                                     \
                                     const struct rocksdb_compactionjobinfo_t*),                   \
     void (*on_subcompaction_begin)(void*, const struct rocksdb_subcompactionjobinfo_t*),          \
     void (*on_subcompaction_completed)(void*, const struct rocksdb_subcompactionjobinfo_t*),      \
     void (*on_external_file_ingested)(void*, struct rocksdb_t*,                                   \
                                       const struct rocksdb_externalfileingestioninfo_t*),         \
     void (*on_background_error)(void*, uint32_t, struct rocksdb_status_ptr_t*),                   \
     void (*on_stall_conditions_changed)(void*, const struct rocksdb_writestallinfo_t*),           \
     void (*on_memtable_sealed)(void*, const struct rocksdb_memtableinfo_t*)))                     \
  X(const char*, rocksdb_compactionjobinfo_cf_name,                                                \
    (const struct rocksdb_compactionjobinfo_t* info, size_t* size))                                \
  X(int, rocksdb_compactionjobinfo_output_level, (const struct rocksdb_compactionjobinfo_t* info)) \
  X(size_t, rocksdb_compactionjobinfo_input_files_count,                                           \
    (const struct rocksdb_compactionjobinfo_t* info))                                              \
  X(const char*, rocksdb_compactionjobinfo_input_file_at,                                          \
    (const struct rocksdb_compactionjobinfo_t* info, size_t index, size_t* size))                  \
  X(const char*, rocksdb_subcompactionjobinfo_cf_name,                                             \
    (const struct rocksdb_subcompactionjobinfo_t* info, size_t* size))                             \
  X(int, rocksdb_subcompactionjobinfo_output_level,                                                \
    (const struct rocksdb_subcompactionjobinfo_t* info))                                           \
  X(struct rocksdb_walfilter_t*, rocksdb_walfilter_create,                                         \
    (void* state, void (*destructor)(void*),                                                       \
     void (*column_family_log_number_map)(void*, const uint32_t* ids, const uint64_t* log_numbers, \
                                          size_t id_count, const char* const* names,               \
                                          const size_t* name_lens, const uint32_t* name_ids,       \
                                          size_t name_count),                                      \
     int (*log_record_found)(void*, unsigned long long log_number, const char* log_file_name,      \
                             size_t log_file_name_len, const struct rocksdb_writebatch_t* batch,   \
                             struct rocksdb_writebatch_t* new_batch,                               \
                             unsigned char* batch_changed),                                        \
     const char* (*name)(void*)))                                                                  \
  X(const char*, rocksdb_writebatch_data, (struct rocksdb_writebatch_t* batch, size_t* size))      \
  X(void, rocksdb_writebatch_merge,                                                                \
    (struct rocksdb_writebatch_t* batch, const char* key, size_t key_len, const char* value,       \
     size_t value_len))                                                                            \
  X(void, rocksdb_writebatch_singledelete,                                                         \
    (struct rocksdb_writebatch_t* batch, const char* key, size_t key_len))                         \
  X(void, rocksdb_writebatch_put_log_data,                                                         \
    (struct rocksdb_writebatch_t* batch, const char* data, size_t len))

/* The library itself is built from the lists alone, without RocksDB's headers. */
#ifndef RGC_ROCKSDB_LIST_ONLY
#include <rocksdb/c.h>

#include "rocks_gc.h"

#define RGC_ROCKSDB_COUNT_(type, name, parameters) +1
/* How many symbols rgc_rocksdb_symbols writes. */
#define RGC_ROCKSDB_SYMBOLS                                                                       \
  (0 RGC_ROCKSDB_FUNCTIONS(RGC_ROCKSDB_COUNT_) RGC_ROCKSDB_DELETING_FUNCTIONS(RGC_ROCKSDB_COUNT_) \
       RGC_ROCKSDB_OPTIONAL_FUNCTIONS(RGC_ROCKSDB_COUNT_))

#ifdef __cplusplus
extern "C" {
#endif
/* The host's c.h need not declare these functions, and its RocksDB need not have them. Their
 * address is NULL then. */
#define RGC_ROCKSDB_WEAK_(type, function, parameters) \
  extern __attribute__((weak)) type function parameters;
RGC_ROCKSDB_DELETING_FUNCTIONS(RGC_ROCKSDB_WEAK_)
RGC_ROCKSDB_OPTIONAL_FUNCTIONS(RGC_ROCKSDB_WEAK_)
#undef RGC_ROCKSDB_WEAK_
#ifdef __cplusplus
}
#endif

/* rgc_rocksdb_symbols: fills symbols, which must have room for RGC_ROCKSDB_SYMBOLS.
 * Returns: how many symbols it wrote. */
static inline size_t rgc_rocksdb_symbols(rgc_symbol_t* symbols) {
  size_t n = 0;
#define RGC_ROCKSDB_FILL_(type, function, parameters)                                 \
  {                                                                                   \
    type(*checked) parameters = function; /* the host's c.h must declare this type */ \
    symbols[n].name = #function;                                                      \
    symbols[n++].address = (void (*)(void))checked;                                   \
  }
  RGC_ROCKSDB_FUNCTIONS(RGC_ROCKSDB_FILL_)
  RGC_ROCKSDB_DELETING_FUNCTIONS(RGC_ROCKSDB_FILL_)
  RGC_ROCKSDB_OPTIONAL_FUNCTIONS(RGC_ROCKSDB_FILL_)
#undef RGC_ROCKSDB_FILL_
  return n;
}
#endif
#endif
