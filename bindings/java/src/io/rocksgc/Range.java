package io.rocksgc;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.function.Consumer;

/** A half-open range of keys. A bound that is null is open. */
public record Range(byte[] start, byte[] end) {
  /** Everything. */
  public static final Range ALL = new Range(null, null);

  /** Lets the library fill a range, and gives its bounds back. */
  static Range filled(Consumer<byte[]> filler) {
    byte[] struct = Bytes.struct(Header.RangeLayout.SIZE);
    filler.accept(struct);
    ByteBuffer range = Bytes.read(struct);
    byte[] start = Bytes.take(
        range.getLong(Header.RangeLayout.START), range.getLong(Header.RangeLayout.START_LEN));
    byte[] end = Bytes.take(
        range.getLong(Header.RangeLayout.END), range.getLong(Header.RangeLayout.END_LEN));
    return new Range(start, end);
  }

  long startLength() {
    return Bytes.length(start);
  }

  long endLength() {
    return Bytes.length(end);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Range range
        && Arrays.equals(start, range.start)
        && Arrays.equals(end, range.end);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(start) + Arrays.hashCode(end);
  }

  @Override
  public String toString() {
    return "[" + hex(start) + ", " + hex(end) + ")";
  }

  private static String hex(byte[] bound) {
    return bound == null ? "" : HexFormat.of().formatHex(bound);
  }
}
