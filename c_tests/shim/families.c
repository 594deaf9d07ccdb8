/* families.c - two column families of two kinds; one listener tells their filters that they write
 * the last level. */
#include "host.h"

typedef rocksdb_column_family_handle_t family_t;

static void flush(rocksdb_t* db, family_t* family) {
  char* error = NULL;
  rocksdb_flushoptions_t* options = rocksdb_flushoptions_create();
  rocksdb_flush_cf(db, options, family, &error);
  must(error);
  rocksdb_flushoptions_destroy(options);
}

/* Compacts the keys of this mode from one row to another into the last level. */
static void compact(rocksdb_t* db, family_t* family, char mode, const char* from, const char* to) {
  rocksdb_compactoptions_t* options = rocksdb_compactoptions_create();
  rocksdb_compactoptions_set_bottommost_level_compaction(options, 2); /* by force */
  struct key start = mode_key(mode, 1, from, UINT64_MAX);
  struct key end = mode_key(mode, 1, to, 0);
  rocksdb_compact_range_cf_opt(db, family, options, start.data, start.len, end.data, end.len);
  rocksdb_compactoptions_destroy(options);
}

static size_t count(rocksdb_t* db, family_t* family) {
  rocksdb_readoptions_t* options = rocksdb_readoptions_create();
  size_t count = count_all(rocksdb_create_iterator_cf(db, options, family));
  rocksdb_readoptions_destroy(options);
  return count;
}

/* Every version of every row. Beside them a row "z" in the last level, so that a compaction of the
 * others is no full one; and tombstones, so that one skip may remove a whole row only in the last
 * level. Only the listener then tells that it is. */
static void fill_family(rocksdb_t* db, family_t* family, char mode, const char* value, size_t value_len) {
  rocksdb_writeoptions_t* options = rocksdb_writeoptions_create();
  char* error = NULL;
  struct key key = mode_key(mode, 1, "z", 10);
  rocksdb_put_cf(db, options, family, key.data, key.len, value, value_len, &error);
  must(error);
  flush(db, family);
  compact(db, family, mode, "y", "zz");
  for (size_t v = 0; v < VERSIONS; ++v) {
    for (size_t row = 0; row < ROWS; ++row) {
      key = mode_key(mode, 1, row_name(row), versions[v]);
      rocksdb_put_cf(db, options, family, key.data, key.len, value, value_len, &error);
      must(error);
    }
    key = mode_key(mode, 1, "row", versions[v]);
    rocksdb_delete_cf(db, options, family, key.data, key.len, &error);
    must(error);
    flush(db, family);
  }
  rocksdb_writeoptions_destroy(options);
}

void two_families(void) {
  rgc_t* gc = context();
  rocksdb_options_t* db_options = new_options();
  rocksdb_options_t* rows = new_options();
  rocksdb_options_t* records = new_options();
  rocksdb_options_set_num_levels(rows, 2);
  rocksdb_options_set_num_levels(records, 2);
  SUCCEEDS(rgc_shim_install(library, gc, RGC_KIND_RAW, db_options, rows, errptr));
  SUCCEEDS(rgc_shim_install(library, gc, RGC_KIND_TXN, db_options, records, errptr));
  static const char* const names[] = {"default", "write"};
  const rocksdb_options_t* options[] = {rows, records};
  family_t* families[2];
  char* error = NULL;
  rocksdb_t* db = rocksdb_open_column_families(db_options, path_of("two_families"), 2, names, options, families, &error);
  must(error);
  advance(gc, 45);
  fill_family(db, families[0], 'r', BYTES("value\0"));
  fill_family(db, families[1], 'x', BYTES("P\5v\5value"));

  compact(db, families[0], 'r', "row", "s");
  CHECK_EQ(count(db, families[0]), ROWS + 1);
  CHECK_EQ(count(db, families[1]), ROWS * VERSIONS + 1);
  CHECK_EQ(stats_of(gc).skipped, ROWS);
  /* The filter removes the records that are older than the newest one at or below the safe point, by
   * one skip a row: the properties say that each record holds its value. */
  compact(db, families[1], 'x', "row", "s");
  CHECK_EQ(count(db, families[1]), ROWS * 2 + 1);
  CHECK_EQ(stats_of(gc).skipped, ROWS + ROWS);
  CHECK_EQ(stats_of(gc).removed, 0);

  api.rgc_destroy(gc);
  for (size_t i = 0; i < 2; ++i) rocksdb_column_family_handle_destroy(families[i]);
  rocksdb_close(db);
  rocksdb_options_destroy(records);
  rocksdb_options_destroy(rows);
  rocksdb_options_destroy(db_options);
}
