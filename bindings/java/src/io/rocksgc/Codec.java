package io.rocksgc;

import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Translates keys between a client of one keyspace and the store, as client-go's codec v2 does.
 * User keys are what the client knows. Request keys have the keyspace's prefix. Region keys are
 * bounds of regions.
 *
 * @param mode RAW or TXN
 */
public record Codec(Mode mode, int keyspace) {
  @FunctionalInterface
  private interface One {
    long translate(
        int mode, int keyspace, byte[] key, long length, long[] outLength, long[] error);
  }

  @FunctionalInterface
  private interface Bounds {
    byte translate(
        int mode, int keyspace, byte[] start, long startLength, byte[] end, long endLength,
        byte[] out, long[] error);
  }

  @FunctionalInterface
  private interface Many {
    long translate(
        int mode, int keyspace, long[] keys, long[] lengths, long n, long[] offsets, long[] error);
  }

  public Codec {
    RocksGc.load();
    if (mode != Mode.RAW && mode != Mode.TXN) {
      throw RocksGcException.invalid("the mode " + mode + " is neither RAW nor TXN");
    }
    Keyspaces.check(keyspace);
  }

  /** The codec of the keyspace of a request key. */
  public static Codec ofRequestKey(byte[] requestKey) {
    RocksGc.load();
    int[] mode = new int[1];
    int[] keyspace = new int[1];
    Call.checked(error -> Abi.rgc_codec_parse_keyspace(
        requestKey, requestKey.length, mode, keyspace, error));
    return new Codec(Numbered.find(Mode.class, mode[0]), keyspace[0]);
  }

  /** The request key of a user key. */
  public byte[] encodeKey(byte[] userKey) {
    return one(Abi::rgc_codec_encode_key, userKey);
  }

  /** The user key of a request key. */
  public byte[] decodeKey(byte[] requestKey) {
    return one(Abi::rgc_codec_decode_key, requestKey);
  }

  /** The region key of a user key. */
  public byte[] encodeRegionKey(byte[] userKey) {
    return one(Abi::rgc_codec_encode_region_key, userKey);
  }

  /** The user key of a region key. */
  public byte[] decodeRegionKey(byte[] regionKey) {
    return one(Abi::rgc_codec_decode_region_key, regionKey);
  }

  /** The request keys of a range of user keys. */
  public Range encodeRange(Range userKeys) {
    return bounds(Abi::rgc_codec_encode_range, userKeys);
  }

  /** The user keys of a range of request keys, cut to the keyspace. */
  public Range decodeRange(Range requestKeys) {
    return bounds(Abi::rgc_codec_decode_range, requestKeys);
  }

  /** The region keys of a range of user keys. */
  public Range encodeRegionRange(Range userKeys) {
    return bounds(Abi::rgc_codec_encode_region_range, userKeys);
  }

  /** The user keys of a region, cut to the keyspace. */
  public Range decodeRegionRange(Range region) {
    return bounds(Abi::rgc_codec_decode_region_range, region);
  }

  /** The request keys of many user keys, in one call. */
  public List<byte[]> encodeKeys(List<byte[]> userKeys) {
    return many(Abi::rgc_codec_encode_keys, userKeys, new long[] {userKeys.size()});
  }

  /** The user keys of many request keys, in one call. */
  public List<byte[]> decodeKeys(List<byte[]> requestKeys) {
    return many(Abi::rgc_codec_decode_keys, requestKeys, new long[] {requestKeys.size()});
  }

  /** The bounds of a region's buckets as user keys, cut to the keyspace. */
  public List<byte[]> decodeBucketKeys(List<byte[]> regionKeys) {
    long[] found = new long[1];
    return many(
        (modeNumber, id, keys, lengths, n, offsets, error) -> Abi.rgc_codec_decode_bucket_keys(
            modeNumber, id, keys, lengths, n, offsets, found, error),
        regionKeys,
        found);
  }

  private byte[] one(One function, byte[] key) {
    long[] length = new long[1];
    long address = Call.checked(error -> function.translate(
        mode.number(), keyspace, key, Bytes.length(key), length, error));
    return Bytes.take(address, length[0]);
  }

  private Range bounds(Bounds function, Range range) {
    return Range.filled(struct -> Call.checked(error -> function.translate(
        mode.number(), keyspace, range.start(), range.startLength(), range.end(),
        range.endLength(), struct, error)));
  }

  /** found holds the number of keys that the function answers, once it was called. */
  private List<byte[]> many(Many function, List<byte[]> keys, long[] found) {
    Bytes.Array array = Bytes.Array.of(keys);
    long[] offsets = new long[keys.size() + 1];
    try {
      long address = Call.checked(error -> function.translate(
          mode.number(), keyspace, array.addresses(), array.lengths(), keys.size(), offsets,
          error));
      int count = Math.toIntExact(found[0]);
      byte[] all = Bytes.take(address, offsets[count]);
      List<byte[]> list = new ArrayList<>(count);
      for (int i = 0; i < count; i++) {
        list.add(Arrays.copyOfRange(all, (int) offsets[i], (int) offsets[i + 1]));
      }
      return list;
    } finally {
      Reference.reachabilityFence(array);
    }
  }
}
