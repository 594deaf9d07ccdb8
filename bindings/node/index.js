'use strict'

const abi = require('./lib/abi')
const { Attachment } = require('./lib/attachment')
const { Codec, parseKeyspace } = require('./lib/codec')
const { RocksGcError } = require('./lib/errors')
const { Gc } = require('./lib/gc')
const { Library, load } = require('./lib/library')
const { Owned, WalFilter } = require('./lib/owned')

const {
  DestroyState, ErrorKind, GcType, KEYSPACE_ALL, KEYSPACE_MAX, KeyspaceState, Kind, Mode, Role,
  SchemaState, Why,
} = abi

module.exports = {
  Attachment, Codec, DestroyState, ErrorKind, Gc, GcType, KEYSPACE_ALL, KEYSPACE_MAX,
  KeyspaceState, Kind, Library, Mode, Owned, Role, RocksGcError, SchemaState, WalFilter, Why, load, parseKeyspace,
}
