package io.rocksgc;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** What goes into the library and comes out of it. */
final class Bytes {
  private Bytes() {}

  /** A NUL-terminated text. */
  static byte[] text(String text, String what) {
    if (text == null) {
      throw RocksGcException.invalid(what + " is null");
    }
    if (text.indexOf('\0') >= 0) {
      throw RocksGcException.invalid(
          what + " \"" + text.replace("\0", "\\0") + "\" holds a NUL: a text ends there");
    }
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    return Arrays.copyOf(utf8, utf8.length + 1);
  }

  static byte[] optionalText(String text, String what) {
    return text == null ? null : text(text, what);
  }

  static long length(byte[] bytes) {
    return bytes == null ? 0 : bytes.length;
  }

  /** Copies what the library returned, and gives it back. */
  static byte[] take(long address, long length) {
    if (address == 0) {
      return null;
    }
    try {
      return copy(address, length);
    } finally {
      Abi.rgc_free(address);
    }
  }

  static String takeText(long address) {
    try {
      return readText(address);
    } finally {
      Abi.rgc_free(address);
    }
  }

  static byte[] copy(long address, long length) {
    if (address == 0) {
      return null;
    }
    byte[] copy = new byte[Math.toIntExact(length)];
    Memory.at(address, copy.length).get(copy);
    return copy;
  }

  static String readText(long address) {
    return address == 0 ? null : Memory.text(address);
  }

  /** A struct that tells its size in its first field. */
  static byte[] struct(int size) {
    byte[] struct = new byte[size];
    read(struct).putLong(0, size);
    return struct;
  }

  /** A struct of the library, which tells its size in its first field. */
  static ByteBuffer structAt(long address) {
    long size = Memory.at(address, Long.BYTES).order(ByteOrder.nativeOrder()).getLong(0);
    return Memory.at(address, Math.toIntExact(size)).order(ByteOrder.nativeOrder());
  }

  static ByteBuffer read(byte[] struct) {
    return ByteBuffer.wrap(struct).order(ByteOrder.nativeOrder());
  }

  /** Copies bytes to memory that does not move. The caller must hold the result during the call. */
  static ByteBuffer fixed(byte[] bytes) {
    return direct(bytes.length).put(0, bytes);
  }

  /** Memory of its own, also if nothing is to be in it. */
  private static ByteBuffer direct(int size) {
    return ByteBuffer.allocateDirect(Math.max(1, size));
  }

  /** Many byte strings as the library takes them: an address and a length for each. */
  record Array(long[] addresses, long[] lengths, ByteBuffer memory) {
    static Array of(List<byte[]> strings) {
      long[] addresses = new long[strings.size()];
      long[] lengths = new long[strings.size()];
      long total = 0;
      for (int i = 0; i < addresses.length; i++) {
        if (strings.get(i) == null) {
          throw RocksGcException.invalid("element " + i + " is null");
        }
        lengths[i] = strings.get(i).length;
        total = Math.addExact(total, lengths[i]);
      }
      ByteBuffer memory = direct(Math.toIntExact(total));
      long first = Memory.address(memory);
      for (int i = 0; i < addresses.length; i++) {
        addresses[i] = first + memory.position();
        memory.put(strings.get(i));
      }
      return new Array(addresses, lengths, memory);
    }
  }
}
