import io.rocksgc.AttachedDb;
import io.rocksgc.FilterKind;
import io.rocksgc.Gc;
import io.rocksgc.GcType;
import io.rocksgc.LogLevel;
import io.rocksgc.Mode;
import io.rocksgc.Range;
import io.rocksgc.RocksDbJni;
import io.rocksgc.RocksGc;
import io.rocksgc.SafePoints;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.rocksdb.Options;

/** Closing in any order, on any thread. */
public final class LifeTest {
  private static final byte[] ROW = {'r', 0, 'w'};

  public static void main(String[] arguments) throws Exception {
    Checks.test("closing twice, and using what is closed", LifeTest::closed);
    Checks.test("safe points move while subcompactions run", LifeTest::subcompactions);
    Checks.test("one thread closes, others call", LifeTest::concurrentClose);
    Checks.test("a close waits for calls", LifeTest::closeWaits);
    Checks.test("a clock closes while another thread closes", LifeTest::clockCloses);
    Checks.test("200 rounds of open, attach, destroy, close in random order", LifeTest::rounds);
    Checks.test("an exception in the host at every step", LifeTest::exceptions);
    Checks.test("a Gc that is lost while its DB is open", LifeTest::lost);
    Checks.test("a Gc that is lost without a DB is destroyed", LifeTest::lostAlone);
    Checks.test("a Gc of which one part is left", LifeTest::partLeft);
    Checks.test("a safe point costs little", LifeTest::cheap);
    Checks.done(LifeTest.class);
  }

  private static void closed() throws Exception {
    Gc gc = new Gc();
    Db db = new Db(gc, 1);
    gc.close();
    gc.close();
    gc.detach();
    Checks.throwsClosed(gc::stats);
    Checks.throwsClosed(() -> gc.safePoints().advanceGlobal(1));
    Checks.throwsClosed(() -> gc.setClock(null));
    Checks.throwsClosed(() -> gc.keyspaces().list());
    Checks.throwsClosed(() -> RocksDbJni.install(gc, db.options, FilterKind.RAW));
    db.db.put(ROW, ROW);
    db.close();
    db.close();
  }

  private static void subcompactions() throws Exception {
    Gc gc = new Gc();
    gc.keyspaces().register(GcType.KEYSPACE_LEVEL, 1, 2);
    Random random = new Random(1);
    byte[] value = new byte[200];
    AtomicBoolean stop = new AtomicBoolean();
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread mover = new Thread(() -> {
      for (long ts = 1; !stop.get(); ts++) {
        gc.safePoints().advance(1, Math.min(ts, 1000));
      }
    });
    mover.setUncaughtExceptionHandler((thread, e) -> failure.set(e));
    mover.start();
    try (Db db = new Db(gc, 16)) {
      for (int round = 0; round < 4; round++) {
        for (int row = 0; row < 20_000; row++) {
          byte[] key = String.format("row%08d", row).getBytes();
          random.nextBytes(value);
          db.put(1 + row % 2, key, 10 + round, value);
        }
        db.flush();
      }
      long before = gc.stats().runsStarted();
      db.compact();
      long filters = gc.stats().runsStarted() - before;
      Checks.holds(filters >= 4, "filters: " + filters);
      stop.set(true);
      mover.join();
      Checks.equal(null, failure.get());
      Checks.equal(10_000, db.versions(1));
      Checks.equal(40_000, db.versions(2));
    }
  }

  private static void concurrentClose() throws Exception {
    for (int round = 0; round < 30; round++) {
      Gc gc = new Gc();
      Db db = new Db(gc, 1);
      List<Thread> threads = new ArrayList<>();
      AtomicReference<Throwable> failure = new AtomicReference<>();
      for (int i = 0; i < 3; i++) {
        Thread thread = new Thread(() -> {
          for (long ts = 1; ; ts++) {
            try {
              gc.safePoints().advanceGlobal(ts);
              gc.keys().decode(gc.keys().encode(Mode.RAW, 1, ROW, ts));
              gc.store().collect();
            } catch (IllegalStateException e) {
              return;
            } catch (io.rocksgc.RocksGcException e) {
              // The store is detached, and the Gc is about to be closed.
            }
          }
        });
        thread.setUncaughtExceptionHandler((t, e) -> failure.set(e));
        threads.add(thread);
        thread.start();
      }
      Thread.sleep(5);
      Thread other = new Thread(gc::close);
      other.start();
      db.close();
      other.join();
      for (Thread thread : threads) {
        thread.join();
      }
      Checks.equal(null, failure.get());
    }
  }

