'use strict'

// What a program passes, and what it gets.

const assert = require('node:assert')
const { test } = require('node:test')
const {
  Codec, GcType, Gc, KEYSPACE_ALL, Kind, Mode, RocksGcError, SchemaState, parseKeyspace,
} = require('rocks-gc')
const { newGc } = require('./host')

const withGc = (run, options) => async () => {
  const gc = newGc(options)
  try {
    await run(gc)
  } finally {
    await gc.close()
  }
}
const rejects = (calls, expected) => Promise.all(
  calls.map((call) => assert.rejects(async () => call(), expected)))
const EMPTY = Buffer.alloc(0)

test('a keyspace out of range', withGc(async (gc) => {
  for (const number of [-1, 2 ** 24, 2 ** 32 + 7, -1n, 2n ** 64n]) {
    await rejects([
      () => gc.advanceKeyspaceSafePoint(number, 5n),
      () => gc.advanceKeyspaceSafePoints([[1, 5n], [number, 5n]]),
      () => gc.setKeyspaceGcType(number, GcType.GLOBAL),
      () => gc.setKeyspaceGcTypes([number], GcType.GLOBAL), () => gc.pauseKeyspace(number),
      () => gc.keyspaceSafePoint(number), () => gc.encodeKey(Mode.RAW, number, EMPTY, 1),
      () => gc.destroyKeyspace(number), () => gc.loadKeyspace({ id: number, name: 'name' }),
      () => new Codec(Mode.RAW, number), () => gc.explainKeyspace(number),
    ], { name: 'RangeError', message: `keyspace must be 0 to 16777215, not ${number}` })
  }
  assert.strictEqual(gc.keyspaces().length, 1)
}))

test('a timestamp out of range', withGc(async (gc) => {
  for (const number of [-1, -1n, 2n ** 64n, 2n ** 64n + 5n, 2 ** 53, 1.5, NaN, Infinity]) {
    await rejects([
      () => gc.advanceGlobalSafePoint(number), () => gc.advanceKeyspaceSafePoint(7, number),
      () => gc.advanceKeyspaceSafePoints([[7, number]]),
      () => gc.encodeKey(Mode.RAW, 7, EMPTY, number), () => gc.truncateSchema(7, 1, number),
      () => gc.destroyKeyspaceAfter(7, number),
    ], { name: 'RangeError', message: /timestamp must be/ })
  }
  assert.strictEqual(gc.globalSafePoint(), 0n)
}))

test('a number of another type', withGc(async (gc) => {
  for (const value of ['7', null, undefined, true, {}]) {
    await rejects([
      () => gc.advanceGlobalSafePoint(value), () => gc.setKeyspaceGcType(value, GcType.GLOBAL),
    ], { name: 'TypeError', message: /must be a BigInt or a number/ })
  }
}))

test('64 bits arrive whole', withGc(async (gc) => {
  const high = 2n ** 63n + 2n ** 53n + 1n
  assert.ok(gc.advanceGlobalSafePoint(high))
  assert.strictEqual(gc.globalSafePoint(), high)
  const stored = gc.encodeKey(Mode.RAW, 7, Buffer.from('a\0b\0'), 2n ** 64n - 1n)
  assert.deepStrictEqual(gc.decodeKey(stored), {
    mode: Mode.RAW, keyspace: 7, timestamp: 2n ** 64n - 1n, userKey: Buffer.from('a\0b\0'),
  })
  assert.strictEqual(gc.decodeKey(gc.encodeKey(Mode.RAW, 7, EMPTY, 5)).timestamp, 5n)
  assert.strictEqual(typeof gc.stats().kept, 'bigint')
}))

