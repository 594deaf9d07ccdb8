'use strict'

// Destroying ranges and keyspaces. It is permanent.
//
// force: destroys a keyspace whatever its state. reusable: when the call returns, the range may be
// written again, with timestamps above those of the destroyed versions.

const { DESTROY_FORCE, DESTROY_REUSABLE } = require('./abi')
const check = require('./check')
const { filled, integers, record } = require('./memory')

const flags = ({ force = false, reusable = false } = {}) =>
  (force ? DESTROY_FORCE : 0) | (reusable ? DESTROY_REUSABLE : 0)
const bounds = (start, end) => [...check.bytes(start, 'start'), ...check.bytes(end, 'end')]

module.exports = (Base) => class extends Base {
  /** Destroys all stored keys in [start, end). */
  async destroyRange(start, end, options) {
    return this.#destroy(this.library.rgc_destroy_range, [...bounds(start, end), flags(options)])
  }

  /** Destroys ranges [start, end] together. If an error is about one, its `failed` is the index. */
  async destroyRanges(ranges, options) {
    const rows = [...ranges].map(([start, end]) => {
      const [first, firstLength, last, lastLength] = bounds(start, end)
      return {
        start: first, start_len: BigInt(firstLength), end: last, end_len: BigInt(lastLength),
      }
    })
    return this.#destroyMany(
      this.library.rgc_destroy_ranges, filled('rgc_range_t', rows), rows.length, options)
  }

  /** Destroys a keyspace: its keys of mode r and of mode x. */
  async destroyKeyspace(keyspace, options) {
    return this.#destroy(
      this.library.rgc_destroy_keyspace, [check.keyspace(keyspace), flags(options)])
  }

  /** Destroys keyspaces together. If an error is about one, its `failed` is the index. */
  async destroyKeyspaces(keyspaces, options) {
    const numbers = [...keyspaces].map(check.keyspace)
    return this.#destroyMany(
      this.library.rgc_destroy_keyspaces, integers(numbers, 4), numbers.length, options)
  }

  /** Orders a destroy that begins when the range's safe point is above the timestamp. */
  async destroyRangeAfter(start, end, timestamp, options) {
    const arguments_ = [...bounds(start, end), check.timestamp(timestamp), flags(options)]
    await this.life.run((gc) => this.library.rgc_destroy_range_after.promise(gc, ...arguments_))
  }

  /** Orders the destroy of a keyspace, as destroyRangeAfter does. */
  async destroyKeyspaceAfter(keyspace, timestamp, options) {
    const arguments_ = [check.keyspace(keyspace), check.timestamp(timestamp), flags(options)]
    await this.life.run((gc) => this.library.rgc_destroy_keyspace_after.promise(gc, ...arguments_))
  }

  /** Removes the pending destroy of exactly this range. */
  async takeBackDestroyRange(start, end) {
    const arguments_ = bounds(start, end)
    await this.life.run((gc) => this.library.rgc_take_back_destroy_range.promise(gc, ...arguments_))
  }

  /** Removes the pending destroy of a keyspace. */
  async takeBackDestroyKeyspace(keyspace) {
    const number = check.keyspace(keyspace)
    await this.life.run((gc) => this.library.rgc_take_back_destroy_keyspace.promise(gc, number))
  }

  /** Destroys due ranges once more: { removed, report }. `removed` counts records. */
  async recheckDestroyed(nowUnixSeconds) {
    const now = check.bigint(nowUnixSeconds, 'nowUnixSeconds')
    let removed
    const report = await this.#destroy({
      promise: async (...all) => {
        removed = Number(await this.library.rgc_recheck_destroyed.promise(...all))
      },
    }, [now])
    return { removed, report }
  }

  /** Destroys exactly this range once more, and removes its record. */
  async recheckDestroyedRange(start, end) {
    return this.#destroy(this.library.rgc_recheck_destroyed_range, bounds(start, end))
  }

  /** Removes the record of exactly this range, so that it may be written again. */
  async releaseDestroyed(start, end) {
    const arguments_ = bounds(start, end)
    await this.life.run((gc) => this.library.rgc_release_destroyed.promise(gc, ...arguments_))
  }

  /** How many records of destroyed ranges the attached store has. */
  destroyedCount() {
    return this.life.use((gc) => Number(this.library.rgc_destroyed_count(gc)))
  }

  /** Reads the ledger anew, after replication has changed it. */
  async reloadLedger() {
    await this.life.run((gc) => this.library.rgc_reload_ledger.promise(gc))
  }

  /** The records of destroyed ranges, ordered by start. */
  destroyed() {
    return this.life.use((gc) => this.list('DestroyedInfo', (each) =>
      this.library.rgc_destroyed_foreach(gc, each, null)))
  }

  /** Runs a destroy. An error has the report of what was done before as `report`. */
  async #destroy(call, arguments_) {
    const report = filled('rgc_destroy_report_t', [{}])
    try {
      await this.life.run((gc) => call.promise(gc, ...arguments_, report))
    } catch (error) {
      throw Object.assign(error, { report: record('DestroyReport', report) })
    }
    return record('DestroyReport', report)
  }

  async #destroyMany(call, array, count, options) {
    const failed = integers([count], 8)
    try {
      return await this.#destroy(call, [array, count, flags(options), failed])
    } catch (error) {
      const index = Number(failed.readBigUInt64LE())
      throw index < count ? Object.assign(error, { failed: index }) : error
    }
  }
}
