import io.rocksgc.ErrorKind;
import io.rocksgc.RocksGcException;
import java.nio.file.Files;
import java.util.Objects;

/** Runs named tests, and counts them. The first failure ends the process. */
final class Checks {
  interface Body {
    void run() throws Exception;
  }

  private static int count;

  private Checks() {}

  static void test(String name, Body body) throws Exception {
    try {
      body.run();
    } catch (Throwable e) {
      System.out.println("failed: " + name);
      e.printStackTrace();
      System.exit(1);
    }
    count++;
    System.out.println("ok: " + name);
  }

  static void done(Class<?> suite) {
    System.out.println(suite.getSimpleName() + ": " + count + " tests");
  }

  static void equal(Object expected, Object found) {
    if (!Objects.deepEquals(expected, found)) {
      throw new AssertionError("expected " + expected + ", found " + found);
    }
  }

  static void holds(boolean condition, Object what) {
    if (!condition) {
      throw new AssertionError(what);
    }
  }

  /** The text must begin with the kind in words, and hold what is wrong. */
  static void fails(ErrorKind kind, String part, Body body) throws Exception {
    try {
      body.run();
    } catch (RocksGcException e) {
      equal(kind, e.kind());
      String words = kind == ErrorKind.IO ? "IO error" : kind.name().replace('_', ' ');
      holds(
          e.getMessage().regionMatches(true, 0, words + ": ", 0, words.length() + 2),
          e.getMessage());
      holds(e.getMessage().contains(part), "no \"" + part + "\" in: " + e.getMessage());
      return;
    }
    throw new AssertionError("no error that holds \"" + part + "\"");
  }

  static void throwsClosed(Body body) throws Exception {
    try {
      body.run();
    } catch (IllegalStateException e) {
      equal("this Gc is closed", e.getMessage());
      return;
    }
    throw new AssertionError("a closed Gc was used");
  }

  static String directory() throws Exception {
    return Files.createTempDirectory("rocks-gc-test").toString();
  }

}
