/* rocks_gc_install.h - the C++ adaptor (rocks_gc_rocksdb.h) for hosts on rocksdb/c.h that can
 * compile one C++ file beside their RocksDB headers: C; Go (put both files into the cgo package);
 * Rust (the cc crate in build.rs).
 *
 *     c++ -std=c++17 -fno-rtti -c rocks_gc_install.cc -Iinclude   (-std=c++20 from 10.7 on)
 *
 * The host must compile it with the headers of the RocksDB that it runs, with that RocksDB's
 * ROCKSDB_NAMESPACE and C++ library, and always with -fno-rtti: release builds of RocksDB have no
 * type information to link against. The host must link it into itself, not into a library that is
 * loaded later. */
#ifndef ROCKS_GC_INSTALL_H
#define ROCKS_GC_INSTALL_H
#include <rocksdb/c.h>

#include "rocks_gc.h"
#ifdef __cplusplus
extern "C" {
#endif

/* rgc_shim_install: installs the collection of a column family in its options, before open. It puts
 * the compaction filter factory into cf_options. It puts the listener, which tells filters their
 * level, into db_options (the options that rocksdb_open or rocksdb_open_column_families gets
 * first). Both may be the same object. The host must call it once for each column family, each time
 * with the same db_options, after it has set everything else. The options hold a reference to gc,
 * which may be destroyed before them.
 *
 * library_or_null is the path or SONAME with which librocks_gc was loaded by dlopen. NULL means
 * that the program is linked with it.
 *
 * errptr is as everywhere in rocks_gc.h, with one difference: nothing is logged. With errptr NULL
 * an error is lost.
 * Errors: RocksDB's headers and its library are of different versions; librocks_gc is not loaded
 *   from there, or lacks a function; gc or options NULL; a comparator that is not bytewise or has
 *   timestamps; plain tables; another compaction filter; an unknown kind. After an error nothing
 *   has changed. */
void rgc_shim_install(const char* library_or_null, rgc_t* gc, int kind,
                      rocksdb_options_t* db_options, rocksdb_options_t* cf_options, char** errptr);

/* rgc_shim_attach: does rgc_attach_rocksdb with the C++ engine (rocks_gc_rocksdb_store.h). gc need
 * not be bound. Files are shown with their properties. No file is dropped because of its last key
 * alone. A compaction that fails reports its error. The host must call rgc_detach before it closes
 * the handles and the DB. library_or_null and errptr are as above. Of a TransactionDB the host
 * passes the base DB.
 * Errors: those of rgc_attach_engine; RocksDB's headers and its library are of different versions;
 *   librocks_gc is not loaded from there, or lacks a function; db NULL; a family of another
 *   struct_size, without a name, or with another name than its handle's; a comparator that is not
 *   bytewise or has timestamps; plain tables; Not supported: the shim was compiled without
 *   exceptions, which RocksDB's db.h needs in its newest versions. After an error nothing is
 *   attached. */
void rgc_shim_attach(const char* library_or_null, rgc_t* gc, rocksdb_t* db,
                     const rgc_column_family_t* families, size_t n, char** errptr);

/* rgc_shim_wal_filter: puts the WAL filter of rocks_gc_rocksdb_wal.h into db_options, before open,
 * for the n families with these names. It can leave out of a batch what RocksDB's own C API cannot
 * (rgc_rocksdb_wal_filter), and works from RocksDB 7.0 on. gc must live until the DB is open. The
 * caller owns the filter. It must give it to rgc_shim_wal_filter_destroy when the DB is closed, not
 * before; or when the DB could not be opened. library_or_null and errptr are as above.
 * Errors: RocksDB's headers and its library are of different versions; librocks_gc is not loaded
 *   from there, or lacks a function; gc or db_options NULL; no family, or a NULL name; another WAL
 *   filter in db_options. After an error the call returns NULL, and nothing has changed. */
void* rgc_shim_wal_filter(const char* library_or_null, rgc_t* gc, rocksdb_options_t* db_options,
                          const char* const* families, size_t n, char** errptr);

/* rgc_shim_wal_filter_destroy: removes the filter from db_options and destroys it. db_options may
 * be NULL if they were destroyed already. wal_filter NULL does nothing. */
void rgc_shim_wal_filter_destroy(void* wal_filter, rocksdb_options_t* db_options);

#ifdef __cplusplus
}
#endif
#endif
