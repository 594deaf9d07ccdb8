import io.rocksgc.AttachedDb;
import io.rocksgc.FilterKind;
import io.rocksgc.Gc;
import io.rocksgc.GcType;
import io.rocksgc.Mode;
import io.rocksgc.RocksDbJni;
import java.nio.file.Files;
import org.rocksdb.FlushOptions;
import org.rocksdb.Options;
import org.rocksdb.RocksIterator;

/** Two tenants, each with a safe point of its own. */
public final class Quickstart {
  private static final byte[] ROW = "row".getBytes();
  /** RawKV's values end with a byte of flags. */
  private static final byte[] VALUE = {'v', 0};

  public static void main(String[] arguments) throws Exception {
    String path = Files.createTempDirectory("quickstart").toString();
    try (Gc gc = new Gc(); Options options = new Options().setCreateIfMissing(true)) {
      gc.keyspaces().register(GcType.KEYSPACE_LEVEL, 7, 8);
      gc.safePoints().advance(7, 100);
      gc.safePoints().advance(8, 15);
      RocksDbJni.install(gc, options, FilterKind.RAW);
      try (AttachedDb db = RocksDbJni.open(gc, options, path)) {
        for (int keyspace : new int[] {7, 8}) {
          for (long ts : new long[] {10, 20, 30}) {
            db.put(gc.keys().encode(Mode.RAW, keyspace, ROW, ts), VALUE);
          }
        }
        try (FlushOptions flush = new FlushOptions()) {
          db.flush(flush);
        }
        db.compactRange();
        for (int keyspace : new int[] {7, 8}) {
          System.out.println(
              "keyspace " + keyspace + ": " + left(gc, db, keyspace) + " of 3 versions left");
        }
      }
    }
  }

  private static int left(Gc gc, AttachedDb db, int keyspace) {
    int versions = 0;
    try (RocksIterator it = db.newIterator()) {
      for (it.seekToFirst(); it.isValid(); it.next()) {
        if (gc.keys().decode(it.key()).keyspace() == keyspace) {
          versions++;
        }
      }
    }
    return versions;
  }
}
