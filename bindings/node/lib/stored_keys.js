'use strict'

// Stored keys: how a Gc builds them and takes them apart. keyspace is null for modes m and t and in
// the plain layout (Mode.NONE).

const { Mode } = require('./abi')
const check = require('./check')
const { decode, filled, integers, keyspace } = require('./memory')

const which = (mode, id) => [check.member(Mode, 'Mode', mode), check.keyspaceOrNull(id)]

/** A range that the library filled; end null means no upper bound. */
function takeRange(library, out) {
  const range = decode(out, 'rgc_range_t')
  return {
    start: library.takeBytes(range.start, range.start_len),
    end: range.end === null ? null : library.takeBytes(range.end, range.end_len),
  }
}

module.exports = (Base) => class extends Base {
  /** Builds the stored key of a version. */
  encodeKey(mode, id, userKey, timestamp) {
    const length = integers([0], 8)
    const arguments_ = [
      ...which(mode, id), ...check.bytes(userKey, 'userKey'), check.timestamp(timestamp), length,
    ]
    const key = this.life.use((gc) => this.library.rgc_encode_key(gc, ...arguments_))
    return this.library.takeBytes(key, length.readBigUInt64LE())
  }

  /** Takes a stored key apart: { mode, keyspace, timestamp, userKey }. */
  decodeKey(storedKey) {
    const key = check.bytes(storedKey, 'storedKey')
    const out = filled('rgc_key_t', [{}])
    this.life.use((gc) => this.library.rgc_decode_key(gc, ...key, out))
    const found = decode(out, 'rgc_key_t')
    return {
      mode: found.mode,
      keyspace: keyspace(found.keyspace),
      timestamp: BigInt(found.ts),
      userKey: this.library.takeBytes(found.user_key, found.user_key_len),
    }
  }

  /** The stored range of user keys in [start, end). No end, or an empty one: the keyspace's end. */
  encodeRange(mode, id, start, end) {
    const arguments_ = [
      ...which(mode, id), ...check.bound(start, 'start'), ...check.bound(end, 'end'),
    ]
    const out = filled('rgc_range_t', [{}])
    this.life.use((gc) => this.library.rgc_encode_range(gc, ...arguments_, out))
    return takeRange(this.library, out)
  }

  /** The stored range of a whole keyspace. */
  keyspaceRange(mode, id) {
    const arguments_ = which(mode, id)
    const out = filled('rgc_range_t', [{}])
    this.life.use((gc) => this.library.rgc_keyspace_range(gc, ...arguments_, out))
    return takeRange(this.library, out)
  }
}

module.exports.takeRange = takeRange
