'use strict'

// Translates keys between a client of one keyspace and the store, as client-go's codec v2 does.

const { Mode } = require('./abi')
const check = require('./check')
const { load } = require('./library')
const { filled, integers, memory, pointers } = require('./memory')
const { takeRange } = require('./stored_keys')

/** The mode and the keyspace of a request key. */
function parseKeyspace(requestKey, { library = load() } = {}) {
  const [mode, keyspace] = [memory(4), memory(4)]
  library.rgc_codec_parse_keyspace(...check.bytes(requestKey, 'requestKey'), mode, keyspace)
  return { mode: mode.readInt32LE(), keyspace: keyspace.readUInt32LE() }
}

/** The codec of one keyspace and mode: new Codec(Mode.RAW, 4242).encodeKey(Buffer.from('key')). */
class Codec {
  #library
  #which

  constructor(mode, keyspace, { library = load() } = {}) {
    this.#library = library
    this.#which = [check.member(Mode, 'Mode', mode), check.keyspace(keyspace)]
  }

  /** The request key of a user key. */
  encodeKey(key) {
    return this.#key(this.#library.rgc_codec_encode_key, key)
  }

  /** The user key of a request key. */
  decodeKey(requestKey) {
    return this.#key(this.#library.rgc_codec_decode_key, requestKey)
  }

  /** The region key of a user key. */
  encodeRegionKey(key) {
    return this.#key(this.#library.rgc_codec_encode_region_key, key)
  }

  /** The user key of a region key. */
  decodeRegionKey(regionKey) {
    return this.#key(this.#library.rgc_codec_decode_region_key, regionKey)
  }

  /** The range of request keys of the user keys in [start, end). */
  encodeRange(start, end) {
    return this.#range(this.#library.rgc_codec_encode_range, start, end)
  }

  /** The range of user keys whose request keys lie in [start, end). */
  decodeRange(start, end) {
    return this.#range(this.#library.rgc_codec_decode_range, start, end)
  }

  /** As encodeRange, with region keys as bounds. */
  encodeRegionRange(start, end) {
    return this.#range(this.#library.rgc_codec_encode_region_range, start, end)
  }

  /** As decodeRange, for a region given by its bounds. */
  decodeRegionRange(start, end) {
    return this.#range(this.#library.rgc_codec_decode_region_range, start, end)
  }

  /** The request keys of user keys, all or none, in one call. */
  encodeKeys(keys) {
    return this.#keys(this.#library.rgc_codec_encode_keys, keys)
  }

  /** The user keys of request keys, all or none, in one call. */
  decodeKeys(requestKeys) {
    return this.#keys(this.#library.rgc_codec_decode_keys, requestKeys)
  }

  /** Translates the bounds of a region's buckets into bounds of user keys. */
  decodeBucketKeys(regionKeys) {
    const found = integers([0], 8)
    return this.#keys(this.#library.rgc_codec_decode_bucket_keys, regionKeys, found)
  }

  #key(call, key) {
    const length = integers([0], 8)
    const pointer = call(...this.#which, ...check.bytes(key, 'key'), length)
    return this.#library.takeBytes(pointer, length.readBigUInt64LE())
  }

  #range(call, start, end) {
    const out = filled('rgc_range_t', [{}])
    call(...this.#which, ...check.bound(start, 'start'), ...check.bound(end, 'end'), out)
    return takeRange(this.#library, out)
  }

  #keys(call, keys, ...found) {
    const all = [...keys].map((key) => check.bytes(key, 'a key')[0])
    const lengths = integers(all.map((key) => key.length), 8)
    const offsets = memory((all.length + 1) * 8)
    const pointer = call(
      ...this.#which, pointers(all), lengths, all.length, offsets, ...found)
    const count = found.length ? Number(found[0].readBigUInt64LE()) : all.length
    const at = (i) => Number(offsets.readBigUInt64LE(i * 8))
    const bytes = this.#library.takeBytes(pointer, at(count))
    return Array.from({ length: count }, (_, i) => bytes.subarray(at(i), at(i + 1)))
  }
}

module.exports = { Codec, parseKeyspace }
