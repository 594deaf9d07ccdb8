package io.rocksgc;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.rocksdb.ColumnFamilyDescriptor;
import org.rocksdb.ColumnFamilyHandle;
import org.rocksdb.ColumnFamilyOptions;
import org.rocksdb.DBOptions;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksObject;

/**
 * For RocksDB's own Java binding, rocksdbjni. Its library exports RocksDB's C functions, and its
 * Options begin where a rocksdb_options_t begins.
 */
public final class RocksDbJni {
  /** dlopen's flags RTLD_LAZY and RTLD_NOLOAD: RocksDB is never loaded a second time. */
  private static final int LOADED_ALREADY = 1 | 4;

  /** A column family to open; a role that is null means that it is not attached. */
  public record FamilyToOpen(ColumnFamilyDescriptor descriptor, Role role) {}

  private RocksDbJni() {}

  /** The path of the library that rocksdbjni has loaded. */
  public static String libraryPath() {
    RocksDB.loadLibrary();
    try {
      return Files.readAllLines(Path.of("/proc/self/maps")).stream()
          .filter(line -> line.contains("librocksdbjni"))
          .map(line -> line.substring(line.indexOf('/')).replace(" (deleted)", ""))
          .findFirst()
          .orElseThrow(() -> new RocksGcException(
              ErrorKind.NOT_FOUND,
              "Not found: the process has loaded no librocksdbjni: bind by a path"
                  + " (Gc.bind) and use Gc.filterFactory"));
    } catch (IOException e) {
      throw new RocksGcException(
          ErrorKind.IO, "IO error: /proc/self/maps cannot be read (" + e + "): bind by a path");
    }
  }

  /** Gives options a filter factory. Call it before opening, once for each options object. */
  public static void install(Gc gc, Options options, FilterKind kind) {
    Library.Setter set = setter("rocksdb_options_set_compaction_filter_factory", options);
    gc.bind(libraryPath());
    set.set(options.getNativeHandle(), gc.filterFactory(kind));
  }

  /**
   * A copy of a column family's options, with a filter factory. The caller closes both.
   */
  public static ColumnFamilyOptions install(Gc gc, ColumnFamilyOptions family, FilterKind kind) {
    requireOpen(family);
    try (DBOptions db = new DBOptions();
        Options options = new Options(db, family)) {
      install(gc, options, kind);
      return new ColumnFamilyOptions(options);
    }
  }

  /**
   * Gives options a listener, by which filters know exactly whether they write the last level.
   * Fails with NOT_SUPPORTED before RocksDB 10.4.
   */
  public static void listen(Gc gc, Options options) {
    requireOpen(options);
    gc.bind(libraryPath());
    long listener = gc.eventListener();
    setter("rocksdb_options_add_eventlistener", options).set(options.getNativeHandle(), listener);
  }

  /** Opens a DB with its default family, and attaches it with the role DEFAULT. */
  public static AttachedDb open(Gc gc, Options options, String path) throws RocksDBException {
    requireOpen(options);
    RocksDB opened = RocksDB.open(options, path);
    return new AttachedDb(gc, opened, List.of(), List.of());
  }

  /** Opens a DB with its families, and attaches it. */
  public static AttachedDb open(
      Gc gc, DBOptions options, String path, List<FamilyToOpen> families)
      throws RocksDBException {
    requireOpen(options);
    List<ColumnFamilyDescriptor> descriptors = new ArrayList<>();
    for (FamilyToOpen family : families) {
      requireOpen(family.descriptor().getOptions());
      descriptors.add(family.descriptor());
    }
    List<ColumnFamilyHandle> handles = new ArrayList<>();
    RocksDB opened = RocksDB.open(options, path, descriptors, handles);
    return new AttachedDb(gc, opened, families, handles);
  }

  /** A function that gives options an object, which they own from then on. */
  private static Library.Setter setter(String name, RocksObject options) {
    requireOpen(options);
    return Library.open(libraryPath(), LOADED_ALREADY).setter(name);
  }

  private static void requireOpen(RocksObject options) {
    if (!options.isOwningHandle()) {
      throw RocksGcException.invalid("the " + options.getClass().getSimpleName() + " are closed");
    }
  }
}
