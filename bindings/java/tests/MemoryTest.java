import io.rocksgc.AttachedDb;
import io.rocksgc.FilterKind;
import io.rocksgc.Gc;
import io.rocksgc.GcType;
import io.rocksgc.LogLevel;
import io.rocksgc.Mode;
import io.rocksgc.Range;
import io.rocksgc.RocksDbJni;
import io.rocksgc.RocksGc;
import java.nio.file.Files;
import java.nio.file.Path;
import org.rocksdb.Options;

/** A thousand rounds leave no memory behind. */
public final class MemoryTest {
  private static final byte[] ROW = {'r', 0, 'w'};
  private static final long LIMIT_KILOBYTES = 4 << 10;

  public static void main(String[] arguments) throws Exception {
    Checks.test("1,000 rounds of every kind of call", () -> flat(MemoryTest::calls));
    String path = Checks.directory();
    Checks.test("1,000 rounds of an attached DB", () -> flat(() -> attached(path)));
    Checks.done(MemoryTest.class);
  }

  /**
   * The JVM compiles and grows by itself, also after many rounds. A leak grows in each thousand
   * rounds, so one thousand without growth is enough.
   */
  private static void flat(Checks.Body round) throws Exception {
    long grown = Long.MAX_VALUE;
    for (int thousand = 0; thousand < 5 && grown >= LIMIT_KILOBYTES; thousand++) {
      long before = residentKilobytes();
      for (int i = 0; i < 1000; i++) {
        round.run();
      }
      grown = residentKilobytes() - before;
      System.out.println("resident kB before " + before + ", grown in 1,000 rounds " + grown);
    }
    Checks.holds(grown < LIMIT_KILOBYTES, "grown by " + grown + " kB in each 1,000 rounds");
  }

  private static void calls() throws Exception {
    RocksGc.setLogger((level, message) -> {}, LogLevel.DEBUG);
    try (Gc gc = new io.rocksgc.Options().set("schema_id", "prefix").create()) {
      gc.setClock(() -> 1_000_000);
      gc.keyspaces().register(GcType.KEYSPACE_LEVEL, 1, 2);
      for (int i = 0; i < 100; i++) {
        gc.safePoints().advance(1, i + 1);
        gc.keys().decode(gc.keys().encode(Mode.RAW, 1, ROW, i));
        gc.keys().keyspaceRange(Mode.RAW, 1);
        try {
          gc.safePoints().advance(1, 0);
        } catch (io.rocksgc.RocksGcException e) {
          // A timestamp of 0 is refused.
        }
      }
      gc.schemas().load(1, new long[] {1, 2}, 3);
      gc.keyspaces().list();
      gc.schemas().list();
      gc.metrics();
      gc.stats();
    }
    RocksGc.setLogger(null, LogLevel.OFF);
  }

  private static void attached(String path) throws Exception {
    try (Gc gc = new Gc(); Options options = new Options().setCreateIfMissing(true)) {
      RocksDbJni.install(gc, options, FilterKind.RAW);
      try (AttachedDb db = RocksDbJni.open(gc, options, path)) {
        db.put(gc.keys().encode(Mode.RAW, 1, ROW, 10), ROW);
        gc.store().explain(Range.ALL);
      }
    }
  }

  private static long residentKilobytes() throws Exception {
    for (int i = 0; i < 3; i++) {
      System.gc();
      Thread.sleep(50);
    }
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("VmRSS:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
        .findFirst().orElseThrow();
  }
}