  private static void closeWaits() throws Exception {
    CountDownLatch called = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    Gc gc = new Gc();
    Thread caller = new Thread(() -> gc.safePoints().advanceGlobal(-1));
    RocksGc.setLogger(
        (level, message) -> {
          if (Thread.currentThread() == caller) {
            called.countDown();
            try {
              release.await();
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          }
        },
        LogLevel.DEBUG);
    caller.start();
    Checks.holds(called.await(10, TimeUnit.SECONDS), "the log has no line");
    Thread closer = new Thread(gc::close);
    closer.start();
    closer.join(200);
    Checks.holds(closer.isAlive(), "closed during a call");
    Checks.throwsClosed(gc::stats);
    release.countDown();
    caller.join();
    closer.join();
    RocksGc.setLogger(null, LogLevel.OFF);
  }

  private static void clockCloses() throws Exception {
    CountDownLatch called = new CountDownLatch(1);
    CountDownLatch refused = new CountDownLatch(1);
    Gc gc = new io.rocksgc.Options().set("max_safe_point_ahead_seconds", "10").create();
    gc.setClock(() -> {
      called.countDown();
      try {
        Thread.sleep(200);
        gc.close();
      } catch (io.rocksgc.RocksGcException | InterruptedException e) {
        refused.countDown();
      }
      return 1_000_000;
    });
    Thread caller = new Thread(() -> gc.safePoints().advanceGlobal(1));
    caller.start();
    called.await();
    Thread closer = new Thread(gc::close);
    closer.start();
    Checks.holds(refused.await(10, TimeUnit.SECONDS), "the clock and the close wait");
    caller.join();
    closer.join();
    Checks.throwsClosed(gc::stats);
  }

  private static void rounds() throws Exception {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("seed " + seed + " (repeat with -Dseed)");
    Random random = new Random(seed);
    for (int round = 0; round < 200; round++) {
      Gc gc = new Gc();
      gc.keyspaces().register(GcType.KEYSPACE_LEVEL, 1);
      Db db = new Db(gc, 1);
      db.put(1, ROW, 10);
      db.put(2, ROW, 10);
      if (random.nextBoolean()) {
        db.flush();
      }
      Range two = gc.keys().keyspaceRange(Mode.RAW, 2);
      List<Checks.Body> steps = new ArrayList<>(List.of(
          gc::close, gc::close, gc::detach, db.db::close, db.options::close,
          () -> db.db.getDefaultColumnFamily().close(),
          () -> gc.destroys().range(two),
          () -> gc.destroys().keyspaceAfter(3, 9),
          () -> gc.safePoints().advance(1, 100),
          () -> gc.setEnabled(true)));
      Collections.shuffle(steps, random);
      for (Checks.Body step : steps) {
        try {
          step.run();
        } catch (IllegalStateException | io.rocksgc.RocksGcException e) {
          // It came after what it needs was closed.
        }
      }
      db.close();
    }
  }

  /** Throws at each of the steps of a program, one after the other. */
  private static void exceptions() throws Exception {
    int failures = 0;
    for (int failing = 0; ; failing++) {
      int[] step = {failing};
      try {
        program(step);
        break;
      } catch (UnsupportedOperationException e) {
        failures++;
      }
    }
    Checks.equal(6, failures);
  }

  private static void program(int[] step) throws Exception {
    try (Gc gc = new Gc(); Options options = new Options().setCreateIfMissing(true)) {
      fail(step);
      gc.keyspaces().register(GcType.KEYSPACE_LEVEL, 1);
      fail(step);
      RocksDbJni.install(gc, options, FilterKind.RAW);
      fail(step);
      try (AttachedDb db = RocksDbJni.open(gc, options, Checks.directory())) {
        fail(step);
        db.put(gc.keys().encode(Mode.RAW, 1, ROW, 10), ROW);
        fail(step);
        gc.destroys().keyspace(1, io.rocksgc.Destroys.Flag.FORCE);
        fail(step);
      }
    }
  }

  private static void fail(int[] step) {
    if (step[0]-- == 0) {
      throw new UnsupportedOperationException("the program fails here");
    }
  }

  private static void lost() throws Exception {
    AttachedDb[] db = new AttachedDb[1];
    WeakReference<Gc> gc = open(db);
    for (int i = 0; i < 5; i++) {
      System.gc();
      Thread.sleep(20);
    }
    Checks.holds(gc.get() != null, "the attached Gc was collected");
    WeakReference<AttachedDb> lostDb = new WeakReference<>(db[0]);
    db[0] = null;
    for (int i = 0; i < 5; i++) {
      System.gc();
      Thread.sleep(20);
    }
    Checks.equal(0L, gc.get().store().pending());
    lostDb.get().close();
    gc.get().close();
  }

  private static WeakReference<Gc> open(AttachedDb[] db) throws Exception {
    Gc gc = new Gc();
    try (Options options = new Options().setCreateIfMissing(true)) {
      RocksDbJni.install(gc, options, FilterKind.RAW);
      db[0] = RocksDbJni.open(gc, options, Checks.directory());
    }
    return new WeakReference<>(gc);
  }

  private static void lostAlone() throws Exception {
    WeakReference<AtomicLong> now = loseWithClock();
    for (int i = 0; i < 100 && now.get() != null; i++) {
      System.gc();
      Thread.sleep(20);
    }
    Checks.holds(now.get() == null, "the clock of a lost Gc is still held");
  }

  /** Only a context that is destroyed gives its clock back. */
  private static WeakReference<AtomicLong> loseWithClock() {
    AtomicLong now = new AtomicLong(1_000_000);
    new Gc().setClock(now::get);
    return new WeakReference<>(now);
  }

  private static void partLeft() throws Exception {
    SafePoints left = new Gc().safePoints();
    for (int i = 0; i < 5; i++) {
      System.gc();
      Thread.sleep(20);
    }
    Checks.holds(left.advanceGlobal(5), "advance");
  }

  private static void cheap() throws Exception {
    try (Gc gc = new Gc()) {
      gc.keyspaces().register(GcType.KEYSPACE_LEVEL, 1);
      long nanoseconds = 0;
      for (int repeat = 0; repeat < 5; repeat++) {
        long start = System.nanoTime();
        for (long ts = 1; ts <= 100_000; ts++) {
          gc.safePoints().advance(1, repeat * 100_000L + ts);
        }
        nanoseconds = (System.nanoTime() - start) / 100_000;
      }
      System.out.println("a safe point costs " + nanoseconds + " ns");
      Checks.holds(nanoseconds < 20_000, nanoseconds + " ns");
    }
  }
}
