package io.rocksgc;

import com.sun.jna.Callback;
import com.sun.jna.CallbackReference;
import com.sun.jna.CallbackThreadInitializer;
import com.sun.jna.Native;
import com.sun.jna.Pointer;

/** A C function that calls Java, by JNA. C may call it while this object lives. */
final class Stub {
  private interface Log extends Callback {
    void call(long state, int level, long message);
  }

  private interface Clock extends Callback {
    long call(long state);
  }

  private interface Each extends Callback {
    int call(long state, long info);
  }

  private final Callback callback;

  private Stub(Callback callback) {
    this.callback = callback;
  }

  static Stub of(Callbacks.Log target) {
    Log log = target::call;
    return attached(log);
  }

  static Stub of(Callbacks.Clock target) {
    Clock clock = target::call;
    return attached(clock);
  }

  /** For a function that only Java's threads call. */
  static Stub of(Callbacks.Each target) {
    Each each = target::call;
    return new Stub(each);
  }

  /** JNA survives a call that has no stack. */
  static void requireStack() {}

  long address() {
    return Pointer.nativeValue(CallbackReference.getFunctionPointer(callback));
  }

  /** What C gives the function as its state. */
  long state() {
    return 0;
  }

  /**
   * RocksDB's threads become daemon threads of Java during the call only. RocksDB joins its threads
   * at exit, and a thread that still belonged to the ended JVM would never end.
   */
  private static Stub attached(Callback callback) {
    Native.setCallbackThreadInitializer(
        callback, new CallbackThreadInitializer(true, true, "rocks-gc callback"));
    return new Stub(callback);
  }
}
