/* abi_sizes.c - sizes, offsets and numbers of version 1 of the contract, for 64-bit machines. They
 * never change. A struct that grows gets a new line here, with its new size. */
#include <assert.h>

#include "rocks_gc.h"

#define SIZE(type, size) _Static_assert(sizeof(type) == (size), #type " has another size")
#define FIELD(type, field, offset) _Static_assert(offsetof(type, field) == (offset), #type "." #field " lies elsewhere")
#define NUMBER(name, value) _Static_assert((name) == (value), #name " is another number")

/* Fixed for ever. */
SIZE(rgc_symbol_t, 16);
FIELD(rgc_symbol_t, name, 0);
FIELD(rgc_symbol_t, address, 8);

SIZE(rgc_property_t, 32);
FIELD(rgc_property_t, name, 0);
FIELD(rgc_property_t, name_len, 8);
FIELD(rgc_property_t, value, 16);
FIELD(rgc_property_t, value_len, 24);

/* These may grow. */
SIZE(rgc_table_properties_t, 48);
FIELD(rgc_table_properties_t, struct_size, 0);
FIELD(rgc_table_properties_t, num_entries, 8);
FIELD(rgc_table_properties_t, num_deletions, 16);
FIELD(rgc_table_properties_t, num_range_deletions, 24);
FIELD(rgc_table_properties_t, user_collected, 32);
FIELD(rgc_table_properties_t, num_user_collected, 40);

SIZE(rgc_compaction_t, 48); /* 32 before inputs came: hosts of then go on */
FIELD(rgc_compaction_t, struct_size, 0);
FIELD(rgc_compaction_t, is_full, 8);
FIELD(rgc_compaction_t, is_manual, 12);
FIELD(rgc_compaction_t, is_bottommost, 16);
FIELD(rgc_compaction_t, start_level, 20);
FIELD(rgc_compaction_t, output_level, 24);
FIELD(rgc_compaction_t, column_family_id, 28);
FIELD(rgc_compaction_t, inputs, 32);
FIELD(rgc_compaction_t, num_inputs, 40);

SIZE(rgc_range_t, 40);
FIELD(rgc_range_t, struct_size, 0);
FIELD(rgc_range_t, start, 8);
FIELD(rgc_range_t, start_len, 16);
FIELD(rgc_range_t, end, 24);
FIELD(rgc_range_t, end_len, 32);

SIZE(rgc_key_t, 40);
FIELD(rgc_key_t, struct_size, 0);
FIELD(rgc_key_t, mode, 8);
FIELD(rgc_key_t, keyspace, 12);
FIELD(rgc_key_t, ts, 16);
FIELD(rgc_key_t, user_key, 24);
FIELD(rgc_key_t, user_key_len, 32);

SIZE(rgc_explained_t, 160);
FIELD(rgc_explained_t, struct_size, 0);
FIELD(rgc_explained_t, column_family, 8);
FIELD(rgc_explained_t, mode, 16);
FIELD(rgc_explained_t, keyspace, 20);
FIELD(rgc_explained_t, why, 24);
FIELD(rgc_explained_t, text, 32);
FIELD(rgc_explained_t, own_safe_point, 40);
FIELD(rgc_explained_t, effective_safe_point, 48);
FIELD(rgc_explained_t, files, 56);
FIELD(rgc_explained_t, sampled_versions, 64);
FIELD(rgc_explained_t, rows, 72);
FIELD(rgc_explained_t, versions, 80);
FIELD(rgc_explained_t, bytes, 88);
FIELD(rgc_explained_t, due_versions, 96);
FIELD(rgc_explained_t, due_bytes, 104);
FIELD(rgc_explained_t, last_level_versions, 112);
FIELD(rgc_explained_t, last_level_bytes, 120);
FIELD(rgc_explained_t, held_versions, 128);
FIELD(rgc_explained_t, held_bytes, 136);
FIELD(rgc_explained_t, unparsed, 144);
FIELD(rgc_explained_t, oldest_ts, 152);

