package io.rocksgc;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/** A C function that calls Java, by java.lang.foreign. C may call it while this object lives. */
final class Stub {
  /** The library of native/callbacks.c. */
  private static Library callbacks;

  private final long address;
  private final MemorySegment target;

  private Stub(long address, MemorySegment target) {
    this.address = address;
    this.target = target;
  }

  static Stub of(Callbacks.Log log) {
    return new Stub(
        callbacks().address("rgc_java_log"),
        function(Callbacks.Log.class, log, void.class, long.class, int.class, long.class));
  }

  static Stub of(Callbacks.Clock clock) {
    return new Stub(
        callbacks().address("rgc_java_clock"),
        function(Callbacks.Clock.class, clock, long.class, long.class));
  }

  /** For a function that only Java's threads call. */
  static Stub of(Callbacks.Each each) {
    MemorySegment target =
        function(Callbacks.Each.class, each, int.class, long.class, long.class);
    return new Stub(target.address(), target);
  }

  /** For what is called while this thread waits: a call that has no stack ends the process. */
  static void requireStack() {
    if (callbacks().number("rgc_java_has_stack") == 0) {
      throw new StackOverflowError("the library cannot call Java on what is left of the stack");
    }
  }

  long address() {
    return address;
  }

  /** What C gives the function as its state. */
  long state() {
    return target.address();
  }

  private static <T> MemorySegment function(
      Class<T> kind, T target, Class<?> result, Class<?>... parameters) {
    MethodType type = MethodType.methodType(result, parameters);
    try {
      return Library.LINKER.upcallStub(
          MethodHandles.lookup().findVirtual(kind, "call", type).bindTo(target),
          Library.descriptor(type),
          Arena.ofAuto());
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  private static synchronized Library callbacks() {
    if (callbacks == null) {
      Bundled.load(
          "librocks_gc_java.so",
          file -> {
            System.load(file.toString());
            callbacks = Library.open(file.toString(), RocksGc.RTLD_NOW);
          },
          "use a jar that was built for this machine");
    }
    return callbacks;
  }
}
