package io.rocksgc;

import com.sun.jna.Native;
import com.sun.jna.Pointer;
import java.nio.ByteBuffer;

/** Memory outside of Java's heap, by JNA. */
final class Memory {
  private Memory() {}

  /** The address of a direct buffer's memory. */
  static long address(ByteBuffer direct) {
    return Pointer.nativeValue(Native.getDirectBufferPointer(direct));
  }

  /** The memory at an address. */
  static ByteBuffer at(long address, int size) {
    return new Pointer(address).getByteBuffer(0, size);
  }

  /** The NUL-terminated text at an address. */
  static String text(long address) {
    return new Pointer(address).getString(0, "UTF-8");
  }
}
