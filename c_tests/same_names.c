/* same_names.c - a library that is not RocksDB, and exports two functions of RocksDB's names with
 * other parameters, as the npm package rocksdb-native does. With -DNODE it exports a function by
 * which Node.js is known. */
#include <stdlib.h>

int rocksdb_write(void);
int rocksdb_write(void) { abort(); }

int rocksdb_flush(void);
int rocksdb_flush(void) { abort(); }

#ifdef NODE
int napi_create_function(void);
int napi_create_function(void) { abort(); }
#endif
