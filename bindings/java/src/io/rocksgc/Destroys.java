package io.rocksgc;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Destroying ranges and keyspaces of a {@link Gc}. Destroying is permanent. */
public final class Destroys {
  /** How to destroy. */
  public enum Flag {
    /** Destroys a keyspace whatever its state. */
    FORCE(Header.DESTROY_FORCE),
    /** The range may be written again when the call returns. */
    REUSABLE(Header.DESTROY_REUSABLE);

    private final int bit;

    Flag(int bit) {
      this.bit = bit;
    }

    private static int bits(Flag... flags) {
      int bits = 0;
      for (Flag flag : flags) {
        bits |= flag.bit;
      }
      return bits;
    }
  }

  @FunctionalInterface
  private interface Reported {
    long destroy(long gc, byte[] report, long[] error);
  }

  private final Handle handle;

  Destroys(Handle handle) {
    this.handle = handle;
  }

  /** Destroys all keys in a range of stored keys. */
  public DestroyReport range(Range range, Flag... flags) {
    return reported((gc, report, error) -> {
      Abi.rgc_destroy_range(
          gc, range.start(), range.startLength(), range.end(), range.endLength(),
          Flag.bits(flags), report, error);
      return 0;
    });
  }

  /** Destroys many ranges together. An error about one of them names its index. */
  public DestroyReport ranges(List<Range> ranges, Flag... flags) {
    int size = Header.RangeLayout.SIZE;
    byte[] array = new byte[size * ranges.size()];
    List<ByteBuffer> bounds = new ArrayList<>();
    for (int i = 0; i < ranges.size(); i++) {
      Range range = ranges.get(i);
      ByteBuffer struct = Bytes.read(array).putLong(size * i, size);
      bounds.add(bound(struct, size * i + Header.RangeLayout.START, range.start()));
      bounds.add(bound(struct, size * i + Header.RangeLayout.END, range.end()));
    }
    try {
      return reported((gc, report, error) -> {
        Abi.rgc_destroy_ranges(
            gc, array, ranges.size(), Flag.bits(flags), null, report, error);
        return 0;
      });
    } finally {
      Reference.reachabilityFence(bounds);
    }
  }

  /** Writes a bound's address and length into a struct. The caller must hold the result. */
  private static ByteBuffer bound(ByteBuffer struct, int at, byte[] bound) {
    ByteBuffer memory = bound == null ? null : Bytes.fixed(bound);
    struct.putLong(at, memory == null ? 0 : Memory.address(memory));
    struct.putLong(at + Long.BYTES, Bytes.length(bound));
    return memory;
  }

  /** Destroys a keyspace: its keys of mode r and of mode x. */
  public DestroyReport keyspace(int keyspace, Flag... flags) {
    Keyspaces.check(keyspace);
    return reported((gc, report, error) -> {
      Abi.rgc_destroy_keyspace(gc, keyspace, Flag.bits(flags), report, error);
      return 0;
    });
  }

  /** Destroys many keyspaces together. An error about one of them names its index. */
  public DestroyReport keyspaces(int[] keyspaces, Flag... flags) {
    Keyspaces.check(keyspaces);
    return reported((gc, report, error) -> {
      Abi.rgc_destroy_keyspaces(
          gc, keyspaces, keyspaces.length, Flag.bits(flags), null, report, error);
      return 0;
    });
  }

  /** Orders a destroy that begins when the effective safe point of the range is above ts. */
  public void rangeAfter(Range range, long ts, Flag... flags) {
    handle.run((gc, error) -> Abi.rgc_destroy_range_after(
        gc, range.start(), range.startLength(), range.end(), range.endLength(), ts,
        Flag.bits(flags), error));
  }

  /** Orders the destroy of a keyspace, as {@link #rangeAfter} does for its two ranges. */
  public void keyspaceAfter(int keyspace, long ts, Flag... flags) {
    Keyspaces.check(keyspace);
    handle.run((gc, error) ->
        Abi.rgc_destroy_keyspace_after(gc, keyspace, ts, Flag.bits(flags), error));
  }

  /** Takes back a destroy that has not begun, of exactly this range. */
  public void takeBack(Range range) {
    handle.run((gc, error) -> Abi.rgc_take_back_destroy_range(
        gc, range.start(), range.startLength(), range.end(), range.endLength(), error));
  }

  /** Takes back the destroy of a keyspace that has not begun. */
  public void takeBack(int keyspace) {
    Keyspaces.check(keyspace);
    handle.run((gc, error) -> Abi.rgc_take_back_destroy_keyspace(gc, keyspace, error));
  }

  /** What {@link #recheck(long)} did. */
  public record Recheck(long recordsRemoved, DestroyReport report) {}

  /**
   * Destroys once more the ranges that were cleared long enough ago, and removes their records. For
   * recheck=manual.
   */
  public Recheck recheck(long nowUnixSeconds) {
    long[] removed = new long[1];
    DestroyReport report = reported((gc, struct, error) ->
        removed[0] = Abi.rgc_recheck_destroyed(gc, nowUnixSeconds, struct, error));
    return new Recheck(removed[0], report);
  }

  /** Destroys exactly this range once more, and removes its record. */
  public DestroyReport recheck(Range range) {
    return reported((gc, report, error) -> {
      Abi.rgc_recheck_destroyed_range(
          gc, range.start(), range.startLength(), range.end(), range.endLength(), report, error);
      return 0;
    });
  }

  /** Removes the record of exactly this range, so that the range may be written again. */
  public void release(Range range) {
    handle.run((gc, error) -> Abi.rgc_release_destroyed(
        gc, range.start(), range.startLength(), range.end(), range.endLength(), error));
  }

  /** Reads the ledger anew, after replication has changed it. */
  public void reloadLedger() {
    handle.run((gc, error) -> Abi.rgc_reload_ledger(gc, error));
  }

  /** The number of records of destroyed ranges. */
  public long count() {
    return handle.ask((gc, error) -> Abi.rgc_destroyed_count(gc));
  }

  /** The records of destroyed ranges, ordered by start. Without a store there are none. */
  public List<DestroyedRange> list() {
    List<DestroyedRange> list = new ArrayList<>();
    handle.run((gc, error) -> Callbacks.listing(
        info -> list.add(DestroyedRange.read(info)),
        each -> {
          Abi.rgc_destroyed_foreach(gc, each, 0);
          return 0;
        }));
    return list;
  }

  private DestroyReport reported(Reported function) {
    byte[] report = Bytes.struct(DestroyReport.SIZE);
    handle.ask((gc, error) -> function.destroy(gc, report, error));
    return DestroyReport.read(Bytes.read(report));
  }
}
