'use strict'

// Barriers: readers hold safe points back. keyspace is an id; null means the global safe point;
// KEYSPACE_ALL means every safe point.

const check = require('./check')

module.exports = (Base) => class extends Base {
  /**
   * Sets a barrier, or replaces the one of this name. No safe point of it passes timestamp. Without
   * ttlSeconds it lives until it is deleted.
   */
  setBarrier(keyspace, name, timestamp, ttlSeconds = check.UINT64_MAX) {
    const arguments_ = [
      check.keyspacesOfBarrier(keyspace), check.name(name, 'name'), check.timestamp(timestamp),
      check.bigint(ttlSeconds, 'ttlSeconds'),
    ]
    this.life.use((gc) => this.library.rgc_barrier_set(gc, ...arguments_))
  }

  /** Deletes a barrier. False: it was not there. */
  deleteBarrier(keyspace, name) {
    const arguments_ = [check.keyspacesOfBarrier(keyspace), check.name(name, 'name')]
    return this.life.use((gc) => this.library.rgc_barrier_delete(gc, ...arguments_) === 1)
  }

  /** The barriers that live, ordered by keyspace and name. */
  barriers() {
    return this.life.use((gc) => this.list('BarrierInfo', (each) =>
      this.library.rgc_barriers_foreach(gc, each, null)))
  }
}
