import io.rocksgc.FilterKind;
import io.rocksgc.Gc;
import io.rocksgc.GcType;
import io.rocksgc.LogLevel;
import io.rocksgc.Mode;
import io.rocksgc.RocksDbJni;
import io.rocksgc.RocksGc;
import org.rocksdb.Options;

/** A program that ends with an open DB, a logger and a clock, while compactions run. */
public final class ExitTest {
  public static void main(String[] arguments) throws Exception {
    RocksGc.setLogger((level, message) -> {}, LogLevel.DEBUG);
    Gc gc = new Gc();
    gc.setClock(() -> System.currentTimeMillis() / 1000);
    gc.keyspaces().register(GcType.KEYSPACE_LEVEL, 1);
    gc.safePoints().advance(1, 1_000_000);
    Options options = new Options()
        .setCreateIfMissing(true)
        .setWriteBufferSize(64 << 10)
        .setLevel0FileNumCompactionTrigger(2);
    RocksDbJni.install(gc, options, FilterKind.RAW);
    var db = RocksDbJni.open(gc, options, Checks.directory());
    for (int i = 1; i <= 60_000; i++) {
      db.put(gc.keys().encode(Mode.RAW, 1, ("row" + i % 1000).getBytes(), i), new byte[100]);
    }
    System.exit(0);
  }
}
