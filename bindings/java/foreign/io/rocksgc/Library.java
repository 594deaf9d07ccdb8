package io.rocksgc;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;
import java.lang.reflect.Field;

/** A shared library that is open, by java.lang.foreign. */
final class Library {
  /** A function that gives an object to options. */
  interface Setter {
    void set(long options, long object);
  }

  static final Linker LINKER = Linker.nativeLinker();
  private static final MethodHandle DLOPEN = libc("dlopen", long.class, long.class, int.class);
  private static final MethodHandle DLSYM = libc("dlsym", long.class, long.class, long.class);
  private static final MethodHandle DLERROR = libc("dlerror", long.class);
  /** The one whose functions Abi calls. */
  private static Library bound;

  private final long handle;

  private Library(long handle) {
    this.handle = handle;
  }

  /**
   * Opens a library as dlopen does.
   *
   * @throws UnsatisfiedLinkError with what dlopen tells
   */
  static Library open(String path, int flags) {
    try (Copies copies = new Copies()) {
      byte[] text = Bytes.text(path, "the path of a library");
      return new Library(found((long) DLOPEN.invokeExact(copies.in(text), flags)));
    } catch (Throwable e) {
      throw unchecked(e);
    }
  }

  /**
   * Makes the functions of Abi those of this library.
   *
   * @throws UnsatisfiedLinkError if it lacks one
   */
  void bind() {
    for (Field function : Abi.class.getDeclaredFields()) {
      if (function.getName().startsWith("rgc_")) {
        address(function.getName());
      }
    }
    bound = this;
  }

  /** A function of the library that is bound. */
  static MethodHandle function(String name, Class<?> result, Class<?>... parameters) {
    return bound.handle(name, result, parameters);
  }

  /**
   * Where a function is.
   *
   * @throws UnsatisfiedLinkError if the library lacks it
   */
  long address(String name) {
    try (Copies copies = new Copies()) {
      byte[] text = Bytes.text(name, "the name of a function");
      return found((long) DLSYM.invokeExact(handle, copies.in(text)));
    } catch (Throwable e) {
      throw unchecked(e);
    }
  }

  /** What a function without parameters returns. */
  int number(String function) {
    try {
      return (int) handle(function, int.class).invokeExact();
    } catch (Throwable e) {
      throw unchecked(e);
    }
  }

  Setter setter(String name) {
    MethodHandle function = handle(name, void.class, long.class, long.class);
    return (options, object) -> {
      try {
        function.invokeExact(options, object);
      } catch (Throwable e) {
        throw unchecked(e);
      }
    };
  }

  /** How C sees a function of Java. An address is a long in both. */
  static FunctionDescriptor descriptor(MethodType type) {
    MemoryLayout[] parameters =
        type.parameterList().stream().map(Library::layout).toArray(MemoryLayout[]::new);
    return type.returnType() == void.class
        ? FunctionDescriptor.ofVoid(parameters)
        : FunctionDescriptor.of(layout(type.returnType()), parameters);
  }

  /** What a function handle threw, which declares Throwable. */
  static RuntimeException unchecked(Throwable e) {
    if (e instanceof Error error) {
      throw error;
    }
    return e instanceof RuntimeException known ? known : new IllegalStateException(e);
  }

  private static MemoryLayout layout(Class<?> type) {
    if (type == long.class) {
      return ValueLayout.JAVA_LONG;
    }
    return type == int.class ? ValueLayout.JAVA_INT : ValueLayout.JAVA_BYTE;
  }

  private static MethodHandle libc(String name, Class<?> result, Class<?>... parameters) {
    MemorySegment function = LINKER.defaultLookup().find(name).orElseThrow(
        () -> new UnsatisfiedLinkError("libc has no " + name));
    return LINKER.downcallHandle(function, descriptor(MethodType.methodType(result, parameters)));
  }

  private MethodHandle handle(String name, Class<?> result, Class<?>... parameters) {
    return LINKER.downcallHandle(
        MemorySegment.ofAddress(address(name)),
        descriptor(MethodType.methodType(result, parameters)));
  }

  private static long found(long answer) throws Throwable {
    if (answer == 0) {
      throw new UnsatisfiedLinkError(Bytes.readText((long) DLERROR.invokeExact()));
    }
    return answer;
  }
}
