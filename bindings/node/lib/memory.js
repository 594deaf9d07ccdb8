'use strict'

// Memory that C reads and writes. It lies outside of V8's heap and never moves.

const koffi = require('koffi')
const { KEYSPACE_NONE, records, structs } = require('./abi')

const POINTER = 8

/** Never at NULL, also if it is empty: to C, NULL means that there is no bound. */
const memory = (size) => Buffer.from(new ArrayBuffer(size || 1), 0, size)

/** A copy: the program may change its bytes during an asynchronous call. */
function copy(bytes) {
  const kept = memory(bytes.length)
  kept.set(bytes)
  return kept
}

/** A text that ends with NUL. */
const text = (string) => copy(Buffer.from(`${string}\0`))

/** An array of integers of 4 or 8 bytes. */
function integers(values, bytes) {
  const array = memory(values.length * bytes)
  values.forEach((value, i) =>
    bytes === 4 ? array.writeUInt32LE(value, i * 4) : array.writeBigUInt64LE(BigInt(value), i * 8))
  return array
}

/** An array of pointers. It keeps what it points to. */
function pointers(buffers) {
  const array = integers(buffers.map((buffer) => koffi.address(buffer)), POINTER)
  return Object.assign(array, { kept: buffers })
}

/** An array of structs with these fields; buffers are passed as pointers and kept. */
function filled(name, rows) {
  const size = koffi.sizeof(structs[name])
  const array = Object.assign(memory(rows.length * size), { kept: rows })
  rows.forEach((row, i) => {
    array.writeBigUInt64LE(BigInt(size), i * size)
    for (const [field, value] of Object.entries(row)) {
      const at = i * size + koffi.offsetof(structs[name], field)
      if (Buffer.isBuffer(value)) array.writeBigUInt64LE(koffi.address(value), at)
      else if (typeof value === 'bigint') array.writeBigUInt64LE(value, at)
      else array.writeUInt32LE(value, at)
    }
  })
  return array
}

const decode = (pointer, name) => koffi.decode(pointer, structs[name])

/** A copy of C's bytes. */
const bytesAt = (pointer, length) =>
  length === 0 ? Buffer.alloc(0) : Buffer.from(Buffer.from(koffi.view(pointer, length)))

const keyspace = (number) => (number === KEYSPACE_NONE ? null : number)

const READ = {
  number: (value) => value,
  bigint: (value) => BigInt(value),
  text: (value) => value ?? '',
  keyspace,
  bytes: (value, length) => bytesAt(value, Number(length)),
}

/** A record of the library as an object. */
function record(name, pointer) {
  const [struct, fields] = records[name]
  const c = decode(pointer, struct)
  return Object.fromEntries(
    fields.map(([field, cField, kind]) => [field, READ[kind](c[cField], c[`${cField}_len`])]))
}

module.exports =
  { bytesAt, copy, decode, filled, integers, keyspace, memory, pointers, record, text, POINTER }
