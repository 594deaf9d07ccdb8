/* in_executable.c - RocksDB is linked into the executable. With -rdynamic the library finds it by
 * search; otherwise only its symbols help. Either way the host collects.
 *
 * Usage: in_executable LIBRARY DIRECTORY found|hidden */
#include <unistd.h>

#include "api.h"
#include "check.h"
#include "db.h"
#include "rocks_gc_rocksdb_c.h"

int main(int argc, char** argv) {
  REQUIRE(argc == 4);
  alarm(120);
  api_load(argv[1]);
  rgc_t* gc = NULL;
  SUCCEEDS(gc = api.rgc_create(NULL, errptr));
  if (strcmp(argv[3], "found") == 0) {
    SUCCEEDS(api.rgc_bind_rocksdb_library(gc, NULL, NULL, errptr));
  } else {
    FAILS(api.rgc_bind_rocksdb_library(gc, NULL, NULL, errptr), "Not found", "no RocksDB", "-rdynamic");
  }
  /* If it was found, these are the same addresses. */
  rgc_symbol_t symbols[RGC_ROCKSDB_SYMBOLS];
  SUCCEEDS(api.rgc_bind_rocksdb_symbols(gc, symbols, rgc_rocksdb_symbols(symbols), errptr));

  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 1, RGC_GC_KEYSPACE_LEVEL, errptr));
  SUCCEEDS(CHECK_EQ(api.rgc_advance_keyspace_safe_point(gc, 1, 15, errptr), 1));
  rocksdb_compactionfilterfactory_t* factory = NULL;
  SUCCEEDS(factory = api.rgc_rocksdb_filter_factory(gc, RGC_KIND_RAW, errptr));
  struct db db = db_open(argv[2], factory);
  for (uint64_t ts = 5; ts <= 20; ts += 5) {
    db_put(&db, raw_key(1, "row", ts), BYTES("v\0"));
    db_flush(&db);
  }
  db_compact(&db);
  CHECK_EQ(db_count(&db), 2);
  CHECK(db_has(&db, raw_key(1, "row", 15)) && db_has(&db, raw_key(1, "row", 20)));
  db_close(&db);
  api.rgc_destroy(gc);
  return check_summary("in_executable") == 0 ? 0 : 1;
}
