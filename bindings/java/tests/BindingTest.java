import io.rocksgc.AttachedDb;
import io.rocksgc.BarrierInfo;
import io.rocksgc.Barriers;
import io.rocksgc.Codec;
import io.rocksgc.CollectReport;
import io.rocksgc.DestroyState;
import io.rocksgc.DestroyedRange;
import io.rocksgc.Destroys.Flag;
import io.rocksgc.ErrorKind;
import io.rocksgc.Explained;
import io.rocksgc.Family;
import io.rocksgc.FilterKind;
import io.rocksgc.Gc;
import io.rocksgc.GcType;
import io.rocksgc.KeyspaceInfo;
import io.rocksgc.KeyspaceMeta;
import io.rocksgc.KeyspaceState;
import io.rocksgc.Keyspaces;
import io.rocksgc.LogLevel;
import io.rocksgc.Mode;
import io.rocksgc.Range;
import io.rocksgc.RocksDbJni;
import io.rocksgc.RocksDbJni.FamilyToOpen;
import io.rocksgc.RocksGc;
import io.rocksgc.Role;
import io.rocksgc.SchemaState;
import io.rocksgc.StoredKey;
import io.rocksgc.Why;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.rocksdb.ColumnFamilyDescriptor;
import org.rocksdb.ColumnFamilyHandle;
import org.rocksdb.ColumnFamilyOptions;
import org.rocksdb.DBOptions;
import org.rocksdb.Options;

/** What each function does. Usage: BindingTest LIBROCKSDB */
public final class BindingTest {
  private static final byte[] ROW = {'r', 0, 'w', 0};

  public static void main(String[] arguments) throws Exception {
    Checks.test("options", BindingTest::options);
    Checks.test("safe points are unsigned", BindingTest::safePoints);
    Checks.test("barriers", BindingTest::barriers);
    Checks.test("names, locks and the ledger", BindingTest::namesLocksAndTheLedger);
    Checks.test("keyspaces", BindingTest::keyspaces);
    Checks.test("ids out of range", BindingTest::ids);
    Checks.test("stored keys with NUL bytes", BindingTest::keys);
    Checks.test("codec", BindingTest::codec);
    Checks.test("schemas", BindingTest::schemas);
    Checks.test("destroys", BindingTest::destroys);
    Checks.test("collect and explain", BindingTest::collect);
    Checks.test("families with handles", BindingTest::families);
    Checks.test("clock and logger that throw", BindingTest::callbacks);
    Checks.test("a callback may not close", BindingTest::closeInCallback);
    Checks.test("closed options", BindingTest::closedOptions);
    Checks.test("what this RocksDB lacks", BindingTest::missing);
    Checks.test("no store", BindingTest::noStore);
    Checks.test("two RocksDBs in one process", () -> twoRocksDbs(arguments[0]));
    Checks.done(BindingTest.class);
  }

  private static void options() throws Exception {
    Checks.holds(RocksGc.describeOptions().contains("recheck_seconds"), "describeOptions");
    io.rocksgc.Options options = new io.rocksgc.Options();
    Checks.fails(
        ErrorKind.INVALID_ARGUMENT, "no_such_option", () -> options.set("no_such_option", "1"));
    Checks.fails(
        ErrorKind.INVALID_ARGUMENT, "sideways",
        () -> options.parse("recheck=auto;history=sideways"));
    Checks.fails(
        ErrorKind.INVALID_ARGUMENT, "NUL", () -> options.set("recheck\0", "auto"));
    Checks.fails(
        ErrorKind.INVALID_ARGUMENT, "null", () -> options.set("recheck", null));
    options.set("recheck", "manual").parse("recheck_seconds=0; schema_id=off").create().close();
    Checks.fails(
        ErrorKind.INVALID_ARGUMENT, "plain",
        () -> new io.rocksgc.Options().set("key_layout", "plain").create());
  }

