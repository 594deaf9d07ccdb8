package io.rocksgc;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** An rgc_t that is destroyed when no call uses it any more. */
final class Context {
  /** How often a close looks whether calls still run. */
  private static final long LOOK_AGAIN_MS = 5;
  /** Those with a clock of the program. */
  private static final Set<Context> WITH_CLOCK = ConcurrentHashMap.newKeySet();

  private final long address;
  private final Object counting = new Object();
  /** The number of running calls. */
  private long calls;
  /** No other call begins. */
  private boolean ends;
  private final Object closing = new Object();
  private boolean closed;
  /** The library calls it: Java must not collect it. */
  private Stub clock;

  Context(long address) {
    this.address = address;
  }

  /** Counts without calling a method: on a full stack one fails, and close would never end. */
  long ask(Handle.Question question) {
    synchronized (counting) {
      if (ends) {
        throw new IllegalStateException("this Gc is closed");
      }
      calls++;
    }
    try {
      return Call.checked(error -> question.ask(address, error));
    } finally {
      synchronized (counting) {
        calls--;
      }
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
      setEnds(true);
      try {
        Call.accepted(Abi.rgc_detach(address), "the close");
        awaitCalls();
        Call.accepted(Abi.rgc_destroy(address), "the close");
        closed = true;
      } finally {
        if (!closed) {
          setEnds(false);
        }
      }
      remember(null);
    }
  }

  private void setEnds(boolean value) {
    synchronized (counting) {
      ends = value;
    }
  }

  private void awaitCalls() {
    boolean interrupted = false;
    synchronized (counting) {
      while (calls > 0) {
        try {
          counting.wait(LOOK_AGAIN_MS);
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
