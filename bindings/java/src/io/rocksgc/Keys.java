package io.rocksgc;

import java.nio.ByteBuffer;

/** Builds the stored keys of a {@link Gc}, and takes them apart. */
public final class Keys {
  private final Handle handle;

  Keys(Handle handle) {
    this.handle = handle;
  }

  /** The stored key of version ts of a user key. */
  public byte[] encode(Mode mode, int keyspace, byte[] userKey, long ts) {
    Keyspaces.checkOrNone(keyspace);
    long[] length = new long[1];
    long key = handle.ask((gc, error) -> Abi.rgc_encode_key(
        gc, mode.number(), keyspace, userKey, userKey.length, ts, length, error));
    return Bytes.take(key, length[0]);
  }

  /** Takes a stored key apart. Fails with CORRUPTION if it is not one. */
  public StoredKey decode(byte[] storedKey) {
    byte[] struct = Bytes.struct(Header.KeyLayout.SIZE);
    handle.ask((gc, error) ->
        Abi.rgc_decode_key(gc, storedKey, storedKey.length, struct, error));
    ByteBuffer key = Bytes.read(struct);
    return new StoredKey(
        Numbered.find(Mode.class, key.getInt(Header.KeyLayout.MODE)),
        key.getInt(Header.KeyLayout.KEYSPACE),
        Bytes.take(
            key.getLong(Header.KeyLayout.USER_KEY), key.getLong(Header.KeyLayout.USER_KEY_LEN)),
        key.getLong(Header.KeyLayout.TS));
  }

  /**
   * The stored range of all versions of the user keys in a range.
   *
   * @param userKeys an end that is null means the end of the keyspace
   */
  public Range encodeRange(Mode mode, int keyspace, Range userKeys) {
    Keyspaces.checkOrNone(keyspace);
    return Range.filled(struct -> handle.run((gc, error) -> Abi.rgc_encode_range(
        gc, mode.number(), keyspace, userKeys.start(), userKeys.startLength(), userKeys.end(),
        userKeys.endLength(), struct, error)));
  }

  /** The stored range of a whole keyspace; of modes m and t; in the plain layout, of all data. */
  public Range keyspaceRange(Mode mode, int keyspace) {
    Keyspaces.checkOrNone(keyspace);
    return Range.filled(struct -> handle.run((gc, error) ->
        Abi.rgc_keyspace_range(gc, mode.number(), keyspace, struct, error)));
  }
}
