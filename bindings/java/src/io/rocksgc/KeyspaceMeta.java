package io.rocksgc;

/**
 * A keyspace's metadata.
 *
 * @param gcManagementType keyspace_level, keyspace_level_gc, unified or global_gc; null means
 *     global
 */
public record KeyspaceMeta(int id, KeyspaceState state, String name, String gcManagementType) {}
