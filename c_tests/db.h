/* db.h - a RocksDB for the C hosts: versions in, compaction, and what is left. */
#ifndef DB_H
#define DB_H

#include <rocksdb/c.h>

#include "keys.h"

struct db {
  rocksdb_t* db;
  rocksdb_options_t* options;
  rocksdb_writeoptions_t* write_options;
};

/* Opens a new DB that compacts only when the test asks. The options take ownership of the factory;
 * NULL = none. */
struct db db_open(const char* directory, rocksdb_compactionfilterfactory_t* factory);
void db_put(struct db* db, struct key key, const char* value, size_t value_len);
/* Writes what was put into a file of its own. */
void db_flush(struct db* db);
/* Compacts everything, the last level too. */
void db_compact(struct db* db);
/* How many keys there are, and whether this one is among them. */
size_t db_count(struct db* db);
int db_has(struct db* db, struct key key);
/* How many keys an iterator finds; destroys it. */
size_t count_all(rocksdb_iterator_t* iterator);
/* Closes it, and destroys its options and with them the factory. */
void db_close(struct db* db);

#endif
