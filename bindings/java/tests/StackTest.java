import io.rocksgc.Gc;
import io.rocksgc.GcType;
import io.rocksgc.LogLevel;
import io.rocksgc.RocksGc;

/** Calls of the library that call Java, on a stack that is nearly full. For Java 22 and later. */
public final class StackTest {
  private static final int STACK = 1 << 20;

  public static void main(String[] arguments) throws Exception {
    RocksGc.setLogger((level, message) -> {}, LogLevel.DEBUG);
    try (Gc gc = new Gc()) {
      gc.keyspaces().register(GcType.KEYSPACE_LEVEL, 1, 2, 3);
      gc.setClock(() -> 1_000_000);
      Checks.test("a listing at each depth", () -> deepen(
          () -> Checks.equal(3, gc.keyspaces().list().size())));
      // The log tells that this timestamp is refused.
      Checks.test("a line of the log at each depth", () -> deepen(
          () -> Checks.holds(!gc.safePoints().advanceGlobal(-1), "refused")));
      Checks.equal(3, gc.keyspaces().list().size());
    }
    RocksGc.setLogger(null, LogLevel.OFF);
    Checks.done(StackTest.class);
  }

  /** The compiler changes the size of frames, so the stack is filled many times. */
  private static void deepen(Checks.Body body) throws Exception {
    for (int round = 0; round < 20; round++) {
      Throwable[] thrown = new Throwable[1];
      Thread thread = new Thread(null, () -> thrown[0] = at(body), "deep", STACK);
      thread.start();
      thread.join();
      Checks.holds(thrown[0] instanceof StackOverflowError, thrown[0]);
    }
  }

  private static Throwable at(Checks.Body body) {
    try {
      body.run();
      return at(body);
    } catch (Throwable e) {
      return e;
    }
  }
}
