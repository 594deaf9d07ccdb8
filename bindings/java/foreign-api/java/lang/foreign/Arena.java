package java.lang.foreign;

public interface Arena extends SegmentAllocator, AutoCloseable {
  static Arena ofAuto() {
    throw new UnsupportedOperationException();
  }

  static Arena ofConfined() {
    throw new UnsupportedOperationException();
  }

  @Override
  MemorySegment allocate(long byteSize, long byteAlignment);

  @Override
  void close();
}