  private static void safePoints() throws Exception {
    try (Gc gc = new Gc()) {
      long high = 0xFFFF_FFFF_FFFF_0000L;
      gc.keyspaces().register(GcType.KEYSPACE_LEVEL, 1, 2, 3);
      gc.keyspaces().register(GcType.GLOBAL, 4);
      Checks.holds(gc.safePoints().advanceGlobal(high), "above Long.MAX_VALUE");
      Checks.holds(!gc.safePoints().advanceGlobal(5), "a step back");
      Checks.holds(!gc.safePoints().advanceGlobal(-1), "UINT64_MAX");
      Checks.equal(high, gc.safePoints().global());
      Checks.equal(high, gc.safePoints().of(4));
      Checks.holds(gc.safePoints().advance(1, high), "advance");
      Checks.equal(2L, gc.safePoints().advance(new int[] {2, 3, 1}, new long[] {7, high, 6}));
      Checks.equal(7L, gc.safePoints().of(2));
      Checks.equal(high, gc.safePoints().ofKey(gc.keys().encode(Mode.RAW, 3, ROW, 1)));
      Checks.equal(0L, gc.safePoints().ofKey(new byte[0]));
      Checks.fails(
          ErrorKind.INVALID_ARGUMENT, "18446744073709551615", () -> gc.safePoints().advance(1, -1));
      Checks.fails(
          ErrorKind.INVALID_ARGUMENT, "1",
          () -> gc.safePoints().advance(new int[] {1, 2}, new long[] {9, 0}));
      Checks.equal(7L, gc.safePoints().of(2));
      Checks.fails(
          ErrorKind.INVALID_ARGUMENT, "2 keyspaces and 1 safe points",
          () -> gc.safePoints().advance(new int[] {1, 2}, new long[] {9}));
      Checks.holds(gc.stats().safePointsRefused() >= 3, gc.stats());
      Checks.holds(gc.metrics().contains("rocks_gc_safe_points_refused_total"), gc.metrics());
      Checks.fails(
          ErrorKind.NOT_SUPPORTED, "keyspace", () -> gc.safePoints().consistency(Range.ALL));
      Range four = gc.keys().keyspaceRange(Mode.RAW, 4);
      Checks.equal(high, gc.safePoints().consistency(four));
    }
  }

  private static void barriers() throws Exception {
    try (Gc gc = new Gc()) {
      gc.keyspaces().register(GcType.KEYSPACE_LEVEL, 7);
      gc.barriers().set(7, "reader", 30, Barriers.NO_TTL);
      gc.barriers().set(Keyspaces.NONE, "reader", 40, 3600);
      gc.barriers().set(Keyspaces.ALL, "backup", 50, Barriers.NO_TTL);
      Checks.holds(gc.safePoints().advance(7, 60), "it moves");
      Checks.equal(30L, gc.safePoints().of(7));
      List<BarrierInfo> list = gc.barriers().list();
      Checks.equal(3, list.size());
      Checks.equal(new BarrierInfo(7, "reader", 30, Barriers.NO_TTL), list.get(0));
      Checks.equal(Keyspaces.NONE, list.get(1).keyspace());
      Checks.equal(new BarrierInfo(Keyspaces.ALL, "backup", 50, Barriers.NO_TTL), list.get(2));
      Checks.holds(gc.barriers().delete(7, "reader"), "it was there");
      Checks.holds(!gc.barriers().delete(7, "reader"), "it was not there");
      Checks.equal(50L, gc.safePoints().of(7));
      Checks.fails(
          ErrorKind.INVALID_ARGUMENT, "is behind",
          () -> gc.barriers().set(7, "reader", 49, Barriers.NO_TTL));
      Checks.fails(
          ErrorKind.INVALID_ARGUMENT, "16777216", () -> gc.barriers().delete(16777216, "reader"));
    }
  }

