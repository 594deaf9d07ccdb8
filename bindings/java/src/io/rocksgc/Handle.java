package io.rocksgc;

import java.lang.ref.Cleaner;
import java.lang.ref.Reference;

/**
 * What a Gc and its parts (SafePoints, Keys and so on) share. The context is closed when the
 * program has lost the Gc and all of its parts, and no call is running.
 */
final class Handle {
  @FunctionalInterface
  interface Question {
    long ask(long gc, long[] error);
  }

  @FunctionalInterface
  interface Order {
    void give(long gc, long[] error);
  }

  private static final Cleaner CLEANER = Cleaner.create();
  private final Context context;

  Handle(long address) {
    context = new Context(address);
    CLEANER.register(this, context::close);
  }

  long ask(Question question) {
    try {
      return context.ask(question);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  void run(Order order) {
    ask((gc, error) -> {
      order.give(gc, error);
      return 0;
    });
  }

  void setClock(Stub clock) {
    try {
      context.setClock(clock);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  void detach() {
    context.detach();
  }

  void close() {
    context.close();
  }
}
