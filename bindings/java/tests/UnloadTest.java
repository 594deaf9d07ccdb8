import io.rocksgc.Gc;
import io.rocksgc.GcType;
import io.rocksgc.LogLevel;
import io.rocksgc.RocksGc;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/** A program that closes the library while it is used. Usage: UnloadTest LIBRARY_OF_UNLOAD_C */
public final class UnloadTest {
  private static native boolean survives(String library);

  public static void main(String[] arguments) throws Exception {
    System.load(arguments[0]);
    Checks.test("a library that the program closes", UnloadTest::closed);
    Checks.done(UnloadTest.class);
  }

  private static void closed() throws Exception {
    AtomicInteger lines = new AtomicInteger();
    RocksGc.setLogger((level, message) -> lines.incrementAndGet(), LogLevel.DEBUG);
    Gc gc = new Gc();
    try (Db db = new Db(gc, 1)) {
      gc.keyspaces().register(GcType.KEYSPACE_LEVEL, 1);
      gc.safePoints().advance(1, 25);
      for (long ts : new long[] {10, 20, 30}) {
        db.put(1, new byte[] {'r'}, ts);
      }
      List<String> libraries = libraries();
      Checks.holds(!libraries.isEmpty(), "the library is not in /proc/self/maps");
      for (String library : libraries) {
        Checks.holds(survives(library), library);
      }
      int before = lines.get();
      db.compact();
      Checks.equal(1, db.versions(1));
      Checks.holds(lines.get() > before, "the compaction has logged nothing");
    }
    RocksGc.setLogger(null, LogLevel.OFF);
  }

  /** The paths of the jar's libraries, which are deleted once they are loaded. */
  private static List<String> libraries() throws Exception {
    try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
      return maps.filter(line -> line.contains("/librocks_gc"))
          .map(line -> line.substring(line.indexOf('/')).replace(" (deleted)", ""))
          .distinct().toList();
    }
  }
}