  private static void namesLocksAndTheLedger() throws Exception {
    try (Gc gc = new Gc()) {
      gc.keyspaces().load(new KeyspaceMeta(9, KeyspaceState.ENABLED, "nine", null));
      Checks.equal(OptionalInt.of(9), gc.keyspaces().byName("nine"));
      Checks.equal(OptionalInt.empty(), gc.keyspaces().byName("ten"));
      Checks.fails(
          ErrorKind.INVALID_ARGUMENT, "no store", () -> gc.safePoints().oldestLock(7, 5));
      Checks.fails(ErrorKind.INVALID_ARGUMENT, "no store", () -> gc.destroys().reloadLedger());
    }
  }

  private static void keyspaces() throws Exception {
    try (Gc gc = new Gc()) {
      gc.keyspaces().register(GcType.KEYSPACE_LEVEL, 1);
      Checks.fails(
          ErrorKind.INVALID_ARGUMENT, "1", () -> gc.keyspaces().register(GcType.GLOBAL, 1));
      gc.keyspaces().load(new KeyspaceMeta(2, KeyspaceState.ENABLED, "two", "keyspace_level"));
      // id 3, name "three", state ENABLED
      gc.keyspaces().load(new byte[] {8, 3, 18, 5, 't', 'h', 'r', 'e', 'e'});
      Checks.fails(
          ErrorKind.CORRUPTION, "", () -> gc.keyspaces().load("{\"id\": 3}".getBytes()));
      Checks.fails(ErrorKind.INVALID_ARGUMENT, "sometimes", () -> gc.keyspaces().load(
          new KeyspaceMeta(4, KeyspaceState.ENABLED, "four", "sometimes")));
      gc.safePoints().advance(2, 20);
      gc.keyspaces().pause(3);
      List<KeyspaceInfo> list = gc.keyspaces().list();
      Checks.equal(
          new KeyspaceInfo(
              2, Optional.of(KeyspaceState.ENABLED), Optional.of(GcType.KEYSPACE_LEVEL), false, 20,
              20, "two"),
          list.get(1));
      Checks.equal("three", list.get(2).name());
      Checks.holds(list.get(0).keptWhole() && list.get(2).keptWhole(), list);
      Checks.equal(Optional.empty(), list.get(0).state());
    }
  }

  private static void ids() throws Exception {
    try (Gc gc = new Gc()) {
      for (int id : new int[] {-2, -1, Integer.MIN_VALUE, Keyspaces.MAX + 1, Integer.MAX_VALUE}) {
        String text = "keyspace " + id;
        ErrorKind kind = ErrorKind.INVALID_ARGUMENT;
        Checks.fails(kind, text, () -> gc.keyspaces().register(GcType.GLOBAL, 1, id));
        Checks.fails(kind, text, () -> gc.safePoints().advance(id, 1));
        Checks.fails(kind, text, () -> gc.safePoints().of(id));
        Checks.fails(kind, text, () -> gc.keyspaces().pause(id));
        Checks.fails(kind, text, () -> gc.destroys().keyspace(id));
        Checks.fails(kind, text, () -> gc.store().explain(id));
        Checks.fails(kind, text, () -> new Codec(Mode.RAW, id));
      }
      Checks.fails(
          ErrorKind.INVALID_ARGUMENT, "need a keyspace",
          () -> gc.keys().encode(Mode.RAW, Keyspaces.NONE, ROW, 1));
      Checks.fails(
          ErrorKind.INVALID_ARGUMENT, "schema -1", () -> gc.schemas().state(1, -1));
      Checks.equal(List.of(), gc.keyspaces().list());
    }
  }

