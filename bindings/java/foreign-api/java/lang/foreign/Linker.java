package java.lang.foreign;

import java.lang.invoke.MethodHandle;

public interface Linker {
  interface Option {}

  static Linker nativeLinker() {
    throw new UnsupportedOperationException();
  }

  SymbolLookup defaultLookup();

  MethodHandle downcallHandle(
      MemorySegment address, FunctionDescriptor function, Option... options);

  MemorySegment upcallStub(
      MethodHandle target, FunctionDescriptor function, Arena arena, Option... options);
}
