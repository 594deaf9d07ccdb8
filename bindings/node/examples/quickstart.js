'use strict'

// Two tenants with two safe points, on RocksDB by koffi. Usage: quickstart.js DIRECTORY

const { promisify } = require('node:util')
const koffi = require('koffi')
const { Gc, GcType, Kind, Mode } = require('rocks-gc')

const PATH = 'librocksdb.so'
const library = koffi.load(PATH)
const rocksdb = (name, result, ...parameters) =>
  library.func(`rocksdb_${name}`, result, parameters)
/** RocksDB's last parameter, errptr, must hold NULL before the call. */
const failing = (name, result, ...parameters) => {
  const call = rocksdb(name, result, ...parameters, koffi.inout('char **'))
  return (...given) => {
    const error = [null]
    const answer = call(...given, error)
    if (error[0]) throw new Error(error[0])
    return answer
  }
}

const optionsCreate = rocksdb('options_create', 'void *')
const optionsDestroy = rocksdb('options_destroy', 'void', 'void *')
const createIfMissing = rocksdb('options_set_create_if_missing', 'void', 'void *', 'uchar')
const writeOptionsCreate = rocksdb('writeoptions_create', 'void *')
const readOptionsCreate = rocksdb('readoptions_create', 'void *')
const open = failing('open', 'void *', 'void *', 'string')
const put = failing('put', 'void', 'void *', 'void *', 'void *', 'size_t', 'void *', 'size_t')
const get = failing('get', 'void *', 'void *', 'void *', 'void *', 'size_t', 'void *')
const free = rocksdb('free', 'void', 'void *')
const compactRange = promisify(
  rocksdb('compact_range', 'void', 'void *', 'void *', 'size_t', 'void *', 'size_t').async)
const closeDb = promisify(rocksdb('close', 'void', 'void *').async)

async function main() {
  const gc = new Gc()
  gc.bind(PATH)
  gc.setKeyspaceGcTypes([7, 8], GcType.KEYSPACE_LEVEL)
  gc.advanceKeyspaceSafePoints([[7, 100n], [8, 15n]]) // no reader reads below these

  const options = optionsCreate()
  createIfMissing(options, 1)
  gc.install(options, Kind.RAW)
  const db = open(options, process.argv[2])
  const store = await gc.attach(db, { close: () => closeDb(db) }) // detaches, then closes
  try {
    const writeOptions = writeOptionsCreate()
    const readOptions = readOptionsCreate()
    const value = Buffer.from('value\0') // the user's bytes and a byte of flags
    const key = (keyspace, ts) => gc.encodeKey(Mode.RAW, keyspace, Buffer.from('row'), ts)
    for (const keyspace of [7, 8]) {
      for (const ts of [10n, 20n, 30n]) {
        const bytes = key(keyspace, ts)
        put(db, writeOptions, bytes, bytes.length, value, value.length)
      }
    }
    await compactRange(db, null, 0, null, 0)
    for (const keyspace of [7, 8]) {
      const left = [10n, 20n, 30n].filter((ts) => {
        const bytes = key(keyspace, ts)
        const found = get(db, readOptions, bytes, bytes.length, Buffer.alloc(8))
        free(found)
        return found !== null
      })
      console.log(`keyspace ${keyspace}: ${left.length} of 3 versions left`)
    }
  } finally {
    await store.close()
    optionsDestroy(options)
    await gc.close()
  }
}

main()
