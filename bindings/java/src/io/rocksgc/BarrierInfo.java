package io.rocksgc;

import com.sun.jna.Pointer;

/**
 * A barrier that lives.
 *
 * @param keyspace an id, Keyspaces.NONE (the global safe point) or Keyspaces.ALL
 * @param ts unsigned
 * @param expiresUnixSeconds its last second; Barriers.NO_TTL means that it does not end
 */
public record BarrierInfo(int keyspace, String name, long ts, long expiresUnixSeconds) {
  static BarrierInfo read(Pointer info) {
    return new BarrierInfo(
        info.getInt(Abi.BarrierInfoLayout.KEYSPACE),
        Bytes.readText(info.getLong(Abi.BarrierInfoLayout.NAME)),
        info.getLong(Abi.BarrierInfoLayout.TS),
        info.getLong(Abi.BarrierInfoLayout.EXPIRES_UNIX_SECONDS));
  }
}
