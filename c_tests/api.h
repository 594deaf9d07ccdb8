/* api.h - every function of rocks_gc.h, looked up at run time. A type that is not the header's does not compile, a function
 * that is not in the library ends the program. */
#ifndef API_H
#define API_H

#include "rocks_gc.h"

#define API_FUNCTIONS(X)              \
  X(rgc_abi_version)                  \
  X(rgc_version)                      \
  X(rgc_free)                         \
  X(rgc_set_logger)                   \
  X(rgc_options_create)               \
  X(rgc_options_set)                  \
  X(rgc_options_parse)                \
  X(rgc_options_describe)             \
  X(rgc_options_destroy)              \
  X(rgc_create)                       \
  X(rgc_destroy)                      \
  X(rgc_set_clock)                    \
  X(rgc_set_enabled)                  \
  X(rgc_advance_global_safe_point)    \
  X(rgc_advance_keyspace_safe_point)  \
  X(rgc_advance_keyspace_safe_points) \
  X(rgc_set_keyspace_gc_type)         \
  X(rgc_set_keyspace_gc_types)        \
  X(rgc_remove_keyspace)              \
  X(rgc_global_safe_point)            \
  X(rgc_keyspace_safe_point)          \
  X(rgc_safe_point_for_key)           \
  X(rgc_filter_create)                \
  X(rgc_filter_decide)                \
  X(rgc_filter_decide_by_key)         \
  X(rgc_filter_set_bottommost)        \
  X(rgc_filter_destroy)               \
  X(rgc_bind_rocksdb_symbols)         \
  X(rgc_bind_rocksdb_library)         \
  X(rgc_rocksdb_filter_factory)       \
  X(rgc_factory_state)                \
  X(rgc_factory_destructor)           \
  X(rgc_factory_create_filter)        \
  X(rgc_factory_name)                 \
  X(rgc_filter_callback)              \
  X(rgc_filter_destructor)            \
  X(rgc_filter_name)                  \
  X(rgc_encode_key)                   \
  X(rgc_decode_key)                   \
  X(rgc_encode_range)                 \
  X(rgc_keyspace_range)               \
  X(rgc_stats)                        \
  X(rgc_metrics)

#define API_FIELD_(function) __typeof__(function)* function;
struct api {
  API_FUNCTIONS(API_FIELD_)
};

/* Complete after api_load. */
extern struct api api;

/* Loads the library, RTLD_LOCAL; ends the program if that cannot be. Returns dlopen's handle. */
void* api_load(const char* path);

#endif