SIZE(rgc_stats_t, 264);
FIELD(rgc_stats_t, struct_size, 0);
FIELD(rgc_stats_t, runs_started, 8);
FIELD(rgc_stats_t, filters_not_needed, 16);
FIELD(rgc_stats_t, runs_closed, 24);
FIELD(rgc_stats_t, kept, 32);
FIELD(rgc_stats_t, removed, 40);
FIELD(rgc_stats_t, skipped, 48);
FIELD(rgc_stats_t, dropped, 56);
FIELD(rgc_stats_t, late_dropped, 64);
FIELD(rgc_stats_t, expired, 72);
FIELD(rgc_stats_t, delete_marked, 80);
FIELD(rgc_stats_t, unparsed_keys, 88);
FIELD(rgc_stats_t, unparsed_values, 96);
FIELD(rgc_stats_t, kept_unknown_keyspace, 104);
FIELD(rgc_stats_t, kept_unknown_schema, 112);
FIELD(rgc_stats_t, safe_points_refused, 120);
FIELD(rgc_stats_t, gc_types_refused, 128);
FIELD(rgc_stats_t, rows_queued, 136);
FIELD(rgc_stats_t, rows_done, 144);
FIELD(rgc_stats_t, rows_deferred, 152);
FIELD(rgc_stats_t, rows_left_unparsed, 160);
FIELD(rgc_stats_t, pending, 168);
FIELD(rgc_stats_t, destroyed_records, 176);
FIELD(rgc_stats_t, cache_bytes, 184);
FIELD(rgc_stats_t, not_needed_no_safe_point, 192);
FIELD(rgc_stats_t, not_needed_nothing_dropped, 200);
FIELD(rgc_stats_t, not_needed_too_new, 208);
FIELD(rgc_stats_t, not_needed_little_garbage, 216);
FIELD(rgc_stats_t, not_needed_nothing_expired, 224);
FIELD(rgc_stats_t, kept_no_own_safe_point, 232);
FIELD(rgc_stats_t, kept_other_kind, 240);
FIELD(rgc_stats_t, kept_disabled, 248);
FIELD(rgc_stats_t, own_safe_points_unused, 256);

SIZE(rgc_column_family_t, 32);
FIELD(rgc_column_family_t, struct_size, 0);
FIELD(rgc_column_family_t, role, 8);
FIELD(rgc_column_family_t, name, 16);
FIELD(rgc_column_family_t, handle, 24);

SIZE(rgc_write_t, 40);
FIELD(rgc_write_t, op, 0);
FIELD(rgc_write_t, cf, 4);
FIELD(rgc_write_t, key, 8);
FIELD(rgc_write_t, key_len, 16);
FIELD(rgc_write_t, value, 24);
FIELD(rgc_write_t, value_len, 32);

SIZE(rgc_file_t, 104);
FIELD(rgc_file_t, struct_size, 0);
FIELD(rgc_file_t, level, 8);
FIELD(rgc_file_t, bytes, 16);
FIELD(rgc_file_t, entries, 24);
FIELD(rgc_file_t, deletions, 32);
FIELD(rgc_file_t, smallest, 40);
FIELD(rgc_file_t, smallest_len, 48);
FIELD(rgc_file_t, largest, 56);
FIELD(rgc_file_t, largest_len, 64);
FIELD(rgc_file_t, user_collected, 72);
FIELD(rgc_file_t, num_user_collected, 80);
FIELD(rgc_file_t, name, 88);
FIELD(rgc_file_t, name_len, 96);

