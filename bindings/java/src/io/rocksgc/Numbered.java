package io.rocksgc;

/** An enumeration of rocks_gc.h. */
interface Numbered {
  /** The constant's number in rocks_gc.h. */
  int number();

  static <E extends Enum<E> & Numbered> E find(Class<E> type, int number) {
    for (E constant : type.getEnumConstants()) {
      if (constant.number() == number) {
        return constant;
      }
    }
    throw new IllegalArgumentException(
        "the library answered the " + type.getSimpleName() + " " + number
            + ", which this jar does not know: use the jar of the library's version");
  }
}
