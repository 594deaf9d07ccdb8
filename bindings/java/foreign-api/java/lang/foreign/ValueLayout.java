package java.lang.foreign;

public interface ValueLayout extends MemoryLayout {
  interface OfByte extends ValueLayout {}

  interface OfInt extends ValueLayout {}

  interface OfLong extends ValueLayout {}

  OfByte JAVA_BYTE = null;
  OfInt JAVA_INT = null;
  OfLong JAVA_LONG = null;
}
