'use strict'

const { ErrorKind } = require('./abi')

/** An error of the library. Its message says what, with the value, and what to do. */
class RocksGcError extends Error {
  /** kind is one of ErrorKind; code is its name, for example 'BUSY'. */
  constructor(message, kind) {
    super(message)
    this.name = 'RocksGcError'
    this.kind = kind
    this.code = Object.keys(ErrorKind).find((name) => ErrorKind[name] === kind) ?? 'UNKNOWN'
  }
}

const invalid = (what) =>
  new RocksGcError(`Invalid argument: ${what}`, ErrorKind.INVALID_ARGUMENT)
const notFound = (what) => new RocksGcError(`Not found: ${what}`, ErrorKind.NOT_FOUND)
const notSupported = (what) => new RocksGcError(`Not supported: ${what}`, ErrorKind.NOT_SUPPORTED)

/** For a call that returned 0: the library refused it. */
const refused = (call) =>
  new RocksGcError(
    `Busy: ${call} was refused, and nothing changed: the log names the reason`, ErrorKind.BUSY)

module.exports = { RocksGcError, invalid, notFound, notSupported, refused }
