#include <rocks_gc_rocksdb_c.h> /* and with it rocks_gc.h and rocksdb/c.h */
#include <stdio.h>
int main(void) {
  char* err = NULL;
  size_t len;
  uint64_t ts, left = 0;
  rgc_t* gc = rgc_create(NULL, NULL); /* keyspace 7 has a safe point of its own, 100 */
  rgc_bind_rocksdb_library(gc, NULL, NULL, NULL);
  rgc_set_keyspace_gc_type(gc, 7, RGC_GC_KEYSPACE_LEVEL, NULL);
  rgc_advance_keyspace_safe_point(gc, 7, 100, NULL);
  rocksdb_options_t* options = rocksdb_options_create(); /* compactions will ask the library */
  rocksdb_options_set_create_if_missing(options, 1);
  struct rocksdb_compactionfilterfactory_t* factory =
      rgc_rocksdb_filter_factory(gc, RGC_KIND_RAW, &err);
  if (factory) rocksdb_options_set_compaction_filter_factory(options, factory);
  rocksdb_t* db = err ? NULL : rocksdb_open(options, "quickstart.db", &err);
  if (!db) return fprintf(stderr, "%s\n", err), 1;
  for (ts = 10; ts <= 30; ts += 10) { /* versions: the user's value and a byte of flags, here 0 */
    char* key = rgc_encode_key(gc, RGC_MODE_RAW, 7, "row", 3, ts, &len, NULL);
    rocksdb_put(db, rocksdb_writeoptions_create(), key, len, "value", 6, &err);
    rgc_free(key);
  }
  rocksdb_compact_range(db, NULL, 0, NULL, 0);
  rocksdb_property_int(db, "rocksdb.estimate-num-keys", &left); /* exact without tombstones */
  printf("%d of 3 versions left\n", (int)left);
  return rocksdb_close(db), left != 1; /* a server destroys its options, then gc */
}