  private static void keys() throws Exception {
    try (Gc gc = new Gc()) {
      for (byte[] row : List.of(ROW, new byte[0], new byte[100])) {
        byte[] stored = gc.keys().encode(Mode.TXN, Keyspaces.MAX, row, -1L);
        StoredKey key = gc.keys().decode(stored);
        Checks.equal(row, key.userKey());
        Checks.equal(-1L, key.ts());
        Checks.equal(Keyspaces.MAX, key.keyspace());
        Checks.equal(Mode.TXN, key.mode());
      }
      Checks.fails(ErrorKind.CORRUPTION, "", () -> gc.keys().decode(new byte[] {1, 2, 3}));
      Range whole = gc.keys().keyspaceRange(Mode.RAW, 7);
      Checks.equal(whole, gc.keys().encodeRange(Mode.RAW, 7, Range.ALL));
      Checks.holds(whole.hashCode() == new Range(whole.start(), whole.end()).hashCode(), whole);
      Checks.fails(ErrorKind.INVALID_ARGUMENT, "start", () -> gc.keys().encodeRange(
          Mode.RAW, 7, new Range(new byte[] {2}, new byte[] {1})));
    }
  }

  private static void codec() throws Exception {
    Codec codec = new Codec(Mode.RAW, 4242);
    byte[] request = codec.encodeKey(ROW);
    Checks.equal(codec, Codec.ofRequestKey(request));
    Checks.equal(ROW, codec.decodeKey(request));
    byte[] region = codec.encodeRegionKey(ROW);
    Checks.equal(ROW, codec.decodeRegionKey(region));
    Range rows = new Range(ROW, new byte[] {'s'});
    Checks.equal(rows, codec.decodeRange(codec.encodeRange(rows)));
    Checks.equal(rows, codec.decodeRegionRange(codec.encodeRegionRange(rows)));
    List<byte[]> many = List.of(ROW, new byte[0], new byte[] {0}, new byte[1000]);
    List<byte[]> requests = codec.encodeKeys(many);
    Checks.equal(request, requests.get(0));
    Checks.equal(many.toArray(), codec.decodeKeys(requests).toArray());
    Checks.equal(List.of(), codec.encodeKeys(List.of()));
    List<byte[]> buckets = List.of(new byte[0], region, new byte[0]);
    Checks.equal(
        new Object[] {new byte[0], ROW, new byte[0]}, codec.decodeBucketKeys(buckets).toArray());
    Checks.equal(
        1, new Codec(Mode.RAW, 1).decodeBucketKeys(List.of(region, new byte[0])).size());
    Checks.fails(
        ErrorKind.INVALID_ARGUMENT, "outside keyspace",
        () -> new Codec(Mode.RAW, 1).decodeKey(request));
    Checks.fails(
        ErrorKind.CORRUPTION, "", () -> codec.decodeRegionKey(new byte[] {1, 2, 3}));
    Checks.fails(ErrorKind.INVALID_ARGUMENT, "NONE", () -> new Codec(Mode.NONE, 1));
  }

  private static void schemas() throws Exception {
    Gc gc = new io.rocksgc.Options().set("schema_id", "prefix").create();
    try (Db db = new Db(gc, 1)) {
      gc.keyspaces().register(GcType.KEYSPACE_LEVEL, 1);
      gc.schemas().load(1, new long[] {3, 5}, 9);
      Checks.fails(
          ErrorKind.INVALID_ARGUMENT, "10", () -> gc.schemas().load(1, new long[] {10}, 9));
      gc.schemas().create(1, 0xFFFF_FFFFL);
      Checks.equal(SchemaState.VALID, gc.schemas().state(1, 0xFFFF_FFFFL));
      Checks.equal(SchemaState.DROPPED, gc.schemas().state(1, 4));
      Checks.equal(SchemaState.UNKNOWN, gc.schemas().state(1, 10));
      db.put(1, new byte[] {0, 0, 0, 3, 'a'}, 10);
      gc.schemas().drop(1, 3);
      Checks.equal(SchemaState.DROPPED, gc.schemas().state(1, 3));
      gc.schemas().truncate(1, 5, 77);
      Checks.fails(
          ErrorKind.INVALID_ARGUMENT, "0", () -> gc.schemas().truncate(1, 5, 0));
      Checks.equal(0L, gc.store().drain(Duration.ofSeconds(30)));
      Checks.equal(0, db.versions(1));
      Checks.equal(4294967295L, gc.schemas().list().get(2).id());
      Checks.equal(5L, gc.schemas().list().get(1).id());
      Checks.equal(SchemaState.DROPPED, gc.schemas().list().get(0).state());
      Checks.equal(0L, gc.store().pending());
    }
  }

