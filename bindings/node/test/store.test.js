'use strict'

// What needs an attached store.

const assert = require('node:assert')
const path = require('node:path')
const { test } = require('node:test')
const { DestroyState, Mode, Role, SchemaState, Why } = require('rocks-gc')
const { Db, Options, Store, functions, newGc, temporary, withStore } = require('./host')

test('compactions collect', withStore(async (store, gc) => {
  store.write(['a\0b\0', ''])
  store.write(['c'], { keyspace: 8 })
  store.db.put(store.key('n', 30), Buffer.from('with\0NUL\0\0'))
  await store.db.compact()
  assert.deepStrictEqual(store.left(), ['@30', 'a\0b\0@30', 'n@30', 'c@30', 'c@20', 'c@10'])
  const key = store.key('n', 30)
  const [, value] = store.db.items().find(([found]) => found.equals(key))
  assert.deepStrictEqual(value, Buffer.from('with\0NUL\0\0'))
  assert.strictEqual(gc.stats().removed, 4n)
}))

test('collect and explain', withStore(async (store, gc) => {
  store.write(['a'], { flush: false })
  store.db.flush()
  const { text, answers } = await gc.explain()
  assert.ok(text.includes('Keyspace 7'), text)
  assert.deepStrictEqual(
    [answers[0].keyspace, answers[0].mode, answers[0].columnFamily], [7, Mode.RAW, 'default'])
  assert.strictEqual((await gc.explainKeyspace(9)).answers[0].why, Why.NOT_REGISTERED)
  assert.deepStrictEqual((await gc.explain(gc.keyspaceRange(Mode.RAW, 9))).answers, [])
  const dry = await gc.collectDryRun()
  assert.deepStrictEqual(
    [dry.filesConsidered, dry.filesRead, dry.versionsRemoved], [1n, 1n, 0n])
  const range = { family: 'default', start: Buffer.from('r'), end: Buffer.from('s') }
  const report = await gc.collect({ ...range, maxBytes: 2n ** 40n })
  assert.strictEqual(report.versionsRemoved, 2n)
  assert.deepStrictEqual(store.left(), ['a@30'])
  await assert.rejects(gc.collect({ family: 'no_such' }), { code: 'NOT_FOUND' })
  await gc.setEnabled(false)
  await assert.rejects(gc.collect(), /set_enabled/)
}))

test('an empty bound is not a missing one', withStore(async (store, gc) => {
  store.write()
  const [a, empty] = [Buffer.from('a'), Buffer.alloc(0)]
  const inverted = { message: /is empty or inverted/ }
  for (const call of [() => gc.collect({ start: a, end: empty }),
    () => gc.collectDryRun({ start: empty, end: empty }),
    () => gc.explain({ start: a, end: empty }),
    async () => gc.consistencySafePoint(a, empty)]) await assert.rejects(call, inverted)
  assert.strictEqual(gc.stats().removed, 0n)
}))

test('destroy', withStore(async (store, gc) => {
  store.write(['a', 'b', 'c'])
  const [a, b, c] = ['a', 'b', 'c'].map((row) => {
    const { start, end } = gc.encodeRange(Mode.RAW, 7, Buffer.from(row), Buffer.from(`${row}\0`))
    return [start, end]
  })
  assert.strictEqual((await gc.destroyRanges([a, b])).keysDeleted, 6n)
  assert.deepStrictEqual(store.left(), ['c@30', 'c@20', 'c@10'])
  assert.strictEqual(await gc.workerDrain(10_000), 0)
  assert.strictEqual(gc.workerPending(), 0)
  assert.strictEqual((await gc.debt()).debts, 0n)
  assert.deepStrictEqual(gc.destroyed().map((d) => [d.start, d.end, d.state]),
    [[...a, DestroyState.DONE], [...b, DestroyState.DONE]])
  await gc.releaseDestroyed(...a)
  await gc.recheckDestroyedRange(...b)
  assert.strictEqual(gc.destroyedCount(), 0)
  await gc.destroyRangeAfter(...c, 1000)
  assert.strictEqual(gc.destroyed()[0].pendingTs, 1000n)
  await gc.takeBackDestroyRange(...c)
  await assert.rejects(gc.takeBackDestroyRange(...c), { code: 'NOT_FOUND' })
  await gc.destroyRange(...c, { reusable: true })
  assert.deepStrictEqual([store.left(), gc.destroyedCount()], [[], 0])
  await assert.rejects(gc.destroyRanges([a, [Buffer.from('b'), Buffer.from('a')]]), (error) =>
    error.code === 'INVALID_ARGUMENT' && error.failed === 1 && error.report.keysDeleted === 0n)
}))

