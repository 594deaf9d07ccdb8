/* db.c - see db.h. */
#include "db.h"

#include "check.h"

static void must(char* error) {
  if (error != NULL) fprintf(stderr, "RocksDB: %s\n", error);
  REQUIRE(error == NULL);
}

struct db db_open(const char* directory, rocksdb_compactionfilterfactory_t* factory) {
  char* error = NULL;
  struct db db = {NULL, rocksdb_options_create(), rocksdb_writeoptions_create()};
  rocksdb_options_set_create_if_missing(db.options, 1);
  rocksdb_options_set_error_if_exists(db.options, 1);
  rocksdb_options_set_disable_auto_compactions(db.options, 1);
  if (factory != NULL) rocksdb_options_set_compaction_filter_factory(db.options, factory);
  db.db = rocksdb_open(db.options, directory, &error);
  must(error);
  return db;
}

void db_put(struct db* db, struct key key, const char* value, size_t value_len) {
  char* error = NULL;
  rocksdb_put(db->db, db->write_options, key.data, key.len, value, value_len, &error);
  must(error);
}

void db_flush(struct db* db) {
  char* error = NULL;
  rocksdb_flushoptions_t* options = rocksdb_flushoptions_create();
  rocksdb_flush(db->db, options, &error);
  must(error);
  rocksdb_flushoptions_destroy(options);
}

void db_compact(struct db* db) {
  rocksdb_compactoptions_t* options = rocksdb_compactoptions_create();
  rocksdb_compactoptions_set_bottommost_level_compaction(options, 2); /* by force */
  rocksdb_compact_range_opt(db->db, options, NULL, 0, NULL, 0);
  rocksdb_compactoptions_destroy(options);
}

size_t count_all(rocksdb_iterator_t* iterator) {
  size_t count = 0;
  for (rocksdb_iter_seek_to_first(iterator); rocksdb_iter_valid(iterator); rocksdb_iter_next(iterator)) ++count;
  char* error = NULL;
  rocksdb_iter_get_error(iterator, &error);
  must(error);
  rocksdb_iter_destroy(iterator);
  return count;
}

size_t db_count(struct db* db) {
  rocksdb_readoptions_t* options = rocksdb_readoptions_create();
  size_t count = count_all(rocksdb_create_iterator(db->db, options));
  rocksdb_readoptions_destroy(options);
  return count;
}

int db_has(struct db* db, struct key key) {
  rocksdb_readoptions_t* options = rocksdb_readoptions_create();
  char* error = NULL;
  size_t len = 0;
  char* value = rocksdb_get(db->db, options, key.data, key.len, &len, &error);
  must(error);
  rocksdb_readoptions_destroy(options);
  rocksdb_free(value);
  return value != NULL;
}

void db_close(struct db* db) {
  rocksdb_close(db->db);
  rocksdb_options_destroy(db->options);
  rocksdb_writeoptions_destroy(db->write_options);
}