test('bytes are wanted', withGc(async (gc) => {
  for (const value of ['text', 5, {}, [1]]) {
    await rejects([
      () => gc.encodeKey(Mode.RAW, 7, value, 1), () => gc.decodeKey(value),
      () => gc.safePointForKey(value), () => gc.destroyRange(value, EMPTY),
      () => gc.destroyRanges([[EMPTY, value]]), () => gc.loadKeyspaceProtobuf(value),
      () => gc.collect({ start: value }), () => new Codec(Mode.RAW, 1).encodeKeys([EMPTY, value]),
    ], { name: 'TypeError', message: /must be a Buffer or a Uint8Array/ })
  }
  const part = new Uint8Array([1, 2, 114, 0, 0, 7, 3]).subarray(2, 6)
  assert.deepStrictEqual(parseKeyspace(part), { mode: Mode.RAW, keyspace: 7 })
}))

test('texts, enumerations and pointers', withGc(async (gc) => {
  await rejects([
    () => new Gc('history=latest\0'), () => gc.loadKeyspace({ id: 1, name: 'a\0b' }),
  ], { name: 'RangeError', message: /must not contain NUL/ })
  await rejects([() => gc.loadKeyspace({ id: 1, name: EMPTY })], /must be a string/)
  await rejects([
    () => gc.setKeyspaceGcType(1, 99), () => gc.filterFactory(5), () => gc.filterFactory('17'),
    () => gc.encodeKey('r', 7, EMPTY, 1),
  ], { name: 'RangeError', message: /is not a/ })
  for (const nothing of [null, undefined, 0n]) {
    await rejects([() => gc.attach(nothing), () => gc.install(nothing)], /is a NULL pointer/)
  }
  await rejects([() => gc.attach(-5n), () => gc.attach({})], /db must be/)
  await rejects([() => gc.attach(1n, { close: 5 })], /close must be a function/)
}))

test('options', async () => {
  await new Gc({ history: 'snapshot', ratio_threshold: 1.5, ttl_grace_seconds: 60n }).close()
  await new Gc('history=snapshot; recheck=manual').close()
  assert.throws(() => new Gc({ no_such: 1 }), (error) =>
    error instanceof RocksGcError && error.code === 'INVALID_ARGUMENT' &&
    error.message.includes('no_such'))
  assert.throws(() => new Gc(null), /options must be/)
  assert.throws(() => new Gc({ key_layout: 'plain' }), RocksGcError) // rgc_create refuses it
})

test('after close', withGc(async (gc) => {
  await Promise.all([gc.close(), gc.close()])
  await gc.close()
  assert.ok(gc.closed)
  await rejects([
    () => gc.stats(), () => gc.keyspaces(), () => gc.metrics(), () => gc.debt(),
    () => gc.setEnabled(false), () => gc.attach(1n), () => gc.workerDrain(1),
  ], /this Gc is closed/)
}))

test('codec', () => {
  const codec = new Codec(Mode.RAW, 4242)
  assert.strictEqual(codec.encodeKey(Buffer.from('key')).toString('hex'), '720010926b6579')
  const keys = ['a\0', '', 'long enough for two groups'].map((key) => Buffer.from(key))
  assert.deepStrictEqual(codec.decodeKeys(codec.encodeKeys(keys)), keys)
  assert.deepStrictEqual(codec.encodeKeys([]), [])
  for (const key of keys) {
    assert.deepStrictEqual(codec.decodeKey(codec.encodeKey(key)), key)
    assert.deepStrictEqual(codec.decodeRegionKey(codec.encodeRegionKey(key)), key)
  }
  const [a, b] = [Buffer.from('a'), Buffer.from('b')]
  const request = codec.encodeRange(a, b)
  assert.deepStrictEqual(codec.decodeRange(request.start, request.end), { start: a, end: b })
  const region = codec.encodeRegionRange(a)
  assert.deepStrictEqual(
    codec.decodeRegionRange(region.start, region.end), { start: a, end: null })
  const bounds = [EMPTY, codec.encodeRegionKey(a), EMPTY]
  assert.deepStrictEqual(codec.decodeBucketKeys(bounds), [EMPTY, a, EMPTY])
  assert.throws(() => codec.decodeKey(new Codec(Mode.RAW, 1).encodeKey(a)), /lies outside keyspace/)
})

