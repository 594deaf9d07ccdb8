/* rocks_gc_install.h - the C++ adaptor (rocks_gc_rocksdb.h) for hosts on rocksdb/c.h that can compile one C++ file beside their
 * RocksDB headers: C, Go (put both files into the cgo package), Rust (the cc crate in build.rs).
 *
 *     c++ -std=c++17 -fno-rtti -c rocks_gc_install.cc -Iinclude        (-std=c++20 from RocksDB 10.7 on)
 *
 * Compile it with the headers of the RocksDB that runs, its ROCKSDB_NAMESPACE and its C++ library, and always -fno-rtti: RocksDB's
 * release builds have no type information to link against. Link it into the host, not into a library that is loaded later. */
#ifndef ROCKS_GC_INSTALL_H
#define ROCKS_GC_INSTALL_H
#include <rocksdb/c.h>

#include "rocks_gc.h"
#ifdef __cplusplus
extern "C" {
#endif

/* rgc_shim_install: puts the collection of a column family of this kind into options, before open: the compaction filter factory
 * into cf_options, the listener that tells runs their level into db_options (those that rocksdb_open or
 * rocksdb_open_column_families gets first). Both may be the same. Once for each column family, all with the same db_options; after
 * everything else was set. The options hold a reference to gc, which may be destroyed before them.
 *
 * library_or_null = where librocks_gc was loaded from, the path or SONAME given to dlopen; NULL = the program is linked with it.
 *
 * errptr as everywhere in rocks_gc.h, but that nothing is logged: with errptr NULL an error is lost. Errors have changed nothing:
 * RocksDB's headers and its library are of different versions; librocks_gc is not loaded from there, or lacks a function; gc or
 * options NULL; a comparator that is not bytewise or has timestamps; plain tables; another compaction filter; a kind that is none. */
void rgc_shim_install(const char* library_or_null, rgc_t* gc, int kind, rocksdb_options_t* db_options, rocksdb_options_t* cf_options,
                      char** errptr);

/* rgc_shim_attach: rgc_attach_rocksdb by the C++ engine (rocks_gc_rocksdb_store.h): gc need not be bound, files are shown with
 * their properties, no file is dropped for its last key alone, and a compaction that fails says so. For rgc_detach, before the
 * handles and the DB go. library_or_null and errptr as above; of a TransactionDB its base DB.
 *
 * Errors have attached nothing: those of rgc_attach_engine; RocksDB's headers and its library are of different versions;
 * librocks_gc is not loaded from there, or lacks a function; db NULL; a family of another struct_size, without a name, or with
 * another name than its handle's; a comparator that is not bytewise or has timestamps; plain tables; Not supported: the shim was
 * compiled without exceptions, which RocksDB's db.h needs in its newest versions. */
void rgc_shim_attach(const char* library_or_null, rgc_t* gc, rocksdb_t* db, const rgc_column_family_t* families, size_t n, char** errptr);

/* rgc_shim_wal_filter: the WAL filter of rocks_gc_rocksdb_wal.h, put into db_options before open, for the n families of these names. It can
 * leave out of a batch what RocksDB's own C API cannot (rgc_rocksdb_wal_filter), and works from RocksDB 7.0 on. gc must live until the DB
 * is open. The caller's: give it to rgc_shim_wal_filter_destroy when the DB is closed, not before, or could not be opened. library_or_null and errptr as above.
 * Errors, which return NULL and have changed nothing: RocksDB's headers and its library are of different versions; librocks_gc is not
 * loaded from there, or lacks a function; gc or db_options NULL; no family, or a NULL name; another WAL filter in db_options. */
void* rgc_shim_wal_filter(const char* library_or_null, rgc_t* gc, rocksdb_options_t* db_options, const char* const* families, size_t n,
                          char** errptr);

/* rgc_shim_wal_filter_destroy: takes it out of db_options, which may be NULL (gone), and destroys it. NULL does nothing. */
void rgc_shim_wal_filter_destroy(void* wal_filter, rocksdb_options_t* db_options);

#ifdef __cplusplus
}
#endif
#endif
