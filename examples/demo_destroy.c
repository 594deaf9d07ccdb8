/* demo_destroy.c - a tenant leaves: the host destroys its keyspace, gets its space back when the
 * worker has compacted the files at the borders, and the other keyspaces do not change. */
#define _XOPEN_SOURCE 700
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "demo.h"

enum { SMALL_FILE = 64 << 10, DRAIN_MILLISECONDS = 60000 };

static look_t left[KEYSPACES];
static uint64_t table_bytes;

static int add_table(const char* path, const struct stat* status, int type, struct FTW* place) {
  (void)place;
  const char* end = strrchr(path, '.');
  if (type == FTW_F && end && strcmp(end, ".sst") == 0) table_bytes += (uint64_t)status->st_size;
  return 0;
}

/* The table files in the database's directory, whatever RocksDB thinks of them. */
static uint64_t bytes_on_disk(void) {
  table_bytes = 0;
  if (nftw(demo.directory, add_table, 16, FTW_PHYS) != 0) fail("nftw", demo.directory);
  return table_bytes;
}

static int mistake(const keyspace_t* k, int wrong, const char* what) {
  if (wrong) fprintf(stderr, "demo: %s: %s\n", k->name, what);
  return wrong;
}

/* Nothing of the destroyed keyspace is left, and of the others everything. */
static int count_left(const keyspace_t* destroyed) {
  int mistakes = 0;
  look_at_all(left);
  for EACH_KEYSPACE(k) {
    const look_t *old = &after[k - keyspaces], *new = &left[k - keyspaces];
    if (k == destroyed) {
      mistakes += mistake(k, new->versions != 0, "it was destroyed, and is still seen");
    } else {
      mistakes += mistake(k, new->versions != old->versions, "it lost versions when another keyspace was destroyed");
      int differs = memcmp(new->found, old->found, k->rows * sizeof *old->found) != 0;
      mistakes += mistake(k, differs, "it reads otherwise since another keyspace was destroyed");
    }
  }
  free_looks(left);
  return mistakes;
}

static double mib(uint64_t bytes) { return (double)bytes / (1 << 20); }

int destroy(const keyspace_t* k) {
  rgc_destroy_report_t report = {.struct_size = sizeof report};
  uint64_t had = after[k - keyspaces].bytes, bytes_before = bytes_on_disk();
  double start = seconds();
  RGC(rgc.destroy_keyspace(demo.gc, k->id, 0, &report, &err));
  double took = seconds() - start;
  size_t pending;
  RGC(pending = rgc.worker_drain(demo.gc, DRAIN_MILLISECONDS, &err));
  if (pending > 0) fail("rgc_worker_drain", "the worker has not compacted the files at the borders");
  uint64_t bytes_after = bytes_on_disk();
  printf("\ndestroyed keyspace %" PRIu32 " %s (%.1f MiB) in %.0f ms: %s files dropped (%.1f MiB), %s keys deleted, %s range tombstones.\n"
         "           On disk before: %.1f MiB, after: %.1f MiB. Records in the ledger: %s; files: ",
         k->id, k->name, mib(had), took * 1e3, number(report.files_dropped), mib(report.file_bytes_dropped), number(report.keys_deleted),
         number(report.range_tombstones), mib(bytes_before), mib(bytes_after), number(rgc.destroyed_count(demo.gc)));
  print_levels();
  int mistakes = count_left(k);
  mistakes += mistake(k, bytes_after + had / 10 * 9 > bytes_before + SMALL_FILE, "its space did not come back");
  mistakes += mistake(k, rgc.destroyed_count(demo.gc) != 2, "it should have two records, of its RawKV keys and of its transactions");
  return mistakes;
}