SIZE(rgc_engine_t, 136);
FIELD(rgc_engine_t, struct_size, 0);
FIELD(rgc_engine_t, get, 8);
FIELD(rgc_engine_t, write, 16);
FIELD(rgc_engine_t, iterate, 24);
FIELD(rgc_engine_t, next, 32);
FIELD(rgc_engine_t, iterator_destroy, 40);
FIELD(rgc_engine_t, delete_files, 48);
FIELD(rgc_engine_t, compact, 56);
FIELD(rgc_engine_t, flush, 64);
FIELD(rgc_engine_t, files, 72);
FIELD(rgc_engine_t, write_stalled, 80);
FIELD(rgc_engine_t, destructor, 88);
FIELD(rgc_engine_t, get_durable, 96);
FIELD(rgc_engine_t, try_flush, 104);
FIELD(rgc_engine_t, files_in_range, 112);
FIELD(rgc_engine_t, describe, 120);
FIELD(rgc_engine_t, cancel, 128);

SIZE(rgc_collect_report_t, 112);
FIELD(rgc_collect_report_t, struct_size, 0);
FIELD(rgc_collect_report_t, files_considered, 8);
FIELD(rgc_collect_report_t, files_compacted, 16);
FIELD(rgc_collect_report_t, files_skipped, 24);
FIELD(rgc_collect_report_t, bytes_before, 32);
FIELD(rgc_collect_report_t, bytes_after, 40);
FIELD(rgc_collect_report_t, versions_removed, 48);
FIELD(rgc_collect_report_t, elapsed_microseconds, 56);
FIELD(rgc_collect_report_t, files_read, 64);
FIELD(rgc_collect_report_t, files_without_garbage, 72);
FIELD(rgc_collect_report_t, files_over_budget, 80);
FIELD(rgc_collect_report_t, files_with_figures, 88);
FIELD(rgc_collect_report_t, garbage_versions, 96);
FIELD(rgc_collect_report_t, garbage_bytes, 104);

SIZE(rgc_destroy_report_t, 80);
FIELD(rgc_destroy_report_t, struct_size, 0);
FIELD(rgc_destroy_report_t, files_dropped, 8);
FIELD(rgc_destroy_report_t, file_bytes_dropped, 16);
FIELD(rgc_destroy_report_t, keys_deleted, 24);
FIELD(rgc_destroy_report_t, range_tombstones, 32);
FIELD(rgc_destroy_report_t, files_microseconds, 40);
FIELD(rgc_destroy_report_t, keys_microseconds, 48);
FIELD(rgc_destroy_report_t, compact_microseconds, 56);
FIELD(rgc_destroy_report_t, files_left, 64);
FIELD(rgc_destroy_report_t, file_bytes_left, 72);

SIZE(rgc_debt_t, 32);
FIELD(rgc_debt_t, struct_size, 0);
FIELD(rgc_debt_t, debts, 8);
FIELD(rgc_debt_t, files, 16);
FIELD(rgc_debt_t, bytes, 24);

SIZE(rgc_keyspace_meta_t, 32);
FIELD(rgc_keyspace_meta_t, struct_size, 0);
FIELD(rgc_keyspace_meta_t, id, 8);
FIELD(rgc_keyspace_meta_t, state, 12);
FIELD(rgc_keyspace_meta_t, name, 16);
FIELD(rgc_keyspace_meta_t, gc_management_type, 24);

SIZE(rgc_keyspace_info_t, 48);
FIELD(rgc_keyspace_info_t, struct_size, 0);
FIELD(rgc_keyspace_info_t, id, 8);
FIELD(rgc_keyspace_info_t, state, 12);
FIELD(rgc_keyspace_info_t, gc_type, 16);
FIELD(rgc_keyspace_info_t, own_safe_point, 24);
FIELD(rgc_keyspace_info_t, effective_safe_point, 32);
FIELD(rgc_keyspace_info_t, name, 40);

SIZE(rgc_destroyed_info_t, 80);
FIELD(rgc_destroyed_info_t, struct_size, 0);
FIELD(rgc_destroyed_info_t, start, 8);
FIELD(rgc_destroyed_info_t, start_len, 16);
FIELD(rgc_destroyed_info_t, end, 24);
FIELD(rgc_destroyed_info_t, end_len, 32);
FIELD(rgc_destroyed_info_t, keyspace, 40);
FIELD(rgc_destroyed_info_t, state, 44);
FIELD(rgc_destroyed_info_t, started_unix_seconds, 48);
FIELD(rgc_destroyed_info_t, done_unix_seconds, 56);
FIELD(rgc_destroyed_info_t, late_keys_dropped, 64);
FIELD(rgc_destroyed_info_t, pending_ts, 72);

