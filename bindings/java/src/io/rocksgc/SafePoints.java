package io.rocksgc;

/**
 * The safe points of a {@link Gc}. Any thread may read and move them at any time.
 *
 * <p>Timestamps are unsigned: compare them with Long.compareUnsigned, and print them with
 * Long.toUnsignedString.
 */
public final class SafePoints {
  private final Handle handle;

  SafePoints(Handle handle) {
    this.handle = handle;
  }

  /**
   * Moves the global safe point forward.
   *
   * @return false for not newer, or refused: the log and Stats.safePointsRefused tell
   */
  public boolean advanceGlobal(long ts) {
    return handle.ask((gc, error) -> Abi.rgc_advance_global_safe_point(gc, ts)) != 0;
  }

  /**
   * Moves a keyspace's own safe point forward.
   *
   * @return false for not newer, or refused
   */
  public boolean advance(int keyspace, long ts) {
    Keyspaces.check(keyspace);
    return handle.ask((gc, error) ->
        Abi.rgc_advance_keyspace_safe_point(gc, keyspace, ts, error)) != 0;
  }

  /**
   * Moves the safe points of many keyspaces, pair by pair.
   *
   * @return how many moved
   */
  public long advance(int[] keyspaces, long[] ts) {
    if (keyspaces.length != ts.length) {
      throw RocksGcException.invalid(
          keyspaces.length + " keyspaces and " + ts.length + " safe points: give one for each");
    }
    Keyspaces.check(keyspaces);
    return handle.ask((gc, error) ->
        Abi.rgc_advance_keyspace_safe_points(gc, keyspaces, ts, ts.length, error));
  }

  /** The global safe point. 0 means none. */
  public long global() {
    return handle.ask((gc, error) -> Abi.rgc_global_safe_point(gc));
  }

  /** The effective safe point of a keyspace. 0 means that nothing is collected. */
  public long of(int keyspace) {
    Keyspaces.check(keyspace);
    return handle.ask((gc, error) -> Abi.rgc_keyspace_safe_point(gc, keyspace));
  }

  /** The effective safe point of a stored key. 0 means that the key is never collected. */
  public long ofKey(byte[] storedKey) {
    return handle.ask((gc, error) ->
        Abi.rgc_safe_point_for_key(gc, storedKey, storedKey.length));
  }

  /**
   * The safe point at which two replicas of a range can be compared. Fails with NOT_SUPPORTED if
   * the range holds a keyspace that is registered as keyspace level.
   */
  public long consistency(Range range) {
    return handle.ask((gc, error) -> Abi.rgc_consistency_safe_point(
        gc, range.start(), range.startLength(), range.end(), range.endLength(), error));
  }

  /**
   * The least start timestamp at or below upTo of a lock. 0 means that no lock is left. keyspace is
   * an id, or Keyspaces.NONE.
   */
  public long oldestLock(int keyspace, long upTo) {
    Keyspaces.checkOrNone(keyspace);
    return handle.ask((gc, error) -> Abi.rgc_oldest_lock(gc, keyspace, upTo, error));
  }
}
