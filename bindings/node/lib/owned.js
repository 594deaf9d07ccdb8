'use strict'

const { invalid } = require('./errors')

const lost = new FinalizationRegistry((destroy) => destroy())

/** An object that options take over, once. If it was not taken, it is destroyed. */
class Owned {
  #pointer
  #destroy

  constructor(pointer, destroy) {
    this.#pointer = pointer
    this.#destroy = destroy
    lost.register(this, () => destroy(pointer), this)
  }

  /** The pointer, for the options that own it from now on. */
  take() {
    if (this.#pointer === null) {
      throw invalid('this was taken or closed already: create another one for each options object')
    }
    const pointer = this.#pointer
    this.#pointer = null
    lost.unregister(this)
    return pointer
  }

  close() {
    if (this.#pointer !== null) this.#destroy(this.take())
  }
}

/** A WAL filter. RocksDB uses it until the DB is closed. One that the program loses leaks. */
class WalFilter {
  #pointer
  #destroy

  constructor(pointer, destroy) {
    this.#pointer = pointer
    this.#destroy = destroy
  }

  get pointer() {
    if (this.#pointer === null) throw invalid('this WAL filter is closed: create a new one')
    return this.#pointer
  }

  /** Destroys the filter. The DB must be closed before. */
  close() {
    const pointer = this.#pointer
    this.#pointer = null
    if (pointer !== null) this.#destroy(pointer)
  }
}

for (const type of [Owned, WalFilter]) {
  if (Symbol.dispose) type.prototype[Symbol.dispose] = type.prototype.close
}

module.exports = { Owned, WalFilter }
