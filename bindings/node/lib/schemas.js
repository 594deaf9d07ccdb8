'use strict'

// Schemas: parts of a keyspace that can be dropped or truncated (option schema_id=prefix).
// keyspace is null in the plain layout, and only there.

const check = require('./check')
const { integers } = require('./memory')

const which = (keyspace, schema) => [check.keyspaceOrNull(keyspace), check.schema(schema)]

module.exports = (Base) => class extends Base {
  /**
   * Loads the list of all valid schemas of a keyspace. The program must read highestIdEver before
   * it reads the list: otherwise an id that is allocated in between counts as dropped.
   */
  loadSchemas(keyspace, validIds, highestIdEver) {
    const ids = [...validIds].map(check.schema)
    const [number, highest] = which(keyspace, highestIdEver)
    this.life.use((gc) => this.library.rgc_schemas_load(
      gc, number, integers(ids, 4), ids.length, highest))
  }

  /** Tells a new schema, before its first record is written. */
  createSchema(keyspace, schema) {
    const arguments_ = which(keyspace, schema)
    this.life.use((gc) => this.library.rgc_schema_create(gc, ...arguments_))
  }

  /** Drops a schema with all its data. This is permanent. */
  async dropSchema(keyspace, schema) {
    const arguments_ = which(keyspace, schema)
    await this.life.run((gc) => this.library.rgc_schema_drop.promise(gc, ...arguments_))
  }

  /** Deletes the versions of a schema up to and including a timestamp. */
  async truncateSchema(keyspace, schema, upTo) {
    const arguments_ = [...which(keyspace, schema), check.timestamp(upTo)]
    await this.life.run((gc) => this.library.rgc_schema_truncate.promise(gc, ...arguments_))
  }

  /** One of SchemaState. */
  schemaState(keyspace, schema) {
    const arguments_ = which(keyspace, schema)
    return this.life.use((gc) => this.library.rgc_schema_state(gc, ...arguments_))
  }

  /** The schemas that the library knows, ordered by keyspace and id. */
  schemas() {
    return this.life.use((gc) => this.list('SchemaInfo', (each) =>
      this.library.rgc_schemas_foreach(gc, each, null)))
  }
}
