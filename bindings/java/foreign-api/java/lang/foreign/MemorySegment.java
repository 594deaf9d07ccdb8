package java.lang.foreign;

import java.nio.Buffer;
import java.nio.ByteBuffer;

public interface MemorySegment {
  static MemorySegment ofAddress(long address) {
    throw new UnsupportedOperationException();
  }

  static MemorySegment ofArray(byte[] array) {
    throw new UnsupportedOperationException();
  }

  static MemorySegment ofArray(int[] array) {
    throw new UnsupportedOperationException();
  }

  static MemorySegment ofArray(long[] array) {
    throw new UnsupportedOperationException();
  }

  static MemorySegment ofBuffer(Buffer buffer) {
    throw new UnsupportedOperationException();
  }

  long address();

  ByteBuffer asByteBuffer();

  long byteSize();

  MemorySegment copyFrom(MemorySegment source);

  String getString(long offset);

  MemorySegment reinterpret(long newSize);
}
