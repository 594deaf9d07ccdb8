package io.rocksgc;

/** A call into the library, whose error text becomes an exception. */
@FunctionalInterface
interface Call {
  /** Calls a function. Its last argument is error. */
  long call(long[] error);

  /** Calls, and throws what the library reported. */
  static long checked(Call function) {
    long[] error = new long[1];
    long answer = function.call(error);
    if (error[0] != 0) {
      throw failure(Bytes.takeText(error[0]));
    }
    return answer;
  }

  /** A function that returns nothing. */
  @FunctionalInterface
  interface Nothing {
    void call(long[] error);
  }

  static void run(Nothing function) {
    checked(error -> {
      function.call(error);
      return 0;
    });
  }

  private static RocksGcException failure(String text) {
    int kind = Abi.rgc_error_kind(Bytes.text(text, "an error"));
    return new RocksGcException(Numbered.find(ErrorKind.class, kind), text);
  }

  /** Throws if the library refused. A refusal has changed nothing. */
  static void accepted(byte answer, String what) {
    if (answer == 0) {
      throw new RocksGcException(
          ErrorKind.BUSY,
          "Busy: " + what + " was refused, and nothing has changed: call it outside of the"
              + " library's callbacks; the log tells the reason");
    }
  }
}
