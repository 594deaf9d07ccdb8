'use strict'

// The Node host of cost.c. Usage: cost.js LIBROCKS_GC LIBROCKSDB DB

const koffi = require('koffi')
const { Gc, GcType, Kind, load } = require('rocks-gc')

const [, , libraryPath, rocksdbPath, directory] = process.argv
const rocksdb = koffi.load(rocksdbPath)
const call = (name, result, ...parameters) => rocksdb.func(`rocksdb_${name}`, result, parameters)

const gc = new Gc({}, { library: load(libraryPath) })
gc.bind(rocksdbPath)
gc.setKeyspaceGcType(7, GcType.KEYSPACE_LEVEL)
gc.advanceKeyspaceSafePoint(7, 21n)
const options = call('options_create', 'void *')()
call('options_set_disable_auto_compactions', 'void', 'void *', 'int')(options, 1)
gc.install(options, Kind.RAW)
const db = call('open', 'void *', 'void *', 'string', 'void *')(options, directory, Buffer.alloc(8))
if (db === null) throw new Error(`${directory} cannot be opened`)
const before = process.cpuUsage()
call('compact_range', 'void', 'void *', 'void *', 'size_t', 'void *', 'size_t')(db, null, 0, null, 0)
const used = process.cpuUsage(before)
console.log(((used.user + used.system) / 1e6).toFixed(6))
call('close', 'void', 'void *')(db)
call('options_destroy', 'void', 'void *')(options)
gc.close()
