package java.lang.foreign;

public interface FunctionDescriptor {
  static FunctionDescriptor of(MemoryLayout result, MemoryLayout... parameters) {
    throw new UnsupportedOperationException();
  }

  static FunctionDescriptor ofVoid(MemoryLayout... parameters) {
    throw new UnsupportedOperationException();
  }
}