test('keyspaces and safe points', withGc(async (gc) => {
  gc.loadKeyspace({ id: 9, name: 'nine', gcManagementType: 'keyspace_level' })
  gc.loadKeyspaceProtobuf(Buffer.from('080a120374656e', 'hex'))
  assert.strictEqual(gc.advanceKeyspaceSafePoints([[9, 5n], [9, 4]]), 1)
  assert.deepStrictEqual(gc.keyspaces().map((k) => [k.id, k.name, k.gcType, k.ownSafePoint]), [
    [7, '', GcType.KEYSPACE_LEVEL, 25n], [9, 'nine', GcType.KEYSPACE_LEVEL, 5n],
    [10, 'ten', GcType.GLOBAL, 0n],
  ])
  await gc.pauseKeyspace(9)
  assert.strictEqual(gc.keyspaces()[1].gcType, -2)
  assert.ok(gc.advanceGlobalSafePoint(50))
  assert.ok(!gc.advanceGlobalSafePoint(40))
  assert.throws(() => gc.consistencySafePoint(), { code: 'NOT_SUPPORTED' })
  const { start, end } = gc.keyspaceRange(Mode.RAW, 10)
  assert.strictEqual(gc.consistencySafePoint(start, end), 50n)
  assert.strictEqual(gc.safePointForKey(gc.encodeKey(Mode.RAW, 7, EMPTY, 1)), 25n)
  gc.setKeyspaceGcTypes([11, 12], GcType.GLOBAL)
  assert.match(gc.metrics(), /rocks_gc_removed_total 0/)
  assert.deepStrictEqual(gc.encodeRange(Mode.RAW, 10), { start, end })
}))

test('barriers', withGc(async (gc) => {
  gc.setBarrier(7, 'reader', 30)
  gc.setBarrier(null, 'reader', 40n, 3600)
  gc.setBarrier(KEYSPACE_ALL, 'backup', 50)
  assert.ok(gc.advanceKeyspaceSafePoint(7, 60))
  assert.strictEqual(gc.keyspaceSafePoint(7), 30n)
  assert.ok(gc.advanceGlobalSafePoint(60))
  assert.strictEqual(gc.globalSafePoint(), 40n)
  assert.deepStrictEqual(gc.barriers().map((b) => [b.keyspace, b.name, b.ts]), [
    [7, 'reader', 30n], [null, 'reader', 40n], [KEYSPACE_ALL, 'backup', 50n],
  ])
  assert.strictEqual(gc.barriers()[0].expiresUnixSeconds, 2n ** 64n - 1n)
  assert.ok(gc.deleteBarrier(7, 'reader'))
  assert.ok(!gc.deleteBarrier(7, 'reader'))
  assert.strictEqual(gc.keyspaceSafePoint(7), 50n)
  assert.throws(() => gc.setBarrier(7, 'reader', 49), /is behind/)
  assert.throws(() => gc.setBarrier(16777216, 'reader', 90), RangeError)
}))

test('names, locks and the ledger', withGc(async (gc) => {
  gc.loadKeyspace({ id: 9, name: 'nine' })
  assert.deepStrictEqual([gc.keyspaceByName('nine'), gc.keyspaceByName('ten')], [9, null])
  await assert.rejects(gc.oldestLock(7, 5), /no store/)
  await assert.rejects(gc.reloadLedger(), /no store/)
}))

test('schemas', withGc(async (gc) => {
  gc.loadSchemas(7, [1], 2)
  gc.createSchema(7, 3)
  assert.deepStrictEqual([1, 2, 3, 9].map((id) => gc.schemaState(7, id)), [
    SchemaState.VALID, SchemaState.DROPPED, SchemaState.VALID, SchemaState.UNKNOWN])
  for (const id of [-1, 2 ** 32]) {
    assert.throws(() => gc.createSchema(7, id), /schema's id must be 0 to/)
  }
}, { schema_id: 'prefix' }))

test('a factory is taken once or destroyed', withGc(async (gc) => {
  for (let i = 0; i < 1000; i++) gc.filterFactory(Kind.RAW).close()
  const factory = gc.filterFactory(Kind.RAW)
  factory.close()
  factory.close()
  assert.throws(() => factory.take(), /taken or closed already/)
}))
