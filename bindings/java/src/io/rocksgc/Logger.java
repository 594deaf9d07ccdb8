package io.rocksgc;

/**
 * Receives the library's log, from any thread and from several at once. It must return soon. It may
 * read and advance safe points. What it throws goes to the thread's uncaught exception handler. It
 * must not call System.exit, which waits until the logger has returned: the process would never
 * end.
 */
@FunctionalInterface
public interface Logger {
  void log(LogLevel level, String message);
}
