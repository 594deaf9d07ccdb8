package io.rocksgc;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * The arrays of one call, copied to memory that does not move: the call may block, and may call
 * Java. Closing copies back what the function may have written.
 */
final class Copies implements AutoCloseable {
  private record Written(MemorySegment array, MemorySegment copy) {}

  private final Arena arena = Arena.ofConfined();
  private final List<Written> written = new ArrayList<>(3);

  /** The address of a copy; 0 for null. */
  long in(byte[] array) {
    return array == null ? 0 : copy(MemorySegment.ofArray(array)).address();
  }

  long in(int[] array) {
    return array == null ? 0 : copy(MemorySegment.ofArray(array)).address();
  }

  long in(long[] array) {
    return array == null ? 0 : copy(MemorySegment.ofArray(array)).address();
  }

  /** As in, for an array that the function may write. */
  long out(byte[] array) {
    return array == null ? 0 : written(MemorySegment.ofArray(array));
  }

  long out(int[] array) {
    return array == null ? 0 : written(MemorySegment.ofArray(array));
  }

  long out(long[] array) {
    return array == null ? 0 : written(MemorySegment.ofArray(array));
  }

  @Override
  public void close() {
    for (Written each : written) {
      each.array.copyFrom(each.copy);
    }
    arena.close();
  }

  private long written(MemorySegment array) {
    MemorySegment copy = copy(array);
    written.add(new Written(array, copy));
    return copy.address();
  }

  private MemorySegment copy(MemorySegment array) {
    return arena.allocate(array.byteSize(), Long.BYTES).copyFrom(array);
  }
}
