package io.rocksgc;

import com.sun.jna.Pointer;

/**
 * A schema that was listed, created, dropped or truncated.
 *
 * @param keyspace Keyspaces.NONE in the plain layout
 * @param truncatedUpToTs unsigned; 0 means never
 */
public record SchemaInfo(int keyspace, long id, SchemaState state, long truncatedUpToTs) {
  static SchemaInfo read(Pointer info) {
    return new SchemaInfo(
        info.getInt(Abi.SchemaInfoLayout.KEYSPACE),
        Integer.toUnsignedLong(info.getInt(Abi.SchemaInfoLayout.ID)),
        Numbered.find(SchemaState.class, info.getInt(Abi.SchemaInfoLayout.STATE)),
        info.getLong(Abi.SchemaInfoLayout.TRUNCATED_UP_TO_TS));
  }
}
