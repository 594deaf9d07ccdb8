package io.rocksgc;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.function.Consumer;

/** Libraries in the jar. */
final class Bundled {
  private Bundled() {}

  /**
   * Copies a library out of the jar for the loader.
   *
   * @param advice what to do if that fails
   */
  static void load(String library, Consumer<Path> loader, String advice) {
    String name = "/rocks-gc/linux-" + System.getProperty("os.arch") + "/" + library;
    try (InputStream bytes = Bundled.class.getResourceAsStream(name)) {
      if (bytes == null) {
        throw new RocksGcException(
            ErrorKind.NOT_FOUND, "Not found: the jar holds no " + name + ": " + advice);
      }
      Path copy = Files.createTempFile("librocks_gc", ".so");
      try {
        Files.copy(bytes, copy, StandardCopyOption.REPLACE_EXISTING);
        loader.accept(copy);
      } finally {
        Files.delete(copy);
      }
    } catch (IOException e) {
      throw new RocksGcException(
          ErrorKind.IO,
          "IO error: " + name + " could not be copied out of the jar (" + e + "): " + advice);
    }
  }
}
