'use strict'

// What a placement driver stores of a keyspace.

const { KeyspaceState } = require('./abi')
const check = require('./check')
const { filled, memory } = require('./memory')

module.exports = (Base) => class extends Base {
  /**
   * Loads a keyspace's metadata, and registers its GC type. gcManagementType is PD's text, for
   * example 'keyspace_level'; without it the type is global.
   */
  loadKeyspace({ id, name, state = KeyspaceState.ENABLED, gcManagementType }) {
    const meta = {
      id: check.keyspace(id),
      state: check.member(KeyspaceState, 'KeyspaceState', state),
      name: check.name(name, 'name'),
    }
    if (gcManagementType !== undefined && gcManagementType !== null) {
      meta.gc_management_type = check.name(gcManagementType, 'gcManagementType')
    }
    const struct = filled('rgc_keyspace_meta_t', [meta])
    this.life.use((gc) => this.library.rgc_keyspace_load(gc, struct))
  }

  /** Loads a keyspace's metadata from the bytes that PD stores (keyspacepb.KeyspaceMeta). */
  loadKeyspaceProtobuf(message) {
    const bytes = check.bytes(message, 'message')
    this.life.use((gc) => this.library.rgc_keyspace_load_protobuf(gc, ...bytes))
  }

  /** The keyspace that owns a name, by the metadata that were loaded; null: there is none. */
  keyspaceByName(name) {
    const text = check.name(name, 'name')
    const id = memory(4)
    const isFound = this.life.use((gc) => this.library.rgc_keyspace_by_name(gc, text, id))
    return isFound === 1 ? id.readUInt32LE() : null
  }

  /**
   * The keyspaces that were loaded or registered, or have a safe point, ordered by id.
   * state -1: no metadata. gcType -1: not registered; -2: everything is kept.
   */
  keyspaces() {
    return this.life.use((gc) => this.list('KeyspaceInfo', (each) =>
      this.library.rgc_keyspaces_foreach(gc, each, null)))
  }
}