SIZE(rgc_barrier_info_t, 40);
FIELD(rgc_barrier_info_t, struct_size, 0);
FIELD(rgc_barrier_info_t, keyspace, 8);
FIELD(rgc_barrier_info_t, name, 16);
FIELD(rgc_barrier_info_t, ts, 24);
FIELD(rgc_barrier_info_t, expires_unix_seconds, 32);

SIZE(rgc_schema_info_t, 32);
FIELD(rgc_schema_info_t, struct_size, 0);
FIELD(rgc_schema_info_t, keyspace, 8);
FIELD(rgc_schema_info_t, id, 12);
FIELD(rgc_schema_info_t, state, 16);
FIELD(rgc_schema_info_t, truncated_up_to_ts, 24);

SIZE(rgc_pd_key_t, 24);
FIELD(rgc_pd_key_t, struct_size, 0);
FIELD(rgc_pd_key_t, what, 8);
FIELD(rgc_pd_key_t, keyspace, 12);
FIELD(rgc_pd_key_t, name, 16);

SIZE(rgc_pd_value_t, 24);
FIELD(rgc_pd_value_t, struct_size, 0);
FIELD(rgc_pd_value_t, number, 8);
FIELD(rgc_pd_value_t, expires_unix_seconds, 16);

NUMBER(RGC_PD_LEADER, 1);
NUMBER(RGC_PD_KEYSPACE_META, 2);
NUMBER(RGC_PD_KEYSPACE_NAME, 3);
NUMBER(RGC_PD_KEYSPACE_ALLOCATOR, 4);
NUMBER(RGC_PD_GC_SAFE_POINT, 5);
NUMBER(RGC_PD_TXN_SAFE_POINT, 6);
NUMBER(RGC_PD_BARRIER, 7);
NUMBER(RGC_PD_STATE_REVISION, 8);
NUMBER(RGC_PD_MIN_START, 9);
NUMBER(RGC_ABI_VERSION, 1);
NUMBER(RGC_ERROR_NONE, 0);
NUMBER(RGC_ERROR_INVALID_ARGUMENT, 1);
NUMBER(RGC_ERROR_NOT_FOUND, 2);
NUMBER(RGC_ERROR_NOT_SUPPORTED, 3);
NUMBER(RGC_ERROR_BUSY, 4);
NUMBER(RGC_ERROR_CORRUPTION, 5);
NUMBER(RGC_ERROR_IO, 6);
NUMBER(RGC_ERROR_ABORTED, 7);
NUMBER(RGC_ERROR_UNKNOWN, 8);
NUMBER(RGC_LOG_OFF, 0);
NUMBER(RGC_LOG_ERROR, 1);
NUMBER(RGC_LOG_WARN, 2);
NUMBER(RGC_LOG_INFO, 3);
NUMBER(RGC_LOG_DEBUG, 4);
NUMBER(RGC_GC_GLOBAL, 0);
NUMBER(RGC_GC_KEYSPACE_LEVEL, 1);
NUMBER(RGC_KEYSPACE_MAX, 16777215);
NUMBER(RGC_KEYSPACE_NONE, 4294967295);
NUMBER(RGC_KEYSPACE_ALL, 4294967294);
NUMBER(RGC_KIND_DROPPED_ONLY, 16);
NUMBER(RGC_KIND_RAW, 17);
NUMBER(RGC_KIND_TXN, 18);
NUMBER(RGC_KIND_TTL_V1, 19);
NUMBER(RGC_KEEP, 0);
NUMBER(RGC_REMOVE, 1);
NUMBER(RGC_REMOVE_AND_SKIP_UNTIL, 2);
NUMBER(RGC_UNDETERMINED, 3);
NUMBER(RGC_VALUE, 0);
NUMBER(RGC_MERGE_OPERAND, 1);
NUMBER(RGC_BLOB_INDEX, 2);
NUMBER(RGC_WIDE_COLUMNS, 3);
NUMBER(RGC_TOMBSTONE, 4);
NUMBER(RGC_RANGE_TOMBSTONE, 5);
NUMBER(RGC_WHY_NOTHING_STALE, 0);
NUMBER(RGC_WHY_NO_VERSIONS, 1);
NUMBER(RGC_WHY_DUE, 2);
NUMBER(RGC_WHY_ONLY_IN_LAST_LEVEL, 3);
NUMBER(RGC_WHY_OWN_SAFE_POINT, 4);
NUMBER(RGC_WHY_GLOBAL_SAFE_POINT, 5);
NUMBER(RGC_WHY_NO_OWN_SAFE_POINT, 6);
NUMBER(RGC_WHY_NO_GLOBAL_SAFE_POINT, 7);
NUMBER(RGC_WHY_NOT_REGISTERED, 8);
NUMBER(RGC_WHY_PAUSED, 9);
NUMBER(RGC_WHY_CONFLICT, 10);
NUMBER(RGC_WHY_UNKNOWN_TYPE, 11);
NUMBER(RGC_WHY_DISABLED, 12);
NUMBER(RGC_WHY_VALUES_OF_RECORDS, 13);
NUMBER(RGC_WHY_OTHER_KIND, 14);
NUMBER(RGC_WHY_NO_FILTER, 15);
NUMBER(RGC_WHY_DOES_NOT_PARSE, 16);
NUMBER(RGC_WHY_BARRIER, 17);
NUMBER(RGC_MODE_NONE, 0);
NUMBER(RGC_MODE_RAW, 'r');
NUMBER(RGC_MODE_TXN, 'x');
NUMBER(RGC_MODE_TIDB_META, 'm');
NUMBER(RGC_MODE_TIDB_TABLE, 't');
NUMBER(RGC_CF_DEFAULT, 0);
NUMBER(RGC_CF_WRITE, 1);
NUMBER(RGC_CF_LOCK, 2);
NUMBER(RGC_CF_OTHER, 3);
NUMBER(RGC_CF_LEDGER, 4);
NUMBER(RGC_ENGINE_OK, 0);
NUMBER(RGC_ENGINE_BUSY, 1);
NUMBER(RGC_ENGINE_ERROR, 2);
NUMBER(RGC_ENGINE_NO_FAMILY, 3);
NUMBER(RGC_OP_PUT, 0);
NUMBER(RGC_OP_DELETE, 1);
NUMBER(RGC_OP_DELETE_RANGE, 2);
NUMBER(RGC_WRITE_FLAG_SYNC, 1);
NUMBER(RGC_WRITE_FLAG_NO_SLOWDOWN, 2);
NUMBER(RGC_DESTROY_FORCE, 1);
NUMBER(RGC_DESTROY_REUSABLE, 2);
NUMBER(RGC_DESTROY_STARTED, 0);
NUMBER(RGC_DESTROY_DONE, 1);
NUMBER(RGC_DESTROY_CLEARED, 2);
NUMBER(RGC_DESTROY_PENDING, 3);
NUMBER(RGC_SCHEMA_UNKNOWN, 0);
NUMBER(RGC_SCHEMA_VALID, 1);
NUMBER(RGC_SCHEMA_TRUNCATING, 2);
NUMBER(RGC_SCHEMA_DROPPED, 3);
NUMBER(RGC_KEYSPACE_ENABLED, 0);
NUMBER(RGC_KEYSPACE_DISABLED, 1);
NUMBER(RGC_KEYSPACE_ARCHIVED, 2);
NUMBER(RGC_KEYSPACE_TOMBSTONE, 3);
