package io.rocksgc;

import java.nio.ByteBuffer;

/**
 * The record of a destroyed range. rgc_destroyed_info_t in rocks_gc.h says what each number means.
 *
 * @param keyspace Keyspaces.NONE for a plain range
 * @param pendingTs the timestamp that a PENDING destroy waits for, unsigned; else 0
 */
public record DestroyedRange(
    Range range,
    int keyspace,
    DestroyState state,
    long startedUnixSeconds,
    long doneUnixSeconds,
    long lateKeysDropped,
    long pendingTs) {
  static DestroyedRange read(ByteBuffer info) {
    byte[] start = Bytes.copy(
        info.getLong(Header.DestroyedInfoLayout.START),
        info.getLong(Header.DestroyedInfoLayout.START_LEN));
    byte[] end = Bytes.copy(
        info.getLong(Header.DestroyedInfoLayout.END),
        info.getLong(Header.DestroyedInfoLayout.END_LEN));
    return new DestroyedRange(
        new Range(start, end),
        info.getInt(Header.DestroyedInfoLayout.KEYSPACE),
        Numbered.find(DestroyState.class, info.getInt(Header.DestroyedInfoLayout.STATE)),
        info.getLong(Header.DestroyedInfoLayout.STARTED_UNIX_SECONDS),
        info.getLong(Header.DestroyedInfoLayout.DONE_UNIX_SECONDS),
        info.getLong(Header.DestroyedInfoLayout.LATE_KEYS_DROPPED),
        info.getLong(Header.DestroyedInfoLayout.PENDING_TS));
  }
}