  private static void destroys() throws Exception {
    Gc gc = new io.rocksgc.Options().parse("recheck=manual;recheck_seconds=0").create();
    try (Db db = new Db(gc, 1)) {
      for (int keyspace = 1; keyspace <= 6; keyspace++) {
        db.put(keyspace, ROW, 10);
      }
      db.flush();
      Range one = gc.keys().keyspaceRange(Mode.RAW, 1);
      Range two = gc.keys().keyspaceRange(Mode.RAW, 2);
      Range three = gc.keys().keyspaceRange(Mode.RAW, 3);
      gc.destroys().range(one);
      Checks.equal(0, db.versions(1));
      gc.destroys().ranges(List.of(two, three), Flag.FORCE);
      Checks.equal(0, db.versions(2) + db.versions(3));
      Checks.fails(
          ErrorKind.INVALID_ARGUMENT, "1",
          () -> gc.destroys().ranges(List.of(one, new Range(one.end(), null))));
      gc.destroys().keyspace(4, Flag.FORCE);
      gc.destroys().keyspaces(new int[] {5});
      Checks.equal(0, db.versions(4) + db.versions(5));
      Checks.equal(7L, gc.destroys().count());
      gc.destroys().keyspaceAfter(6, 50);
      DestroyedRange pending = gc.destroys().list().stream()
          .filter(record -> record.keyspace() == 6).findFirst().orElseThrow();
      Checks.equal(DestroyState.PENDING, pending.state());
      Checks.equal(50L, pending.pendingTs());
      gc.destroys().takeBack(6);
      gc.destroys().rangeAfter(pending.range(), -3L);
      gc.destroys().takeBack(pending.range());
      Checks.fails(ErrorKind.NOT_FOUND, "", () -> gc.destroys().takeBack(pending.range()));
      Checks.equal(1, db.versions(6));
      Checks.equal(0L, gc.store().drain(Duration.ofSeconds(60)));
      Checks.equal(0L, gc.store().debt().debts());
      gc.destroys().release(one);
      gc.destroys().recheck(two);
      Checks.equal(5L, gc.destroys().count());
      long later = System.currentTimeMillis() / 1000 + 100;
      Checks.equal(5L, gc.destroys().recheck(later).recordsRemoved());
      Checks.equal(List.of(), gc.destroys().list());
    }
  }

  private static void collect() throws Exception {
    Gc gc = new Gc();
    try (Db db = new Db(gc, 1)) {
      gc.keyspaces().register(GcType.KEYSPACE_LEVEL, 1);
      for (long ts : new long[] {10, 20, 30}) {
        db.put(1, ROW, ts);
        db.put(1, new byte[] {'z'}, ts);
        db.flush();
      }
      Explained explained = gc.store().explain(1);
      Checks.equal(Why.NO_OWN_SAFE_POINT, explained.answers().get(0).why());
      Checks.holds(explained.answers().get(0).versions() > 0, explained);
      Checks.holds(!explained.text().isEmpty(), explained);
      Checks.equal(1, gc.store().explain(Range.ALL).answers().size());
      gc.safePoints().advance(1, 100);
      gc.setEnabled(false);
      Checks.fails(ErrorKind.INVALID_ARGUMENT, "", () -> gc.store().collect());
      gc.setEnabled(true);
      CollectReport dry = gc.store().collectDryRun("default", Range.ALL, 0);
      Checks.equal(3L, dry.filesConsidered());
      Checks.equal(6, db.versions(1));
      Checks.holds(gc.store().collect().versionsRemoved() > 0, "collect");
      Checks.equal(2, db.versions(1));
      Checks.equal(4L, gc.stats().removed());
      Checks.fails(
          ErrorKind.NOT_FOUND, "nonsense",
          () -> gc.store().collect("nonsense", Range.ALL, 0));
    }
  }

