package io.rocksgc;

import java.util.ArrayList;
import java.util.List;

/**
 * The barriers of a {@link Gc}: readers hold safe points back. A keyspace is an id, Keyspaces.NONE
 * (the global safe point) or Keyspaces.ALL (every safe point). Any thread may use them at any time.
 */
public final class Barriers {
  /** The time to live of a barrier that lives until it is deleted. */
  public static final long NO_TTL = -1;

  private final Handle handle;

  Barriers(Handle handle) {
    this.handle = handle;
  }

  /** Sets a barrier, or replaces the one of this name: no safe point of it passes ts. */
  public void set(int keyspace, String name, long ts, long ttlSeconds) {
    check(keyspace);
    byte[] text = Bytes.text(name, "the name of a barrier");
    handle.run((gc, error) ->
        Abi.rgc_barrier_set(gc, keyspace, text, ts, ttlSeconds, error));
  }

  /**
   * Deletes a barrier.
   *
   * @return false if it was not there
   */
  public boolean delete(int keyspace, String name) {
    check(keyspace);
    byte[] text = Bytes.text(name, "the name of a barrier");
    return handle.ask((gc, error) -> Abi.rgc_barrier_delete(gc, keyspace, text, error)) != 0;
  }

  /** The barriers that live, ordered by keyspace and name. */
  public List<BarrierInfo> list() {
    List<BarrierInfo> list = new ArrayList<>();
    handle.run((gc, error) -> Callbacks.listing(
        info -> list.add(BarrierInfo.read(info)),
        each -> {
          Abi.rgc_barriers_foreach(gc, each, 0);
          return 0;
        }));
    return list;
  }

  private static void check(int keyspace) {
    if (keyspace != Keyspaces.ALL) {
      Keyspaces.checkOrNone(keyspace);
    }
  }
}
