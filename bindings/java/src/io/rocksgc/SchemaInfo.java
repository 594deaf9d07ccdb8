package io.rocksgc;

import java.nio.ByteBuffer;

/**
 * A schema that was listed, created, dropped or truncated.
 *
 * @param keyspace Keyspaces.NONE in the plain layout
 * @param truncatedUpToTs unsigned; 0 means never
 */
public record SchemaInfo(int keyspace, long id, SchemaState state, long truncatedUpToTs) {
  static SchemaInfo read(ByteBuffer info) {
    return new SchemaInfo(
        info.getInt(Header.SchemaInfoLayout.KEYSPACE),
        Integer.toUnsignedLong(info.getInt(Header.SchemaInfoLayout.ID)),
        Numbered.find(SchemaState.class, info.getInt(Header.SchemaInfoLayout.STATE)),
        info.getLong(Header.SchemaInfoLayout.TRUNCATED_UP_TO_TS));
  }
}
