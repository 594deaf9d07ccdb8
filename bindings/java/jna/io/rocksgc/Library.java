package io.rocksgc;

import com.sun.jna.Function;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import java.util.Map;

/** A shared library that is open, by JNA. */
final class Library {
  /** A function that gives an object to options. */
  interface Setter {
    void set(long options, long object);
  }

  private final NativeLibrary library;

  private Library(NativeLibrary library) {
    this.library = library;
  }

  /**
   * Opens a library as dlopen does.
   *
   * @throws UnsatisfiedLinkError with what dlopen tells
   */
  static Library open(String path, int flags) {
    return new Library(NativeLibrary.getInstance(
        path, Map.of(com.sun.jna.Library.OPTION_OPEN_FLAGS, flags)));
  }

  /**
   * Makes the functions of Abi those of this library.
   *
   * @throws UnsatisfiedLinkError if it lacks one
   */
  void bind() {
    Native.register(Abi.class, library);
  }

  /** What a function without parameters returns. */
  int number(String function) {
    return library.getFunction(function).invokeInt(new Object[0]);
  }

  Setter setter(String name) {
    Function function = library.getFunction(name);
    return (options, object) ->
        function.invokeVoid(new Object[] {new Pointer(options), new Pointer(object)});
  }
}
