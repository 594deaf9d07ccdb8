'use strict'

// A small RocksDB for tests, by koffi, and a store with keyspace 7, whose safe point is 25.

const { promisify } = require('node:util')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const koffi = require('koffi')
const { Gc, GcType, Kind, Mode } = require('rocks-gc')

const PREFIX = process.env.ROCKS_GC_TEST_ROCKSDB
const PATH = PREFIX ? `${PREFIX}/lib/librocksdb.so` : 'librocksdb.so'
const library = koffi.load(PATH)
const P = 'void *'
const N = 'size_t'
const functions = {
  options_create: [P], options_destroy: ['void', P],
  options_set_create_if_missing: ['void', P, 'uchar'],
  options_set_disable_auto_compactions: ['void', P, 'int'],
  options_set_max_subcompactions: ['void', P, 'uint32_t'],
  options_set_target_file_size_base: ['void', P, 'uint64_t'],
  writeoptions_create: [P], readoptions_create: [P], flushoptions_create: [P],
  writeoptions_destroy: ['void', P], readoptions_destroy: ['void', P],
  flushoptions_destroy: ['void', P],
  close: ['void', P], free: ['void', P], compact_range: ['void', P, P, N, P, N],
  open: [P, P, 'string', P], put: ['void', P, P, P, N, P, N, P], flush: ['void', P, P, P],
  create_iterator: [P, P, P], iter_seek_to_first: ['void', P], iter_valid: ['uchar', P],
  iter_next: ['void', P], iter_key: [P, P, P], iter_value: [P, P, P], iter_destroy: ['void', P],
}
const c = Object.fromEntries(Object.entries(functions).map(([name, [result, ...parameters]]) =>
  [name, library.func(`rocksdb_${name}`, result, parameters)]))

function call(name, ...given) {
  const error = Buffer.alloc(8)
  const answer = c[name](...given, error)
  const pointer = error.readBigUInt64LE()
  if (pointer !== 0n) {
    const text = koffi.decode.string(pointer)
    c.free(pointer)
    throw new Error(text)
  }
  return answer
}

class Options {
  constructor(values = {}) {
    this.pointer = c.options_create()
    const all = { create_if_missing: 1, disable_auto_compactions: 1, ...values }
    for (const [name, value] of Object.entries(all)) c[`options_set_${name}`](this.pointer, value)
  }

  close() {
    if (this.pointer) c.options_destroy(this.pointer)
    this.pointer = null
  }
}

class Db {
  constructor(directory, options) {
    this.pointer = call('open', options.pointer, directory)
    this.write = c.writeoptions_create()
    this.read = c.readoptions_create()
    this.flushing = c.flushoptions_create()
  }

  put(key, value = Buffer.from('value\0')) {
    call('put', this.pointer, this.write, key, key.length, value, value.length)
  }

  flush() {
    call('flush', this.pointer, this.flushing)
  }

  compact() {
    return promisify(c.compact_range.async)(this.pointer, null, 0, null, 0)
  }

  items() {
    const iterator = c.create_iterator(this.pointer, this.read)
    const found = []
    const bytes = (call_) => {
      const length = Buffer.alloc(8)
      const pointer = call_(iterator, length)
      const size = Number(length.readBigUInt64LE())
      return Buffer.from(Buffer.from(koffi.view(pointer, size)))
    }
    c.iter_seek_to_first(iterator)
    for (; c.iter_valid(iterator); c.iter_next(iterator)) {
      found.push([bytes(c.iter_key), bytes(c.iter_value)])
    }
    c.iter_destroy(iterator)
    return found
  }

  close() {
    if (!this.pointer) return
    c.writeoptions_destroy(this.write)
    c.readoptions_destroy(this.read)
    c.flushoptions_destroy(this.flushing)
    c.close(this.pointer)
    this.pointer = null
  }
}

function newGc(options = {}) {
  const gc = new Gc(options)
  gc.bind(PATH)
  gc.setKeyspaceGcType(7, GcType.KEYSPACE_LEVEL)
  gc.advanceKeyspaceSafePoint(7, 25n)
  return gc
}

class Store {
  static async open(directory, gc, options) {
    const store = new Store()
    store.gc = gc
    store.options = new Options(options)
    gc.install(store.options.pointer, Kind.RAW)
    store.db = new Db(directory, store.options)
    store.attachment = await gc.attach(store.db.pointer, { close: () => store.db.close() })
    return store
  }

  key(row, ts, keyspace = 7) {
    return this.gc.encodeKey(Mode.RAW, keyspace, Buffer.from(row), ts)
  }

  write(rows = ['a'], { keyspace = 7, timestamps = [10, 20, 30], flush = true } = {}) {
    for (const ts of timestamps) {
      for (const row of rows) this.db.put(this.key(row, ts, keyspace))
      if (flush) this.db.flush()
    }
  }

  /** The rows and timestamps that are left, without the ledger. */
  left() {
    return this.db.items().filter(([key]) => key[0] === Mode.RAW).map(([stored]) => {
      const { userKey, timestamp } = this.gc.decodeKey(stored)
      return `${userKey}@${timestamp}`
    })
  }

  async close() {
    await this.attachment.close()
    this.options.close()
  }
}

/** Runs a test on a fresh store, and closes everything. */
const withStore = (test, options) => async (t) => {
  const directory = temporary(t)
  const gc = newGc(options)
  const store = await Store.open(path.join(directory, 'db'), gc)
  try {
    await test(store, gc)
  } finally {
    await store.close()
    await gc.close()
  }
}

function temporary(t) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'rocks-gc-'))
  t.after(() => fs.rmSync(directory, { recursive: true }))
  return directory
}

module.exports = { Db, Options, PATH, Store, newGc, temporary, withStore, functions: c }
