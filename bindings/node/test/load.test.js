'use strict'

// Which libraries load() and bind() take.

const assert = require('node:assert')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const koffi = require('koffi')
const { ErrorKind, Gc, RocksGcError, load } = require('rocks-gc')
const { PATH, newGc, temporary } = require('./host')

function compiled(t, source) {
  const directory = temporary(t)
  const [from, to] = [path.join(directory, 'stub.c'), path.join(directory, 'stub.so')]
  fs.writeFileSync(from, source)
  execFileSync('gcc', ['-shared', '-fPIC', '-o', to, from])
  return to
}

test('the packaged library', () => {
  const library = load()
  assert.strictEqual(library, load(library.path))
  assert.strictEqual(library.version, require('rocks-gc/package.json').version)
  assert.match(library.describeOptions(), /key_layout/)
})

test('a library that is not there', () => {
  assert.throws(() => load('/no/such/librocks_gc.so'), (error) =>
    error instanceof RocksGcError && error.kind === ErrorKind.NOT_FOUND &&
    /no library \/no\/such\/librocks_gc.so/.test(error.message))
})

test('a file that is no library', (t) => {
  const file = path.join(temporary(t), 'text.so')
  fs.writeFileSync(file, 'text')
  assert.throws(() => load(file), { code: 'NOT_SUPPORTED', message: /text.so cannot be loaded/ })
})

test('another library', (t) => {
  assert.throws(() => load(compiled(t, 'int other;')), /is not rocks-gc: it has no rgc_abi_version/)
})

test('another ABI', (t) => {
  const source = `unsigned rgc_abi_version(void) { return 99; }
    void rgc_version(void) { *(int*)0 = 1; }`
  assert.throws(() => load(compiled(t, source)), /has ABI 99, and this package needs ABI 1/)
})

test('a library that lacks a function', (t) => {
  const library = compiled(t, 'unsigned rgc_abi_version(void) { return 1; }')
  assert.throws(() => load(library), /has no rgc_/)
})

test('dlclose does not unload it', async () => {
  const runtime = koffi.load(null)
  const handle = runtime.func('dlopen', 'void *', ['string', 'int'])(load().path, 2)
  const dlclose = runtime.func('dlclose', 'int', ['void *'])
  const gc = newGc()
  for (let i = 0; i < 3; i++) dlclose(handle)
  assert.strictEqual(gc.keyspaceSafePoint(7), 25n)
  await gc.close()
})

test('the process is not searched', async () => {
  const gc = new Gc()
  for (const nothing of [undefined, null]) {
    assert.throws(() => gc.bind(nothing), /bind\(\) needs the path/)
  }
  assert.throws(() => gc.bind('/no/such/librocksdb.so'), { code: 'NOT_FOUND' })
  assert.throws(() => gc.filterFactory(), /call bind\(\) first/)
  gc.bind(PATH)
  gc.bind(PATH)
  await gc.close()
})

test('two RocksDBs in the process', async (t) => {
  // The second one is a stand-in: two copies of Debian's end the process by themselves.
  const maps = fs.readFileSync('/proc/self/maps', 'utf8')
  const real = maps.split('\n').find((line) => line.includes('librocksdb')).split(/\s+/).pop()
  const symbols = execFileSync('nm', ['-D', real], { encoding: 'utf8', maxBuffer: 2 ** 28 })
  const names = [...new Set(symbols.match(/\brocksdb_\w+/g))]
  const stub = compiled(t, names.map((name) => `void ${name}(void) {}`).join('\n'))
  koffi.load(stub)
  const gc = newGc()
  assert.throws(() => gc.bind(stub), /another RocksDB/)
  gc.bind(real)
  const handle = koffi.load(null).func('dlopen', 'void *', ['string', 'int'])(real, 2)
  gc.bind(handle)
  await gc.close()
})
