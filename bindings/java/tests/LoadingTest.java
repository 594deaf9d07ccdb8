import io.rocksgc.ErrorKind;
import io.rocksgc.RocksGc;
import java.nio.file.Path;

/** Libraries that must not be loaded. Usage: LoadingTest OTHER_ABI NOT_OURS OLD */
public final class LoadingTest {
  public static void main(String[] arguments) throws Exception {
    Checks.test("a library that is not there", () -> Checks.fails(
        ErrorKind.NOT_FOUND, "/no/such/librocks_gc.so",
        () -> RocksGc.load(Path.of("/no/such/librocks_gc.so"))));
    Checks.test("a library that is not ours", () -> Checks.fails(
        ErrorKind.INVALID_ARGUMENT, arguments[1], () -> RocksGc.load(Path.of(arguments[1]))));
    Checks.test("a library of another ABI", () -> Checks.fails(
        ErrorKind.NOT_SUPPORTED, "99", () -> RocksGc.load(Path.of(arguments[0]))));
    Checks.test("a library that lacks functions", () -> Checks.fails(
        ErrorKind.NOT_SUPPORTED, "rgc_", () -> RocksGc.load(Path.of(arguments[2]))));
    Checks.test("the library in the jar, after all of these", () -> {
      RocksGc.load();
      Checks.holds(RocksGc.version().matches("\\d+\\.\\d+\\.\\d+"), RocksGc.version());
      RocksGc.load();
    });
    Checks.test("a second library", () -> Checks.fails(
        ErrorKind.INVALID_ARGUMENT, arguments[0], () -> RocksGc.load(Path.of(arguments[0]))));
    Checks.done(LoadingTest.class);
  }
}
