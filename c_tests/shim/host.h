/* host.h - what the parts of the shim's C host share. */
#ifndef HOST_H
#define HOST_H

/* First, for it says that these hosts look at an answer where a test is about it. */
#include "api.h"
#include "../../shim/rocks_gc_install.h"
#include "check.h"
#include "db.h"

enum { ROWS = 50, VERSIONS = 5 };
extern const uint64_t versions[VERSIONS];

/* Where librocks_gc was loaded from. */
extern const char* library;

/* Keyspace 1 has a safe point of its own; every version that may go by a skip does. */
rgc_t* context(void);
void advance(rgc_t* gc, uint64_t ts);
rgc_stats_t stats_of(rgc_t* gc);

/* Of a new DB that compacts only when it is told to. */
rocksdb_options_t* new_options(void);
/* Where a DB of this name lies; valid until the next call. */
const char* path_of(const char* name);
/* Ends the program if RocksDB reports an error. */
void must(char* error);
/* Opens a DB, which takes the options over. */
struct db open_with(rocksdb_options_t* options, const char* name);
const char* row_name(size_t row);
/* Writes every version of every row, each timestamp into its own file, so that no row lies in one
 * file alone. */
void fill(struct db* db);

/* Opens with options that the shim has changed, collects by skips, destroys gc, collects again, and
 * closes. */
void collects(rgc_t* gc, rocksdb_options_t* options, const char* name);

/* The parts. */
void two_families(void);
void bad_arguments(const char* other_abi, const char* incomplete);
void other_versions(const char* versions_of_rocksdb);
void factory_of_the_host(void);
void comparator_of_the_host(void);
void plain_tables(void);

#endif
