import com.sun.management.OperatingSystemMXBean;
import io.rocksgc.FilterKind;
import io.rocksgc.Gc;
import io.rocksgc.GcType;
import io.rocksgc.RocksDbJni;
import java.lang.management.ManagementFactory;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;

/** The Java host of cost.c. Usage: Cost DB */
public final class Cost {
  public static void main(String[] arguments) throws Exception {
    OperatingSystemMXBean system =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    try (Gc gc = new Gc(); Options options = new Options().setDisableAutoCompactions(true)) {
      gc.keyspaces().register(GcType.KEYSPACE_LEVEL, 7);
      gc.safePoints().advance(7, 21);
      RocksDbJni.install(gc, options, FilterKind.RAW);
      try (RocksDB db = RocksDB.open(options, arguments[0])) {
        long before = system.getProcessCpuTime();
        db.compactRange();
        System.out.printf("%.6f%n", (system.getProcessCpuTime() - before) / 1e9);
      }
    }
  }
}
