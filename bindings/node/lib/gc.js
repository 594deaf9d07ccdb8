'use strict'

// The context: options, safe points, counters and the bound RocksDB.

const check = require('./check')
const { invalid, refused } = require('./errors')
const { Life } = require('./life')
const { load } = require('./library')
const { filled, record } = require('./memory')

const PARTS = [
  require('./safe_points'), require('./barriers'), require('./keyspaces'), require('./schemas'), require('./rocksdb'),
  require('./collecting'), require('./destroying'), require('./stored_keys'),
]
/** One wait for the worker. Longer ones would keep a thread of libuv from other calls. */
const SLICE_MS = 500

/** What every part uses. */
class Part {
  /** Everything that a listing function passes to its callback, copied. */
  list(name, call) {
    const { each, found } = collector(name)
    call(each)
    return found()
  }

  /** The same for a call on another thread. */
  async listLater(name, call) {
    const { each, found } = collector(name)
    await call(each)
    return found()
  }
}

/** A callback that copies what it gets. C must not see its errors; the caller must. */
function collector(name) {
  const records = []
  let failed = null
  return {
    each(_state, info) {
      try {
        records.push(record(name, info))
        return 0
      } catch (error) {
        failed = error
        return 1
      }
    },
    found() {
      if (failed) throw failed
      return records
    },
  }
}

const lost = new FinalizationRegistry((life) => life.destroy()?.catch(() => {}))

/**
 * A context; one for each DB. A program that loses an attached Gc does not lose its garbage
 * collection: it ends when the attachment is closed.
 */
class Gc extends PARTS.reduce((Base, part) => part(Base), Part) {
  /** options: an object, or a text "name=value;name=value". load().describeOptions() lists them. */
  constructor(options = {}, { library = load() } = {}) {
    super()
    this.library = library
    const c = library.rgc_options_create()
    try {
      setOptions(library, c, options)
      this.life = new Life(library, library.rgc_create(c))
    } finally {
      library.rgc_options_destroy(c)
    }
    lost.register(this, this.life)
  }

  get closed() {
    return this.life.ended
  }

  /** Closes an attached store first, as Attachment.close does. A second call does nothing. */
  async close() {
    await this.life.store?.close()
    await this.life.destroy()
  }

  /** Switches collection on or off. While it is off, every filter keeps everything. */
  async setEnabled(enabled) {
    const on = enabled ? 1 : 0
    if (!await this.life.run((gc) => this.library.rgc_set_enabled.promise(gc, on))) {
      throw refused('setEnabled')
    }
  }

  /** The counters since the Gc was created. */
  stats() {
    const stats = filled('rgc_stats_t', [{}])
    this.life.use((gc) => this.library.rgc_stats(gc, stats))
    return record('Stats', stats)
  }

  /** The counters as OpenMetrics text. */
  metrics() {
    return this.life.use((gc) => this.library.takeText(this.library.rgc_metrics(gc)))
  }

  /** How many rows, truncations, debts and due destroys wait for the worker. */
  workerPending() {
    return this.life.use((gc) => Number(this.library.rgc_worker_pending(gc)))
  }

  /** Waits until nothing is pending. Resolves to how many are still pending. */
  async workerDrain(timeoutMs) {
    const end = Date.now() + check.number(timeoutMs, 'timeoutMs', Number.MAX_SAFE_INTEGER)
    for (;;) {
      const wait = Math.max(0, Math.min(SLICE_MS, end - Date.now()))
      const left = await this.life.run(
        (gc) => this.library.rgc_worker_drain.promise(gc, BigInt(wait)))
      if (Number(left) === 0 || Date.now() >= end) return Number(left)
    }
  }
}

function setOptions(library, c, options) {
  if (typeof options === 'string') {
    library.rgc_options_parse(c, check.name(options, 'options'))
    return
  }
  if (options === null || typeof options !== 'object') {
    throw invalid(`options must be an object or a text, not ${String(options)}`)
  }
  for (const [name, value] of Object.entries(options)) {
    const text = ['number', 'bigint'].includes(typeof value) ? String(value) : value
    library.rgc_options_set(c, check.name(name, "an option's name"),
      check.name(text, `the value of ${name}`))
  }
}

if (Symbol.asyncDispose) Gc.prototype[Symbol.asyncDispose] = Gc.prototype.close

module.exports = { Gc }
