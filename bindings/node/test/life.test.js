'use strict'

// Opening, attaching, detaching and closing, in any order and with exceptions anywhere.

const assert = require('node:assert')
const { execFileSync } = require('node:child_process')
const path = require('node:path')
const { test } = require('node:test')
const { Gc, Mode } = require('rocks-gc')
const { Db, Options, PATH, Store, newGc, temporary } = require('./host')

/** A small generator of numbers, so that a failure can be repeated. */
function generator(seed) {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

async function collectGarbage() {
  for (let i = 0; i < 5; i++) {
    global.gc()
    await new Promise(setImmediate)
  }
}

test('rounds in random order', async (t) => {
  const seed = Math.floor(Math.random() * 2 ** 32)
  t.diagnostic(`seed ${seed}`)
  const pick = generator(seed)
  const directory = temporary(t)
  for (let i = 0; i < 200; i++) {
    const gc = newGc()
    const store = await Store.open(path.join(directory, `db${i % 8}`), gc)
    store.write(['a'], { timestamps: [10 + i, 20 + i] })
    if (pick(2)) {
      const { start, end } = gc.encodeRange(Mode.RAW, 7, Buffer.from('b'), Buffer.from('c'))
      await gc.destroyRange(start, end, { reusable: true })
    }
    const ends = [() => store.attachment.close(), () => gc.close()]
    const chosen = Array.from({ length: pick(4) + 1 }, () => ends[pick(2)]())
    if (pick(2)) await Promise.all(chosen)
    await store.attachment.close()
    store.options.close()
    if (pick(2)) await gc.close() // else it is lost
  }
})

for (const failsAfter of ['gc', 'bind', 'install', 'open', 'attach', 'write']) {
  test(`an exception after ${failsAfter}`, async (t) => {
    const directory = path.join(temporary(t), 'db')
    const done = (step) => {
      if (step === failsAfter) throw new Error(step)
    }
    const ends = []
    async function run() {
      const gc = new Gc()
      ends.unshift(() => gc.close())
      done('gc')
      gc.bind(PATH)
      done('bind')
      const options = new Options()
      ends.push(() => options.close())
      gc.install(options.pointer)
      done('install')
      const db = new Db(directory, options)
      ends.splice(1, 0, () => db.close())
      done('open')
      await gc.attach(db.pointer, { close: () => db.close() })
      done('attach')
      db.put(Buffer.from('key'))
      done('write')
    }
    await assert.rejects(run, { message: failsAfter })
    for (const end of ends) await end()
    const options = new Options()
    new Db(directory, options).close() // the lock is free
    options.close()
  })
}

test('a close that throws has detached', async (t) => {
  const gc = newGc()
  const options = new Options()
  const db = new Db(path.join(temporary(t), 'db'), options)
  const close = () => { throw new Error('disk full') }
  const attachment = await gc.attach(db.pointer, { close })
  await assert.rejects(attachment.close(), /disk full/)
  assert.ok(attachment.closed)
  db.close() // safe: the worker has ended
  options.close()
  await gc.close()
})

test('closing during calls', async (t) => {
  const directory = temporary(t)
  for (let i = 0; i < 20; i++) {
    const gc = newGc()
    const store = await Store.open(path.join(directory, `db${i}`), gc)
    store.write(['a', 'b'])
    const calls = [gc.collect(), gc.explain(), gc.workerDrain(60_000), gc.debt()]
    const ended = calls.map((call) => call.catch(() => {}))
    await Promise.all([gc.close(), store.attachment.close(), ...ended])
    assert.ok(gc.closed && store.attachment.closed && store.db.pointer === null)
    store.options.close()
  }
})

test('closing waits for calls, and detaching for closing', async () => {
  const gc = newGc()
  let leave
  const call = gc.life.run(() => new Promise((resolve) => { leave = resolve }))
  const ended = []
  const closing = gc.close().then(() => ended.push('close'))
  await new Promise((resolve) => setTimeout(resolve, 50))
  const detaching = gc.life.detach().then(() => ended.push('detach'))
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.deepStrictEqual(ended, [])
  assert.throws(() => gc.stats(), /this Gc is closed/)
  leave()
  await Promise.all([call, closing, detaching])
  assert.deepStrictEqual(ended.sort(), ['close', 'detach'])
})

test('closing during attach', async (t) => {
  const directory = temporary(t)
  for (let i = 0; i < 20; i++) {
    const gc = newGc()
    const options = new Options()
    const db = new Db(path.join(directory, `db${i}`), options)
    const attaching = gc.attach(db.pointer, { close: () => db.close() })
    const closing = gc.close()
    await (await attaching).close()
    assert.strictEqual(db.pointer, null)
    await closing
    options.close()
  }
})

test('a lost Gc continues to collect', async (t) => {
  let gc = newGc()
  const store = await Store.open(path.join(temporary(t), 'db'), gc)
  const lost = new WeakRef(gc)
  const attachment = new WeakRef(store.attachment)
  store.write()
  const key = store.key('a', 30)
  gc = store.gc = store.attachment = null
  await collectGarbage()
  assert.ok(lost.deref() && attachment.deref())
  await store.db.compact()
  assert.deepStrictEqual(store.db.items().map(([found]) => found), [key])
  await attachment.deref().close()
  store.options.close()
  for (let i = 0; i < 50 && lost.deref(); i++) await collectGarbage()
  assert.strictEqual(lost.deref(), undefined)
})

test('a lost Gc that is not attached is destroyed', async (t) => {
  const options = new Options()
  let gc = newGc()
  gc.install(options.pointer)
  const db = new Db(path.join(temporary(t), 'db'), options)
  const keys = [10, 20, 30].map((ts) => gc.encodeKey(Mode.RAW, 7, Buffer.from('a'), ts))
  keys.forEach((key) => db.put(key))
  const lost = new WeakRef(gc)
  gc = null
  for (let i = 0; i < 50 && lost.deref(); i++) await collectGarbage()
  assert.strictEqual(lost.deref(), undefined)
  await db.compact() // filters continue with the last safe points
  assert.deepStrictEqual(db.items().map(([found]) => found), [keys[2]])
  db.close()
  options.close()
})

test('the end of the process with an attached store', (t) => {
  const program = `
    const { newGc, Store } = require(${JSON.stringify(path.join(__dirname, 'host.js'))})
    Store.open(process.argv[1], newGc()).then(async (store) => {
      store.write()
      await store.db.compact()
      console.log(store.left())
      process.on('exit', () => console.log(store.db.pointer))
      process.exit(0)
    })`
  const printed = execFileSync(process.execPath,
    ['-e', program, path.join(temporary(t), 'db')], { encoding: 'utf8' })
  assert.strictEqual(printed, "[ 'a@30' ]\nnull\n")
})

test('the end of the process closes each store, also after a close that throws', (t) => {
  const program = `
    const { Db, Options, newGc } = require(${JSON.stringify(path.join(__dirname, 'host.js'))})
    const open = async (name) => {
      const db = new Db(process.argv[1] + name, new Options())
      await newGc().attach(db.pointer, { close() { db.close(); console.log(name); throw name } })
    }
    open('a').then(() => open('b')).then(() => process.exit(0))`
  const printed = execFileSync(process.execPath, ['-e', program, path.join(temporary(t), 'db')],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  assert.strictEqual(printed, 'a\nb\n')
})

test('memory is flat', async (t) => {
  const dbOptions = new Options()
  const db = new Db(path.join(temporary(t), 'db'), dbOptions)
  async function round() {
    newGc() // lost
    const gc = newGc({ history: 'snapshot' })
    gc.encodeKey(Mode.RAW, 7, Buffer.alloc(100_000), 5)
    gc.keyspaces()
    gc.metrics()
    gc.stats()
    assert.throws(() => gc.decodeKey(Buffer.alloc(5000)), { code: 'CORRUPTION' })
    const options = new Options()
    gc.install(options.pointer)
    options.close()
    for (let i = 0; i < 10; i++) gc.filterFactory().close()
    const attachment = await gc.attach(db.pointer)
    await gc.explain()
    await attachment.close()
    await gc.close()
  }
  const resident = async () => {
    await collectGarbage()
    return process.memoryUsage.rss()
  }
  async function rounds(n) {
    for (let i = 0; i < n; i++) {
      await round()
      if (i % 20 === 0) await collectGarbage() // so that no more are lost at once than before
    }
  }
  // Node.js compiles and grows by itself, also after many rounds. A leak grows in each 500 rounds, so
  // one 500 without growth is enough.
  const limit = 2 ** 20
  let grown = Infinity
  await rounds(300)
  for (let i = 0; i < 6 && grown >= limit; i++) {
    const before = await resident()
    await rounds(500)
    grown = (await resident()) - before
    t.diagnostic(`${grown} bytes more after 500 rounds`)
  }
  db.close()
  dbOptions.close()
  assert.ok(grown < limit, 'memory grew in each 500 rounds')
})
