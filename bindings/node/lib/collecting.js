'use strict'

// Collecting now, and why nothing is collected.

const check = require('./check')
const { filled, record } = require('./memory')

module.exports = (Base) => class extends Base {
  /**
   * Compacts the files that hold garbage under today's safe points. Without family: the families
   * with roles DEFAULT and WRITE; without bounds: everything; without maxBytes: no limit.
   */
  collect(range) {
    return this.#collect(this.library.rgc_collect, range)
  }

  /** Tells what collect would do, and changes nothing. */
  collectDryRun(range) {
    return this.#collect(this.library.rgc_collect_dry_run, range)
  }

  async #collect(call, { family, start, end, maxBytes = 0n } = {}) {
    const report = filled('rgc_collect_report_t', [{}])
    const arguments_ = [
      family === undefined || family === null ? null : check.name(family, 'family'),
      ...check.bound(start, 'start'), ...check.bound(end, 'end'),
      check.bigint(maxBytes, 'maxBytes'), report,
    ]
    await this.life.run((gc) => call.promise(gc, ...arguments_))
    return record('CollectReport', report)
  }

  /** The files that may still hold keys of destroyed ranges or dropped schemas. */
  async debt() {
    const debt = filled('rgc_debt_t', [{}])
    await this.life.run((gc) => this.library.rgc_debt.promise(gc, debt))
    return record('Debt', debt)
  }

  /** Explains the keyspaces that have keys in a range of stored keys: { text, answers }. */
  explain({ start, end } = {}) {
    const bounds = [...check.bound(start, 'start'), ...check.bound(end, 'end')]
    return this.#explain(this.library.rgc_explain, bounds)
  }

  /** Explains one keyspace, also one of which no file holds a version. */
  async explainKeyspace(keyspace) {
    return this.#explain(this.library.rgc_explain_keyspace, [check.keyspace(keyspace)])
  }

  /** The other thread calls back into this one, which runs the event loop meanwhile. */
  async #explain(call, arguments_) {
    let text
    const answers = await this.life.run((gc) => this.listLater('Explained', async (each) => {
      text = this.library.takeText(await call.promise(gc, ...arguments_, each, null))
    }))
    return { text, answers }
  }
}
