package io.rocksgc;

import java.nio.ByteBuffer;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.LongUnaryOperator;

/**
 * The functions that the library calls. Nothing that the program throws gets into the library: on
 * java.lang.foreign it would end the process.
 */
final class Callbacks {
  interface Log {
    void call(long state, int level, long message);
  }

  interface Clock {
    long call(long state);
  }

  interface Each {
    int call(long state, long info);
  }

  /** What a listing on this thread does with each struct. */
  private static final ThreadLocal<Consumer<ByteBuffer>> VISITOR = new ThreadLocal<>();
  private static final ThreadLocal<Boolean> INSIDE = ThreadLocal.withInitial(() -> false);
  private static final Stub EACH = Stub.of((Each) Callbacks::visit);

  private Callbacks() {}

  static Stub log(Logger logger) {
    return Stub.of((Log) (state, level, message) -> guarded(() ->
        logger.log(Numbered.find(LogLevel.class, level), Bytes.readText(message))));
  }

  /** A clock that fails tells 0: the time is unknown. */
  static Stub clock(LongSupplier seconds) {
    return Stub.of((Clock) state -> {
      long[] now = new long[1];
      guarded(() -> now[0] = seconds.getAsLong());
      return now[0];
    });
  }

  /** True on a thread inside a logger or a clock. */
  static boolean inside() {
    return INSIDE.get();
  }

  /** Runs a listing function, and shows each struct to visitor. */
  static long listing(Consumer<ByteBuffer> visitor, LongUnaryOperator function) {
    Stub.requireStack();
    Throwable[] thrown = new Throwable[1];
    Consumer<ByteBuffer> outer = VISITOR.get();
    VISITOR.set(info -> {
      try {
        visitor.accept(info);
      } catch (Throwable e) {
        thrown[0] = e;
        throw e;
      }
    });
    try {
      long answer = function.applyAsLong(EACH.address());
      if (thrown[0] != null) {
        throw new IllegalStateException("a listing could not be read", thrown[0]);
      }
      return answer;
    } finally {
      VISITOR.set(outer);
    }
  }

  private static int visit(long state, long info) {
    try {
      VISITOR.get().accept(Bytes.structAt(info));
      return 0;
    } catch (Throwable e) {
      return 1;
    }
  }

  private static void guarded(Runnable body) {
    try {
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
    } catch (Throwable e) {
      // The program's handler of uncaught exceptions has failed, too.
    }
  }
}
