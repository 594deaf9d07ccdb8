/* demo_print.c - what the operator sees. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "demo.h"

const char* number(uint64_t n) {
  static char texts[16][32];
  static unsigned next;
  char digits[32], *text = texts[next++ % 16], *end = text;
  int len = snprintf(digits, sizeof digits, "%" PRIu64, n);
  for (int i = 0; i < len; i++) {
    if (i > 0 && (len - i) % 3 == 0) *end++ = ',';
    *end++ = digits[i];
  }
  *end = 0;
  return text;
}

/* RocksDB's version is in the first lines of its own log; its C API has no call for it. */
void print_versions(void) {
  char path[300], line[512], version[32] = "(unknown version)";
  snprintf(path, sizeof path, "%s/LOG", demo.directory);
  FILE* log = fopen(path, "r");
  for (int i = 0; log && i < 20 && fgets(line, sizeof line, log); i++) {
    const char* found = strstr(line, "RocksDB version: ");
    if (found && sscanf(found, "RocksDB version: %31s", version) == 1) break;
  }
  if (log) fclose(log);
  printf("RocksDB %s, rocks_gc %s\n", version, rgc.version());
}

void print_progress(int hours_done) {
  if (!isatty(STDOUT_FILENO)) return;
  printf("\rwriting: hour %d of %d ", hours_done, HOURS);
  if (hours_done == HOURS) printf("\r%*s\r", 30, "");
  fflush(stdout);
}

int print_levels(void) {
  int levels = 0;
  for (int level = 0; level < 7; level++) {
    char name[64];
    snprintf(name, sizeof name, "rocksdb.num-files-at-level%d", level);
    char* files = rocksdb_property_value(demo.db, name);
    if (files && strcmp(files, "0") != 0) printf("%s%s in L%d", levels++ ? ", " : "", files, level);
    rocksdb_free(files);
  }
  puts("");
  return levels;
}

#define LEFT "%-13s  %-14s  %-10s"
#define HEAD LEFT "  %10s  %10s  %7s  %7s  %7s  %7s  %18s\n"
#define RULE "-------------------------------------------------------------------------------------------------------------------------"

static void print_row(const char* name, const char* type, const char* safe_point, const look_t* old, const look_t* new, uint64_t same,
                      uint64_t rows) {
  char reads[64];
  snprintf(reads, sizeof reads, "%s of %s", number(same), number(rows));
  printf(LEFT "  %10s  %10s  %7.1f  %7.1f  %7s  %7s  %18s\n", name, type, safe_point, number(old->versions), number(new->versions),
         (double)old->bytes / (1 << 20), (double)new->bytes / (1 << 20), number(old->dead_rows), number(new->dead_rows), reads);
}

static void print_keyspace(const keyspace_t* k, const look_t* old, const look_t* new) {
  char name[32], safe_point[32] = "none";
  snprintf(name, sizeof name, "%" PRIu32 " %s", k->id, k->name);
  if (k->safe_point_hours != NO_SAFE_POINT) snprintf(safe_point, sizeof safe_point, "%2d h ago", k->safe_point_hours);
  print_row(name, k->type, safe_point, old, new, same_reads(k), k->rows);
}

static void add(look_t* sum, const look_t* look) {
  sum->versions += look->versions;
  sum->bytes += look->bytes;
  sum->dead_rows += look->dead_rows;
}

void print_table(void) {
  look_t old = {0}, new = {0};
  uint64_t rows = 0, same = 0;
  printf("\n" LEFT "  %s  %s  %s  %18s\n", "", "", "", "------ versions ------", "----- MiB ------", "-- dead rows ---", "latest reads");
  printf(HEAD, "keyspace", "type", "safe point", "before", "after", "before", "after", "before", "after", "the same");
  puts(RULE);
  for EACH_KEYSPACE(k) {
    const look_t *k_old = &before[k - keyspaces], *k_new = &after[k - keyspaces];
    print_keyspace(k, k_old, k_new);
    add(&old, k_old);
    add(&new, k_new);
    rows += k->rows;
    same += same_reads(k);
  }
  puts(RULE);
  print_row("total", "", "", &old, &new, same, rows);
}

void print_why(void) {
  rgc_stats_t s = {.struct_size = sizeof s};
  rgc.stats(demo.gc, &s);
  printf("\nrgc_stats: %s run, %s refused while there was no safe point. Removed %s; kept %s, %s of them of keyspaces never named.\n"
         "           Runs met %s newest versions that are delete marks and %s that have expired; of %s rows handed over the worker has\n"
         "           finished %s, and %s were left. Not understood: %s keys, %s values.\n",
         number(s.runs_started), number(s.filters_not_needed), number(s.removed), number(s.kept), number(s.kept_unknown_keyspace),
         number(s.delete_marked), number(s.expired), number(s.rows_queued), number(s.rows_done), number(s.rows_deferred),
         number(s.unparsed_keys), number(s.unparsed_values));
}
