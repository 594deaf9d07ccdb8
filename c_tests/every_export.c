/* every_export.c - calls every function of rocks_gc.h, with what it takes and with what it must refuse. Needs no RocksDB.
 *
 * Usage: every_export LIBRARY [RANDOM_ROUNDS [SEED]] */
#define _GNU_SOURCE
#include <time.h>
#include <unistd.h>

#include "every_export/parts.h"

int main(int argc, char** argv) {
  REQUIRE(argc >= 2);
  /* What waits for ever is a failure too. */
  alarm(600);
  api_load(argv[1]);
  /* Thousands of calls fail on purpose. */
  api.rgc_set_logger(NULL, NULL, RGC_LOG_OFF);
  uint64_t rounds = argc > 2 ? strtoull(argv[2], NULL, 10) : 200000;
  uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : (uint64_t)time(NULL);

  test_library();
  test_options();
  test_safe_points();
  test_types_and_removals();
  test_runs();
  test_values();
  test_records();
  test_skips();
  test_inputs();
  test_listener();
  test_layouts();
  test_callbacks();
  test_refusals();
  test_threads();
  test_rocksdb();
  test_stored_keys();
  test_codec();
  test_stats();
  test_attach();
  test_worker();
  test_worker_batches();
  test_worker_limits();
  test_destroy();
  test_destroy_errors();
  test_destroyed_runs();
  test_ledger();
  test_collect();
  test_together();
  test_schemas(seed);
  test_schema_runs();
  test_schema_changes(seed);
  test_schema_skips(seed);
  test_schema_drops();
  test_schema_edges();
  test_schema_meetings();
  test_schema_drop_faults();
  test_schema_truncates();
  test_schema_truncate_faults();
  test_schema_plain();
  test_schema_records();
  test_schema_threads();
  test_schema_histories(seed);
  test_kinds();
  test_keyspaces();
  test_keyspace_bytes(seed);
  test_keyspace_destroys();
  test_foreach();
  test_foreach_schemas();
  test_recovery(seed);
  test_random(seed, rounds);
  return check_summary("every_export") == 0 ? 0 : 1;
}
