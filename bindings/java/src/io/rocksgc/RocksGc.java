package io.rocksgc;

import java.nio.file.Files;
import java.nio.file.Path;

/** The library librocks_gc.so. A process loads it once. */
public final class RocksGc {
  /** A system property: the path of the library, instead of the one in the jar. */
  public static final String LIBRARY_PROPERTY = "rocksgc.library";
  /** dlopen's RTLD_NOW. The library's names stay its own: RTLD_GLOBAL is not set. */
  static final int RTLD_NOW = 2;
  private static final String ABI_VERSION = "rgc_abi_version";
  private static Path loaded;
  private static final Object LOGGER_LOCK = new Object();
  /** The library calls it: Java must not collect it. */
  private static Stub logger;

  private RocksGc() {}

  /**
   * Loads the library: the one that the system property {@value #LIBRARY_PROPERTY} names, else the
   * one in the jar. Does nothing if a library is loaded. Options and Gc call it by themselves.
   */
  public static synchronized void load() {
    if (loaded != null) {
      return;
    }
    String path = System.getProperty(LIBRARY_PROPERTY);
    if (path != null) {
      load(Path.of(path));
      return;
    }
    Bundled.load(
        "librocks_gc.so", RocksGc::load,
        "set the system property " + LIBRARY_PROPERTY + " to the path of librocks_gc.so");
  }

  /** Loads the library at a path. A second call with the same path does nothing. */
  public static synchronized void load(Path path) {
    Path file = path.toAbsolutePath();
    if (loaded != null) {
      if (!loaded.equals(file)) {
        throw RocksGcException.invalid(
            "the library " + file + " cannot be loaded: this process uses " + loaded);
      }
      return;
    }
    Library library = open(file);
    int version = library.number(ABI_VERSION);
    if (version != Header.VERSION) {
      throw new RocksGcException(
          ErrorKind.NOT_SUPPORTED,
          "Not supported: the library " + file + " has ABI version " + version
              + ", and this jar needs " + Header.VERSION
              + ": use the jar of the library's version");
    }
    try {
      library.bind();
    } catch (UnsatisfiedLinkError e) {
      throw new RocksGcException(
          ErrorKind.NOT_SUPPORTED,
          "Not supported: the library " + file + " is older than this jar (" + e.getMessage()
              + "): use the jar of the library's version");
    }
    loaded = file;
    Runtime.getRuntime().addShutdownHook(new Thread(RocksGc::silence, "rocks-gc shutdown"));
  }

  /** A JVM that ends blocks RocksDB's threads that call it, and the process would wait for them. */
  private static void silence() {
    setLogger(null, LogLevel.OFF);
    Context.resetClocks();
  }

  /** Opens a file, and looks for the function that tells the ABI's version. */
  private static Library open(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new RocksGcException(
          ErrorKind.NOT_FOUND, "Not found: there is no library " + file + ": check the path");
    }
    try {
      Library library = Library.open(file.toString(), RTLD_NOW);
      library.number(ABI_VERSION);
      return library;
    } catch (UnsatisfiedLinkError e) {
      throw RocksGcException.invalid(
          "the file " + file + " is not librocks_gc.so (" + e.getMessage() + "): check the path");
    }
  }

  /** The library's version. */
  public static String version() {
    load();
    return Bytes.readText(Abi.rgc_version());
  }

  /** One line for each option: name, default, values, meaning. */
  public static String describeOptions() {
    load();
    return Bytes.takeText(Abi.rgc_options_describe());
  }

  /**
   * Sets the logger of the whole process, for messages up to a level. Until the first call errors
   * go to standard error. When the call returns, the last call of the old logger has ended.
   *
   * @param newLogger null means silence
   */
  public static void setLogger(Logger newLogger, LogLevel maxLevel) {
    load();
    if (Callbacks.inside()) {
      Call.accepted((byte) 0, "the new logger");
    }
    synchronized (LOGGER_LOCK) {
      Stub log = newLogger == null ? null : Callbacks.log(newLogger);
      Call.accepted(
          log == null
              ? Abi.rgc_set_logger(0, 0, maxLevel.number())
              : Abi.rgc_set_logger(log.address(), log.state(), maxLevel.number()),
          "the new logger");
      logger = log;
    }
  }
}
