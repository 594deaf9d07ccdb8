package io.rocksgc;

/**
 * A column family of the store.
 *
 * @param name RocksDB's own name of the family
 * @param handle the address of a rocksdb_column_family_handle_t; 0 means the default family
 */
public record Family(Role role, String name, long handle) {
  /** The default column family, with the role DEFAULT. */
  public static final Family DEFAULT = new Family(Role.DEFAULT, "default", 0);
}
