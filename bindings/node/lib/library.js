'use strict'

// Loads librocks_gc.so, and turns its error texts into exceptions.

const fs = require('node:fs')
const path = require('node:path')
const koffi = require('koffi')
const { ABI_VERSION, functions } = require('./abi')
const { RocksGcError, notFound, notSupported, refused } = require('./errors')
const { bytesAt, memory, POINTER } = require('./memory')

const PACKAGED = path.join(__dirname, 'librocks_gc.so')

/** A loaded library. Each function of the header is a method; its `async` gives a promise. */
class Library {
  constructor(file) {
    this.path = file
    if (!fs.existsSync(file)) {
      throw notFound(`there is no library ${file}: give load() the path of librocks_gc.so, or ` +
        'install the package, which contains it')
    }
    let library
    try {
      library = koffi.load(file)
    } catch (error) {
      throw notSupported(`${file} cannot be loaded: ${error.message}`)
    }
    this.#checkContract(library)
    for (const [name, [result, parameters, fails]] of Object.entries(functions)) {
      let call
      try {
        call = library.func(name, result, parameters)
      } catch {
        throw notSupported(
          `${file} has no ${name}: it is older than this package; load a newer one`)
      }
      this[name] = fails ? this.#raising(call) : call
      this[name].promise = this.#promising(call, fails)
    }
  }

  /** The first call: another contract may have other functions under the same names. */
  #checkContract(library) {
    let version
    try {
      version = library.func('rgc_abi_version', 'uint32_t', [])
    } catch {
      throw notSupported(`${this.path} is not rocks-gc: it has no rgc_abi_version`)
    }
    if (version() !== ABI_VERSION) {
      throw notSupported(`${this.path} has ABI ${version()}, and this package needs ABI ` +
        `${ABI_VERSION}: use the library of this package`)
    }
  }

  #raising(call) {
    return (...given) => {
      const error = memory(POINTER)
      const answer = call(...given, error)
      this.#check(error)
      return answer
    }
  }

  /** The call on another thread. What it reads and writes is kept until it has returned. */
  #promising(call, fails) {
    return (...given) => new Promise((resolve, reject) => {
      const error = memory(POINTER)
      call.async(...given, ...(fails ? [error] : []), (failure, answer) => {
        try {
          if (failure) throw failure
          this.#check(error)
          resolve(answer)
        } catch (raised) {
          reject(raised)
        } finally {
          given.length = 0 // until here the garbage collector must not take them
        }
      })
    })
  }

  #check(error) {
    const pointer = error.readBigUInt64LE()
    if (pointer === 0n) return
    const kind = this.rgc_error_kind(pointer)
    throw new RocksGcError(this.takeText(pointer), kind)
  }

  /** Bytes that the library allocated. It gets them back. */
  takeBytes(pointer, length) {
    try {
      return pointer === null ? Buffer.alloc(0) : bytesAt(pointer, Number(length))
    } finally {
      this.rgc_free(pointer)
    }
  }

  /** A text that the library allocated. It gets it back. */
  takeText(pointer) {
    try {
      return pointer === null ? '' : koffi.decode.string(pointer)
    } finally {
      this.rgc_free(pointer)
    }
  }

  get version() {
    return koffi.decode.string(this.rgc_version())
  }

  /** A line for each option: name, default, values, meaning. */
  describeOptions() {
    return this.takeText(this.rgc_options_describe())
  }

  /** Ends the log, which goes to standard error, for the whole process. */
  silence() {
    if (!this.rgc_set_logger(null, null, 0)) throw refused('silence')
  }
}

const loaded = new Map()

/** Loads the library of this package, or the one at a path. A second call gives the same one. */
function load(file = PACKAGED) {
  const wanted = fs.existsSync(file) ? fs.realpathSync(file) : path.resolve(file)
  if (!loaded.has(wanted)) loaded.set(wanted, new Library(wanted))
  return loaded.get(wanted)
}

module.exports = { Library, load }