test('destroy keyspaces', withStore(async (store, gc) => {
  gc.loadKeyspace({ id: 9, name: 'nine' })
  store.write(['a'], { keyspace: 9 })
  await assert.rejects(gc.destroyKeyspaces([8, 9]), { failed: 1 })
  await gc.destroyKeyspaceAfter(9, 1000n, { force: true })
  await gc.takeBackDestroyKeyspace(9)
  await gc.destroyKeyspace(9, { force: true })
  await gc.destroyKeyspaces([10, 11])
  assert.deepStrictEqual([store.left(), gc.destroyedCount()], [[], 6])
  assert.strictEqual(await gc.workerDrain(10_000), 0)
  assert.strictEqual((await gc.recheckDestroyed(2n ** 40n)).removed, 6)
  assert.deepStrictEqual(gc.destroyed(), [])
}))

test('schemas', withStore(async (store, gc) => {
  store.write(['\0\0\0\x01row', '\0\0\0\x02row'])
  gc.loadSchemas(7, [1], 1)
  gc.createSchema(7, 2)
  await gc.truncateSchema(7, 1, 20)
  await gc.dropSchema(7, 2)
  assert.strictEqual(await gc.workerDrain(10_000), 0)
  assert.deepStrictEqual(gc.schemas().map((s) => [s.keyspace, s.id, s.state]),
    [[7, 1, SchemaState.VALID], [7, 2, SchemaState.DROPPED]])
  assert.deepStrictEqual(store.left(), ['\0\0\0\x01row@30'])
}, { schema_id: 'prefix' }))

test('families', withStore(async (store, gc) => {
  const attachedAlready = { code: 'INVALID_ARGUMENT' }
  await assert.rejects(gc.attach(store.db.pointer), attachedAlready)
  const other = newGc()
  const role = Role.DEFAULT
  for (const families of [[], [{ role: 9, name: 'default' }], [{ role, name: 'd\0' }],
    [{ role, name: 'default', handle: 0n }], [{ role, name: 'other' }]]) {
    await assert.rejects(other.attach(store.db.pointer, { families }))
  }
  await other.close()
}))

test('listeners and WAL filters', async (t) => {
  const gc = newGc()
  const options = new Options()
  const directory = path.join(temporary(t), 'db')
  try {
    gc.eventListener().close()
    const filter = gc.installWalFilter(options.pointer, ['default'])
    new Db(directory, options).close()
    filter.close()
    assert.throws(() => filter.pointer, /is closed/)
  } catch (error) { // a listener needs RocksDB 10.4, a WAL filter 11.8
    assert.strictEqual(error.code, 'NOT_SUPPORTED')
    assert.ok(!process.env.ROCKS_GC_TEST_ROCKSDB, error.message)
  }
  options.close()
  await gc.close()
})

for (const subcompactions of [1, 4]) {
  test(`safe points move while ${subcompactions} subcompactions run`, async (t) => {
    const gc = newGc()
    const store = await Store.open(path.join(temporary(t), 'db'), gc,
      { max_subcompactions: subcompactions, target_file_size_base: 16384n })
    const rows = Array.from({ length: 2000 }, (_, i) => `row${String(i).padStart(5, '0')}`)
    store.write(rows, { timestamps: [10, 20, 1000] })
    let ts = 26n
    for (let i = 0; i < 5; i++) {
      let running = true
      const compaction = store.db.compact().finally(() => { running = false })
      while (running) {
        assert.ok(gc.advanceKeyspaceSafePoint(7, ts++))
        gc.stats()
        await new Promise(setImmediate)
      }
      await compaction
      store.write(rows.filter((_, at) => at % 20 === 0), { timestamps: [2000 + i] })
    }
    await store.db.compact()
    const left = store.left()
    assert.strictEqual(new Set(left.map((row) => row.split('@')[0])).size, rows.length)
    assert.deepStrictEqual(left.filter((row) => /@[12]0$/.test(row)), [])
    assert.ok(gc.stats().runsStarted >= (subcompactions > 1 ? 10n : 6n))
    await store.close()
    await gc.close()
  })
}

test('long calls do not block the event loop', withStore(async (store, gc) => {
  store.write(Array.from({ length: 3000 }, (_, i) => `row${i}`))
  let ticks = 0
  let done = false
  const collected = gc.collect().finally(() => { done = true })
  while (!done) {
    ticks++
    await new Promise(setImmediate)
  }
  await collected
  assert.ok(ticks > 10, `${ticks}`)
}))

test('many calls at once', withStore(async (store, gc) => {
  store.write(['a', 'b'])
  const calls = Array.from({ length: 100 }, (_, i) =>
    [() => gc.explain(), () => gc.debt(), () => gc.collect(), () => gc.workerDrain(50)][i % 4]())
  calls.push(Promise.resolve(functions).then(() => gc.keyspaces()))
  for (const answer of await Promise.all(calls)) assert.notStrictEqual(answer, undefined)
}))
