package io.rocksgc;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/** Memory outside of Java's heap, by java.lang.foreign. */
final class Memory {
  private Memory() {}

  /** The address of a direct buffer's memory. */
  static long address(ByteBuffer direct) {
    return MemorySegment.ofBuffer(direct).address();
  }

  /** The memory at an address. */
  static ByteBuffer at(long address, int size) {
    return MemorySegment.ofAddress(address).reinterpret(size).asByteBuffer();
  }

  /** The NUL-terminated text at an address. */
  static String text(long address) {
    return MemorySegment.ofAddress(address).reinterpret(Long.MAX_VALUE).getString(0);
  }
}
