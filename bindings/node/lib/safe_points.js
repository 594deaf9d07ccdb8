'use strict'

// Safe points and GC types. They may move at any time, also while filters run.

const { GcType } = require('./abi')
const check = require('./check')
const { integers } = require('./memory')

module.exports = (Base) => class extends Base {
  /** Moves the global safe point forward. False: not newer, or refused (see the log). */
  advanceGlobalSafePoint(timestamp) {
    const ts = check.timestamp(timestamp)
    return this.life.use((gc) => this.library.rgc_advance_global_safe_point(gc, ts) === 1)
  }

  /** Moves a keyspace's own safe point forward. False: not newer, or refused. */
  advanceKeyspaceSafePoint(keyspace, timestamp) {
    const number = check.keyspace(keyspace)
    const ts = check.timestamp(timestamp)
    return this.life.use(
      (gc) => this.library.rgc_advance_keyspace_safe_point(gc, number, ts) === 1)
  }

  /** Moves the safe points of pairs [keyspace, timestamp]. Returns how many moved. */
  advanceKeyspaceSafePoints(pairs) {
    const all = [...pairs]
    const numbers = integers(all.map(([keyspace]) => check.keyspace(keyspace)), 4)
    const timestamps = integers(all.map(([, timestamp]) => check.timestamp(timestamp)), 8)
    return this.life.use((gc) => Number(
      this.library.rgc_advance_keyspace_safe_points(gc, numbers, timestamps, all.length)))
  }

  /** Registers a keyspace with its GC type. The first type is valid for this Gc's life. */
  setKeyspaceGcType(keyspace, type) {
    const number = check.keyspace(keyspace)
    check.member(GcType, 'GcType', type)
    this.life.use((gc) => this.library.rgc_set_keyspace_gc_type(gc, number, type))
  }

  /** Registers keyspaces with the same type, all or none. */
  setKeyspaceGcTypes(keyspaces, type) {
    const numbers = [...keyspaces].map(check.keyspace)
    check.member(GcType, 'GcType', type)
    this.life.use((gc) => this.library.rgc_set_keyspace_gc_types(
      gc, integers(numbers, 4), numbers.length, type))
  }

  /** Keeps everything of a keyspace until it is registered again. */
  async pauseKeyspace(keyspace) {
    const number = check.keyspace(keyspace)
    await this.life.run((gc) => this.library.rgc_pause_keyspace.promise(gc, number))
  }

  /** The global safe point; 0n means that none was set yet. */
  globalSafePoint() {
    return this.life.use((gc) => BigInt(this.library.rgc_global_safe_point(gc)))
  }

  /** The effective safe point of a keyspace; 0n means that nothing is collected. */
  keyspaceSafePoint(keyspace) {
    const number = check.keyspace(keyspace)
    return this.life.use((gc) => BigInt(this.library.rgc_keyspace_safe_point(gc, number)))
  }

  /** The effective safe point of a stored key; 0n means that it is never collected. */
  safePointForKey(storedKey) {
    const key = check.bytes(storedKey, 'storedKey')
    return this.life.use((gc) => BigInt(this.library.rgc_safe_point_for_key(gc, ...key)))
  }

  /** The safe point at which two replicas of a range can be compared. */
  consistencySafePoint(start, end) {
    const bounds = [...check.bound(start, 'start'), ...check.bound(end, 'end')]
    return this.life.use((gc) => BigInt(this.library.rgc_consistency_safe_point(gc, ...bounds)))
  }

  /**
   * The least start timestamp at or below upTo of a lock; null: no lock is left. keyspace null means
   * keys that belong to no keyspace.
   */
  async oldestLock(keyspace, upTo) {
    const arguments_ = [check.keyspaceOrNull(keyspace), check.timestamp(upTo)]
    const oldest = BigInt(await this.life.run(
      (gc) => this.library.rgc_oldest_lock.promise(gc, ...arguments_)))
    return oldest === 0n ? null : oldest
  }
}
