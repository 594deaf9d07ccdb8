package io.rocksgc;

/** A call failed and has changed nothing, unless rocks_gc.h says otherwise of its function. */
public final class RocksGcException extends RuntimeException {
  private static final long serialVersionUID = 1;
  private final ErrorKind kind;

  RocksGcException(ErrorKind kind, String message) {
    super(message);
    this.kind = kind;
  }

  /** The kind of the error. The message begins with the same kind in words. */
  public ErrorKind kind() {
    return kind;
  }

  /** A call that the binding refuses before it reaches the library. */
  static RocksGcException invalid(String what) {
    return new RocksGcException(ErrorKind.INVALID_ARGUMENT, "Invalid argument: " + what);
  }
}
