//! Every exported function. Each has the type that the header gives it.

use super::c;

/// An array of two functions compiles only if they have one type.
macro_rules! same_type_as_in_the_header {
    ($($name:ident)*) => { $(const _: () = { let _ = [super::$name, c::$name]; };)* };
}

same_type_as_in_the_header! {
    rgc_codec_parse_keyspace
    rgc_codec_encode_key
    rgc_codec_decode_key
    rgc_codec_encode_range
    rgc_codec_decode_range
    rgc_codec_encode_region_key
    rgc_codec_decode_region_key
    rgc_codec_encode_region_range
    rgc_codec_decode_region_range
    rgc_codec_encode_keys
    rgc_codec_decode_keys
    rgc_codec_decode_bucket_keys
    rgc_create
    rgc_destroy
    rgc_set_clock
    rgc_set_enabled
    rgc_destroy_range
    rgc_destroy_ranges
    rgc_destroy_keyspace
    rgc_destroy_keyspaces
    rgc_recheck_destroyed
    rgc_release_destroyed
    rgc_destroyed_count
    rgc_filter_create
    rgc_filter_decide
    rgc_filter_decide_by_key
    rgc_filter_set_bottommost
    rgc_filter_set_inputs
    rgc_filter_destroy
    rgc_filter_callback
    rgc_filter_destructor
    rgc_filter_name
    rgc_keyspace_load
    rgc_keyspace_load_protobuf
    rgc_abi_version
    rgc_version
    rgc_error_kind
    rgc_free
    rgc_set_logger
    rgc_rocksdb_event_listener
    rgc_keyspaces_foreach
    rgc_destroyed_foreach
    rgc_schemas_foreach
    rgc_options_create
    rgc_options_set
    rgc_options_parse
    rgc_options_describe
    rgc_options_destroy
    rgc_wal_should_skip
    rgc_wal_filter_batch
    rgc_rocksdb_wal_filter
    rgc_bind_rocksdb_symbols
    rgc_bind_rocksdb_library
    rgc_rocksdb_filter_factory
    rgc_factory_state
    rgc_factory_destructor
    rgc_factory_create_filter
    rgc_factory_name
    rgc_advance_global_safe_point
    rgc_advance_keyspace_safe_point
    rgc_advance_keyspace_safe_points
    rgc_set_keyspace_gc_type
    rgc_set_keyspace_gc_types
    rgc_pause_keyspace
    rgc_global_safe_point
    rgc_keyspace_safe_point
    rgc_safe_point_for_key
    rgc_schemas_load
    rgc_schema_create
    rgc_schema_drop
    rgc_schema_truncate
    rgc_schema_state
    rgc_stats
    rgc_metrics
    rgc_attach_rocksdb
    rgc_attach_engine
    rgc_detach
    rgc_worker_pending
    rgc_worker_drain
    rgc_debt
    rgc_collect
    rgc_encode_key
    rgc_decode_key
    rgc_encode_range
    rgc_keyspace_range
}
