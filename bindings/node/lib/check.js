'use strict'

// Checks what a program passes, before C sees it: koffi cuts integers.

const { KEYSPACE_ALL, KEYSPACE_MAX, KEYSPACE_NONE } = require('./abi')
const { copy, text } = require('./memory')

const UINT32_MAX = 2 ** 32 - 1
const UINT64_MAX = 2n ** 64n - 1n

/** A whole number from 0 to highest, as a BigInt. */
function bigint(value, name, highest = UINT64_MAX) {
  if (typeof value !== 'bigint' && typeof value !== 'number') {
    throw new TypeError(`${name} must be a BigInt or a number, not ${typeof value}`)
  }
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new RangeError(`${name} must be a BigInt or a safe integer, not ${value}`)
  }
  if (value < 0 || value > highest) {
    throw new RangeError(`${name} must be 0 to ${highest}, not ${value}`)
  }
  return BigInt(value)
}

const number = (value, name, highest) => Number(bigint(value, name, highest))
const keyspace = (value) => number(value, 'keyspace', KEYSPACE_MAX)
const keyspaceOrNull = (value) => (value === null ? KEYSPACE_NONE : keyspace(value))
const keyspacesOfBarrier = (value) => (value === KEYSPACE_ALL ? value : keyspaceOrNull(value))
const timestamp = (value) => bigint(value, 'a timestamp')
const schema = (value) => number(value, "a schema's id", UINT32_MAX)

/** A pointer of the program's RocksDB. */
function pointer(value, name) {
  if (value === null || value === undefined || value === 0n || value === 0) {
    throw new TypeError(`${name} is a NULL pointer: was it closed, or never opened?`)
  }
  return bigint(value, name)
}

/** The number of a member of an enumeration. */
function member(enumeration, name, value) {
  if (typeof value !== 'number' || !Object.values(enumeration).includes(value)) {
    throw new RangeError(`${String(value)} is not a ${name}`)
  }
  return value
}

/** A copy of bytes. A string is never encoded silently: the program must say how. */
function data(value, name) {
  if (!(value instanceof Uint8Array)) {
    throw new TypeError(`${name} must be a Buffer or a Uint8Array, not ${typeof value}`)
  }
  return copy(value)
}

/** Bytes and their length, as two arguments. */
function bytes(value, name) {
  const kept = data(value, name)
  return [kept, kept.length]
}

/** A bound of a range and its length; null or undefined means no bound. */
const bound = (value, name) =>
  (value === null || value === undefined ? [null, 0] : bytes(value, name))

/** A text that ends at its first NUL in C. */
function name(value, what) {
  if (typeof value !== 'string') {
    throw new TypeError(`${what} must be a string, not ${typeof value}`)
  }
  if (value.includes('\0')) throw new RangeError(`${what} must not contain NUL`)
  return text(value)
}

function callback(value, what) {
  if (typeof value !== 'function') throw new TypeError(`${what} must be a function`)
  return value
}

module.exports = {
  UINT64_MAX, bigint, bound, bytes, callback, data, keyspace, keyspaceOrNull, keyspacesOfBarrier,
  member, name, number, pointer, schema, timestamp,
}
