'use strict'

// The program's RocksDB: binding it, giving it filters, and attaching the open store.

const koffi = require('koffi')
const { Kind, Role } = require('./abi')
const { Attachment } = require('./attachment')
const check = require('./check')
const { invalid, notSupported } = require('./errors')
const { filled, pointers } = require('./memory')
const { Owned, WalFilter } = require('./owned')

const RTLD_NOW = 2
const RTLD_NOLOAD = 4
const runtime = koffi.load(null)
const dlopen = runtime.func('dlopen', 'void *', ['void *', 'int'])
const dlsym = runtime.func('dlsym', 'void *', ['void *', 'void *'])
const ONE = koffi.proto('void', ['void *'])
const TWO = koffi.proto('void', ['void *', 'void *'])

module.exports = (Base) => class extends Base {
  #rocksdb = null

  /**
   * Binds the RocksDB that the program has loaded: the path or SONAME of the loaded library, or a
   * handle of dlopen. The call never loads a second copy.
   *
   * The library could also search the process. Under Node that is refused: addons such as
   * rocksdb-native export functions with RocksDB's names and other parameters.
   */
  bind(rocksdb) {
    if (rocksdb === null || rocksdb === undefined) {
      throw invalid('bind() needs the path of the loaded librocksdb.so, or a handle of dlopen: ' +
        'a search of the process may find the functions of another addon')
    }
    const path = typeof rocksdb === 'string' ? check.name(rocksdb, 'the path of RocksDB') : null
    const handle = path ? null : check.pointer(rocksdb, 'the handle of RocksDB')
    this.life.use((gc) => this.library.rgc_bind_rocksdb_library(gc, handle, path))
    this.#rocksdb = handle ?? dlopen(path, RTLD_NOW | RTLD_NOLOAD)
  }

  /**
   * Gives new filters to a rocksdb_options_t*: once for each options object, before open. If this
   * RocksDB's C API has listeners (10.4 and later), it gives a listener too.
   */
  install(options, kind = Kind.RAW) {
    const address = check.pointer(options, 'options')
    const give = this.#function('rocksdb_options_set_compaction_filter_factory', TWO)
    give(address, this.filterFactory(kind).take())
    if (this.#address('rocksdb_options_add_eventlistener')) {
      const listen = this.#function('rocksdb_options_add_eventlistener', TWO)
      listen(address, this.eventListener().take())
    }
  }

  /**
   * Gives a WAL filter to a rocksdb_options_t* (RocksDB 11.8 and later). The program must keep the
   * answer, and close it when the DB is closed, not before.
   */
  installWalFilter(options, families) {
    const address = check.pointer(options, 'options')
    const filter = this.walFilter(families)
    this.#function('rocksdb_options_set_wal_filter', TWO)(address, filter.pointer)
    return filter
  }

  /** For rocksdb_options_set_compaction_filter_factory, which takes it over. */
  filterFactory(kind = Kind.RAW) {
    check.member(Kind, 'Kind', kind)
    const destroy = this.#function('rocksdb_compactionfilterfactory_destroy', ONE)
    return new Owned(
      this.life.use((gc) => this.library.rgc_rocksdb_filter_factory(gc, kind)), destroy)
  }

  /** For rocksdb_options_add_eventlistener, which takes it over. install does it. */
  eventListener() {
    const pointer = this.life.use((gc) => this.library.rgc_rocksdb_event_listener(gc))
    return new Owned(pointer, this.#function('rocksdb_eventlistener_destroy', ONE))
  }

  /** For rocksdb_options_set_wal_filter, which does not take it over. */
  walFilter(families) {
    const names = [...families].map((name) => check.name(name, "a family's name"))
    const pointer = this.life.use(
      (gc) => this.library.rgc_rocksdb_wal_filter(gc, pointers(names), names.length))
    return new WalFilter(pointer, this.#function('rocksdb_walfilter_destroy', ONE))
  }

  /**
   * Attaches an open rocksdb_t*, so that the worker can finish what filters cannot. The program
   * must close the answer before it closes the DB. With `close`, a function that closes the DB, the
   * answer does both in the right order.
   */
  async attach(db, { families = [{ role: Role.DEFAULT, name: 'default' }], close } = {}) {
    const address = check.pointer(db, 'db')
    if (close !== undefined) check.callback(close, 'close')
    const rows = [...families].map(({ role, name, handle = null }) => ({
      role: check.member(Role, 'Role', role),
      name: check.name(name, "a family's name"),
      handle: handle === null ? 0n : check.pointer(handle, `the handle of ${name}`),
    }))
    const array = filled('rgc_column_family_t', rows)
    return this.life.run(async (gc) => {
      await this.library.rgc_attach_rocksdb.promise(gc, address, array, rows.length)
      return new Attachment(this, this.life, close)
    })
  }

  #address(name) {
    if (this.#rocksdb === null) throw invalid('no RocksDB is bound: call bind() first')
    return dlsym(this.#rocksdb, check.name(name, 'a function'))
  }

  /** A function of RocksDB that takes pointers and returns nothing. */
  #function(name, type) {
    const address = this.#address(name)
    if (!address) throw notSupported(`the bound RocksDB has no ${name}: it is too old`)
    return (...pointers_) => koffi.call(address, type, ...pointers_)
  }
}