  private static void families() throws Exception {
    Gc gc = new Gc();
    gc.keyspaces().register(GcType.KEYSPACE_LEVEL, 1);
    gc.safePoints().advance(1, 25);
    String path = Checks.directory();
    ColumnFamilyHandle last;
    try (DBOptions options =
            new DBOptions().setCreateIfMissing(true).setCreateMissingColumnFamilies(true);
        ColumnFamilyOptions plain = new ColumnFamilyOptions();
        ColumnFamilyOptions raw = RocksDbJni.install(gc, plain, FilterKind.RAW);
        AttachedDb db = RocksDbJni.open(gc, options, path, List.of(
            new FamilyToOpen(new ColumnFamilyDescriptor("default".getBytes(), raw), Role.DEFAULT),
            new FamilyToOpen(new ColumnFamilyDescriptor("other".getBytes(), plain), null),
            new FamilyToOpen(new ColumnFamilyDescriptor("gc".getBytes(), plain), Role.LEDGER),
            new FamilyToOpen(new ColumnFamilyDescriptor("last".getBytes(), plain), null)))) {
      for (long ts : new long[] {10, 20, 30}) {
        db.put(db.family("default"), gc.keys().encode(Mode.RAW, 1, ROW, ts), new byte[] {0, 0});
      }
      db.compactRange(db.family("default"));
      Checks.equal(1, Db.versions(gc, db, 1));
      gc.destroys().keyspace(2);
      // The worker still uses the handles that the program closes here.
      db.family("default").close();
      db.family("gc").close();
      db.destroyColumnFamilyHandle(db.family("other"));
      db.createColumnFamily(new ColumnFamilyDescriptor("late".getBytes(), plain));
      gc.destroys().keyspace(1, Flag.FORCE);
      Checks.equal(4L, gc.destroys().count());
      Checks.fails(ErrorKind.INVALID_ARGUMENT, "nowhere", () -> db.family("nowhere"));
      last = db.family("last");
      Checks.holds(last.isOwningHandle(), "the handle closed before the DB");
    }
    Checks.holds(!last.isOwningHandle(), "the handle of a closed DB seems usable");
    gc.close();
  }

  private static void callbacks() throws Exception {
    ConcurrentLinkedQueue<Throwable> uncaught = new ConcurrentLinkedQueue<>();
    Thread.setDefaultUncaughtExceptionHandler((thread, e) -> {
      uncaught.add(e);
      throw new IllegalStateException("a handler that throws");
    });
    ConcurrentLinkedQueue<String> lines = new ConcurrentLinkedQueue<>();
    RocksGc.setLogger(
        (level, message) -> {
          lines.add(level + " " + message);
          throw new IllegalStateException("a logger that throws");
        },
        LogLevel.DEBUG);
    Gc gc = new Gc();
    gc.setClock(() -> {
      throw new IllegalStateException("a clock that throws");
    });
    try (Db db = new Db(gc, 1)) {
      gc.keyspaces().register(GcType.KEYSPACE_LEVEL, 1);
      gc.safePoints().advance(1, 25);
      for (long ts : new long[] {10, 20, 30}) {
        db.put(1, ROW, ts);
      }
      db.compact();
      Checks.equal(1, db.versions(1));
    } finally {
      RocksGc.setLogger(null, LogLevel.OFF);
      Thread.setDefaultUncaughtExceptionHandler(null);
    }
    Checks.holds(lines.stream().anyMatch(line -> line.startsWith("DEBUG ")), lines);
    for (String text : List.of("a logger that throws", "a clock that throws")) {
      Checks.holds(uncaught.stream().anyMatch(e -> e.getMessage().equals(text)), text);
    }
  }

