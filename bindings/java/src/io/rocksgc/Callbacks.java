package io.rocksgc;

import com.sun.jna.Callback;
import com.sun.jna.CallbackReference;
import com.sun.jna.CallbackThreadInitializer;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/** The functions that the library calls. Nothing that the program throws gets into the library. */
final class Callbacks {
  interface Log extends Callback {
    void call(Pointer state, int level, Pointer message);
  }

  interface Clock extends Callback {
    long call(Pointer state);
  }

  interface Each extends Callback {
    int call(Pointer state, Pointer info);
  }

  /** What a listing on this thread does with each struct. */
  private static final ThreadLocal<Consumer<Pointer>> VISITOR = new ThreadLocal<>();
  private static final ThreadLocal<Boolean> INSIDE = ThreadLocal.withInitial(() -> false);
  private static final Each EACH = Callbacks::visit;

  private Callbacks() {}

  static Log log(Logger logger) {
    return attached((state, level, message) -> guarded(() ->
        logger.log(Numbered.find(LogLevel.class, level), message.getString(0, "UTF-8"))));
  }

  /** A clock that fails tells 0: the time is unknown. */
  static Clock clock(LongSupplier seconds) {
    return attached(state -> {
      long[] now = new long[1];
      guarded(() -> now[0] = seconds.getAsLong());
      return now[0];
    });
  }

  /** True on a thread inside a logger or a clock. */
  static boolean inside() {
    return INSIDE.get();
  }

  static long address(Callback callback) {
    return Pointer.nativeValue(CallbackReference.getFunctionPointer(callback));
  }

  /** Runs a listing function, and shows each struct to visitor. */
  static long listing(Consumer<Pointer> visitor, java.util.function.LongUnaryOperator function) {
    Throwable[] thrown = new Throwable[1];
    Consumer<Pointer> outer = VISITOR.get();
    VISITOR.set(info -> {
      try {
        visitor.accept(info);
      } catch (Throwable e) {
        thrown[0] = e;
        throw e;
      }
    });
    try {
      long answer = function.applyAsLong(address(EACH));
      if (thrown[0] != null) {
        throw new IllegalStateException("a listing could not be read", thrown[0]);
      }
      return answer;
    } finally {
      VISITOR.set(outer);
    }
  }

  private static int visit(Pointer state, Pointer info) {
    try {
      VISITOR.get().accept(info);
      return 0;
    } catch (Throwable e) {
      return 1;
    }
  }

  private static void guarded(Runnable body) {
    boolean outer = INSIDE.get();
    INSIDE.set(true);
    try {
      body.run();
    } catch (Throwable e) {
      Thread thread = Thread.currentThread();
      thread.getUncaughtExceptionHandler().uncaughtException(thread, e);
    } finally {
      INSIDE.set(outer);
    }
  }

  /**
   * RocksDB's threads become daemon threads of Java during the call only. RocksDB joins its threads
   * at exit, and a thread that still belonged to the ended JVM would never end.
   */
  private static <C extends Callback> C attached(C callback) {
    Native.setCallbackThreadInitializer(
        callback, new CallbackThreadInitializer(true, true, "rocks-gc callback"));
    return callback;
  }
}
