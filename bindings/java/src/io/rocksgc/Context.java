package io.rocksgc;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** An rgc_t that is destroyed when no call uses it any more. */
final class Context {
  private static final long CLOSING = 1L << 62;
  /** Those with a clock of the program. */
  private static final Set<Context> WITH_CLOCK = ConcurrentHashMap.newKeySet();

  private final long address;
  /** The number of running calls, plus CLOSING. */
  private final AtomicLong calls = new AtomicLong();
  private final Object closing = new Object();
  private boolean closed;
  /** The library calls it: Java must not collect it. */
  private Stub clock;

  Context(long address) {
    this.address = address;
  }

  long ask(Handle.Question question) {
    enter();
    try {
      return Call.checked(error -> question.ask(address, error));
    } finally {
      leave();
    }
  }

  void setClock(Stub newClock) {
    refuseInside("the new clock");
    synchronized (closing) {
      long function = newClock == null ? 0 : newClock.address();
      long state = newClock == null ? 0 : newClock.state();
      ask((gc, error) -> {
        Call.accepted(Abi.rgc_set_clock(gc, function, state), "the new clock");
        return 0;
      });
      remember(newClock);
    }
  }

  private void remember(Stub newClock) {
    clock = newClock;
    if (newClock == null) {
      WITH_CLOCK.remove(this);
    } else {
      WITH_CLOCK.add(this);
    }
  }

  /** Gives each context the system's clock. */
  static void resetClocks() {
    for (Context context : WITH_CLOCK) {
      try {
        context.setClock(null);
      } catch (IllegalStateException e) {
        // Another thread has closed it, and with it the clock.
      }
    }
  }

  /** Does nothing if the context is closed: then nothing is attached. */
  void detach() {
    refuseInside("the detach");
    synchronized (closing) {
      if (!closed) {
        Call.accepted(Abi.rgc_detach(address), "the detach");
      }
    }
  }

  /** Detaches, which ends the calls that wait for the store. Waits for all calls, and destroys. */
  void close() {
    refuseInside("the close");
    synchronized (closing) {
      if (closed) {
        return;
      }
      calls.addAndGet(CLOSING);
      try {
        Call.accepted(Abi.rgc_detach(address), "the close");
        awaitCalls();
        Call.accepted(Abi.rgc_destroy(address), "the close");
        closed = true;
      } finally {
        if (!closed) {
          calls.addAndGet(-CLOSING);
        }
      }
      remember(null);
    }
  }

  private void enter() {
    if (calls.incrementAndGet() >= CLOSING) {
      leave();
      throw new IllegalStateException("this Gc is closed");
    }
  }

  private void leave() {
    if (calls.decrementAndGet() == CLOSING) {
      synchronized (calls) {
        calls.notifyAll();
      }
    }
  }

  private void awaitCalls() {
    boolean interrupted = false;
    synchronized (calls) {
      while (calls.get() != CLOSING) {
        try {
          calls.wait();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** A callback that waits for a lock of its own caller never returns. */
  private static void refuseInside(String what) {
    if (Callbacks.inside()) {
      Call.accepted((byte) 0, what);
    }
  }
}
