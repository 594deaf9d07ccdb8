import io.rocksgc.AttachedDb;
import io.rocksgc.FilterKind;
import io.rocksgc.Gc;
import io.rocksgc.Mode;
import io.rocksgc.RocksDbJni;
import java.util.Arrays;
import org.rocksdb.FlushOptions;
import org.rocksdb.Options;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;

/** A DB of RawKV rows with its Gc. It closes both. */
final class Db implements AutoCloseable {
  final Gc gc;
  final Options options;
  final AttachedDb db;

  Db(Gc gc, int subcompactions) throws Exception {
    this.gc = gc;
    options = new Options()
        .setCreateIfMissing(true)
        .setDisableAutoCompactions(true)
        .setMaxBackgroundJobs(4)
        .setMaxSubcompactions(subcompactions)
        .setTargetFileSizeBase(16 << 10);
    RocksDbJni.install(gc, options, FilterKind.RAW);
    db = RocksDbJni.open(gc, options, Checks.directory());
  }

  void put(int keyspace, byte[] row, long ts) throws RocksDBException {
    put(keyspace, row, ts, new byte[] {'v', 0});
  }

  /** A value of RawKV ends with a byte of flags, which must be 0. */
  void put(int keyspace, byte[] row, long ts, byte[] value) throws RocksDBException {
    byte[] flagged = Arrays.copyOf(value, value.length + 1);
    db.put(gc.keys().encode(Mode.RAW, keyspace, row, ts), flagged);
  }

  void flush() throws RocksDBException {
    try (FlushOptions flush = new FlushOptions()) {
      db.flush(flush);
    }
  }

  void compact() throws RocksDBException {
    flush();
    db.compactRange();
  }

  int versions(int keyspace) {
    return versions(gc, db, keyspace);
  }

  static int versions(Gc gc, AttachedDb db, int keyspace) {
    byte[] prefix = gc.keys().keyspaceRange(Mode.RAW, keyspace).start();
    int versions = 0;
    try (RocksIterator it = db.newIterator()) {
      for (it.seek(prefix); it.isValid(); it.next()) {
        if (gc.keys().decode(it.key()).keyspace() != keyspace) {
          break;
        }
        versions++;
      }
    }
    return versions;
  }

  @Override
  public void close() {
    db.close();
    gc.close();
    options.close();
  }
}
