package io.rocksgc;

import java.nio.ByteBuffer;

/**
 * A barrier that lives.
 *
 * @param keyspace an id, Keyspaces.NONE (the global safe point) or Keyspaces.ALL
 * @param ts unsigned
 * @param expiresUnixSeconds its last second; Barriers.NO_TTL means that it does not end
 */
public record BarrierInfo(int keyspace, String name, long ts, long expiresUnixSeconds) {
  static BarrierInfo read(ByteBuffer info) {
    return new BarrierInfo(
        info.getInt(Header.BarrierInfoLayout.KEYSPACE),
        Bytes.readText(info.getLong(Header.BarrierInfoLayout.NAME)),
        info.getLong(Header.BarrierInfoLayout.TS),
        info.getLong(Header.BarrierInfoLayout.EXPIRES_UNIX_SECONDS));
  }
}