  private static void closeInCallback() throws Exception {
    ConcurrentLinkedQueue<Throwable> thrown = new ConcurrentLinkedQueue<>();
    Gc gc = new io.rocksgc.Options().set("max_safe_point_ahead_seconds", "10").create();
    gc.setClock(() -> {
      for (Checks.Body refused : List.<Checks.Body>of(
          gc::close, gc::detach, () -> gc.setClock(null), () -> gc.setEnabled(false),
          () -> RocksGc.setLogger(null, LogLevel.OFF))) {
        try {
          Checks.fails(ErrorKind.BUSY, "refused", refused);
        } catch (Throwable e) {
          thrown.add(e);
        }
      }
      Checks.equal(0L, gc.safePoints().global());
      return 1_000_000;
    });
    Checks.holds(gc.safePoints().advanceGlobal(1), "advance");
    Checks.equal(List.of(), List.copyOf(thrown));
    gc.close();
  }

  private static void closedOptions() throws Exception {
    try (Gc gc = new Gc()) {
      Options options = new Options();
      options.close();
      ColumnFamilyOptions family = new ColumnFamilyOptions();
      family.close();
      ErrorKind kind = ErrorKind.INVALID_ARGUMENT;
      Checks.fails(kind, "closed", () -> RocksDbJni.install(gc, options, FilterKind.RAW));
      Checks.fails(kind, "closed", () -> RocksDbJni.install(gc, family, FilterKind.RAW));
      Checks.fails(kind, "closed", () -> RocksDbJni.listen(gc, options));
      Checks.fails(kind, "closed", () -> RocksDbJni.open(gc, options, "nowhere"));
    }
  }

  private static void missing() throws Exception {
    try (Gc gc = new Gc(); Options options = new Options()) {
      Checks.fails(ErrorKind.INVALID_ARGUMENT, "", gc::eventListener);
      Checks.fails(ErrorKind.NOT_SUPPORTED, "", () -> RocksDbJni.listen(gc, options));
      Checks.fails(ErrorKind.NOT_SUPPORTED, "", () -> gc.walFilter(List.of("default")));
      Checks.fails(
          ErrorKind.NOT_FOUND, "/no/such/rocksdb", () -> gc.bind("/no/such/rocksdb"));
      Checks.fails(ErrorKind.INVALID_ARGUMENT, "dlopen", () -> gc.bind(0));
    }
  }

  private static void noStore() throws Exception {
    try (Gc gc = new Gc()) {
      ErrorKind kind = ErrorKind.INVALID_ARGUMENT;
      Checks.fails(kind, "", () -> gc.store().debt());
      Checks.fails(kind, "", () -> gc.store().collect());
      Checks.fails(kind, "", () -> gc.store().drain(Duration.ZERO));
      Checks.fails(kind, "", () -> gc.store().explain(Range.ALL));
      Checks.fails(kind, "", () -> gc.destroys().keyspace(1));
      gc.bind(RocksDbJni.libraryPath());
      Checks.fails(kind, "", () -> gc.attach(0, List.of(Family.DEFAULT)));
      gc.detach();
    }
  }

  private static void twoRocksDbs(String second) throws Exception {
    System.load(second);
    try (Gc gc = new Gc()) {
      Checks.fails(ErrorKind.NOT_SUPPORTED, "librocksdb.so", gc::bind);
      Checks.fails(ErrorKind.NOT_SUPPORTED, "librocksdbjni", gc::bind);
      gc.bind(RocksDbJni.libraryPath());
      gc.bind(RocksDbJni.libraryPath());
      Checks.fails(ErrorKind.INVALID_ARGUMENT, "", () -> gc.bind(second));
    }
    try (Gc gc = new Gc()) {
      gc.bind(second);
    }
  }
}
