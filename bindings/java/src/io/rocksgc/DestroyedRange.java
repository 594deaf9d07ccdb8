package io.rocksgc;

import com.sun.jna.Pointer;

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
  static DestroyedRange read(Pointer info) {
    byte[] start = Bytes.copy(
        info.getLong(Abi.DestroyedInfoLayout.START),
        info.getLong(Abi.DestroyedInfoLayout.START_LEN));
    byte[] end = Bytes.copy(
        info.getLong(Abi.DestroyedInfoLayout.END), info.getLong(Abi.DestroyedInfoLayout.END_LEN));
    return new DestroyedRange(
        new Range(start, end),
        info.getInt(Abi.DestroyedInfoLayout.KEYSPACE),
        Numbered.find(DestroyState.class, info.getInt(Abi.DestroyedInfoLayout.STATE)),
        info.getLong(Abi.DestroyedInfoLayout.STARTED_UNIX_SECONDS),
        info.getLong(Abi.DestroyedInfoLayout.DONE_UNIX_SECONDS),
        info.getLong(Abi.DestroyedInfoLayout.LATE_KEYS_DROPPED),
        info.getLong(Abi.DestroyedInfoLayout.PENDING_TS));
  }
}
