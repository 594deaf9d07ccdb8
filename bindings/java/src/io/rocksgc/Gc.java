package io.rocksgc;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;

/**
 * The garbage collection of one DB. Any number of threads may share it.
 *
 * <p>{@link #close()} detaches first. A Gc that the program loses lives on while a store is
 * attached, and while the program has one of its parts. A closed Gc throws IllegalStateException.
 */
public final class Gc implements AutoCloseable {
  /** Each Gc whose store is attached, and the memory that the library reads until the detach. */
  private static final Map<Gc, Object> ATTACHED = new ConcurrentHashMap<>();

  private final Handle handle;
  private final SafePoints safePoints;
  private final Barriers barriers;
  private final Keyspaces keyspaces;
  private final Store store;
  private final Destroys destroys;
  private final Schemas schemas;
  private final Keys keys;

  /** A context with every default. */
  public Gc() {
    this(new Options());
  }

  Gc(Options options) {
    handle = new Handle(options.createContext());
    safePoints = new SafePoints(handle);
    barriers = new Barriers(handle);
    keyspaces = new Keyspaces(handle);
    store = new Store(handle);
    destroys = new Destroys(handle);
    schemas = new Schemas(handle);
    keys = new Keys(handle);
  }

  /** What no reader reads any more. */
  public SafePoints safePoints() {
    return safePoints;
  }

  /** What readers still need. */
  public Barriers barriers() {
    return barriers;
  }

  /** The keyspaces' types and metadata. */
  public Keyspaces keyspaces() {
    return keyspaces;
  }

  /** The attached store: its worker, collecting, explaining. */
  public Store store() {
    return store;
  }

  /** Destroying ranges and keyspaces. */
  public Destroys destroys() {
    return destroys;
  }

  public Schemas schemas() {
    return schemas;
  }

  /** Stored keys. */
  public Keys keys() {
    return keys;
  }

  /** Switches collection off, or on again. */
  public void setEnabled(boolean enabled) {
    handle.run((gc, error) ->
        Call.accepted(Abi.rgc_set_enabled(gc, (byte) (enabled ? 1 : 0)), "the switch"));
  }

  /**
   * Sets the clock: unix time in seconds, 0 means unknown. A clock that throws tells 0. It must not
   * call System.exit, as {@link Logger} says. When the call returns, the last call of the old clock
   * has ended.
   *
   * @param seconds null means the system's clock
   */
  public void setClock(LongSupplier seconds) {
    handle.setClock(seconds == null ? null : Callbacks.clock(seconds));
  }

  public Stats stats() {
    byte[] struct = Bytes.struct(Stats.SIZE);
    handle.run((gc, error) -> Abi.rgc_stats(gc, struct));
    return Stats.read(Bytes.read(struct));
  }

  /** The counters as OpenMetrics text. */
  public String metrics() {
    return Bytes.takeText(handle.ask((gc, error) -> Abi.rgc_metrics(gc)));
  }

  /** Finds RocksDB's C functions in the process. Fails if there are two RocksDBs. */
  public void bind() {
    bind(0, null);
  }

  /** Finds RocksDB's C functions in a library that is loaded, by its path or SONAME. */
  public void bind(String path) {
    bind(0, Bytes.text(path, "the path of RocksDB"));
  }

  /** Finds RocksDB's C functions by a handle of dlopen. */
  public void bind(long dlHandle) {
    if (dlHandle == 0) {
      throw RocksGcException.invalid("the handle of dlopen is 0");
    }
    bind(dlHandle, null);
  }

  private void bind(long dlHandle, byte[] path) {
    handle.run((gc, error) -> Abi.rgc_bind_rocksdb_library(gc, dlHandle, path, error));
  }

  /**
   * Creates a rocksdb_compactionfilterfactory_t. Give it to one options object, which owns it from
   * then on, or to rocksdb_compactionfilterfactory_destroy.
   */
  public long filterFactory(FilterKind kind) {
    return handle.ask((gc, error) -> Abi.rgc_rocksdb_filter_factory(gc, kind.number(), error));
  }

  /** Creates a rocksdb_eventlistener_t for one options object, which owns it from then on. */
  public long eventListener() {
    return handle.ask(Abi::rgc_rocksdb_event_listener);
  }

  /**
   * Creates a rocksdb_walfilter_t. The options do not own it. Give it to rocksdb_walfilter_destroy
   * when the DB is closed, not before.
   */
  public long walFilter(List<String> families) {
    List<byte[]> names = new ArrayList<>();
    families.forEach(name -> names.add(Bytes.text(name, "a family's name")));
    Bytes.Array array = Bytes.Array.of(names);
    try {
      return handle.ask((gc, error) ->
          Abi.rgc_rocksdb_wal_filter(gc, array.addresses(), names.size(), error));
    } finally {
      Reference.reachabilityFence(array);
    }
  }

  /**
   * Attaches an open DB: the address of its rocksdb_t. Call it after opening. Before the DB closes,
   * call {@link #detach()} or {@link #close()}. The DB and the families must stay open until then.
   */
  public void attach(long db, List<Family> families) {
    attach(db, families, new Object());
  }

  /** Attaches a DB that needs memory of the binding. */
  void attach(long db, List<Family> families, Object memory) {
    int size = Header.ColumnFamilyLayout.SIZE;
    byte[] array = new byte[size * families.size()];
    List<ByteBuffer> names = new ArrayList<>();
    for (int i = 0; i < families.size(); i++) {
      Family family = families.get(i);
      names.add(Bytes.fixed(Bytes.text(family.name(), "a family's name")));
      Bytes.read(array)
          .putLong(size * i, size)
          .putInt(size * i + Header.ColumnFamilyLayout.ROLE, family.role().number())
          .putLong(size * i + Header.ColumnFamilyLayout.NAME, Memory.address(names.get(i)))
          .putLong(size * i + Header.ColumnFamilyLayout.HANDLE, family.handle());
    }
    try {
      handle.run((gc, error) -> {
        Abi.rgc_attach_rocksdb(gc, db, array, families.size(), error);
        // A close waits for this call, and forgets the memory then.
        if (error[0] == 0) {
          ATTACHED.put(this, memory);
        }
      });
    } finally {
      Reference.reachabilityFence(names);
      Reference.reachabilityFence(memory);
    }
  }

  /** Ends the use of the store. Then the DB may close. Does nothing if nothing is attached. */
  public void detach() {
    Object memory = ATTACHED.get(this);
    handle.detach();
    // Another thread may have attached a store meanwhile, whose memory must stay.
    if (memory != null) {
      ATTACHED.remove(this, memory);
    }
  }

  /** Detaches if the store that memory belongs to is the one that is attached. */
  void detach(Object memory) {
    if (ATTACHED.get(this) == memory) {
      detach();
    }
  }

  /** Detaches, and destroys the context. A second call does nothing. */
  @Override
  public void close() {
    handle.close();
    ATTACHED.remove(this);
  }
}
