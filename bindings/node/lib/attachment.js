'use strict'

const { attached } = require('./life')

/** An attached store. close() detaches it, and then closes the DB if attach() was told how. */
class Attachment {
  #gc
  #closeDb
  #closing = null
  #open = true

  constructor(gc, life, closeDb) {
    this.#gc = gc // attached: the program may lose it
    this.life = life
    this.#closeDb = closeDb
    life.store = this
    attached.add(this)
  }

  get closed() {
    return !this.#open
  }

  /**
   * Detaches, then closes the DB. A second call does nothing. Busy: the store is still attached,
   * and the DB must stay open.
   */
  close() {
    this.#closing ??= this.#close().catch((error) => {
      if (this.#open) this.#closing = null // refused: the program may try again
      throw error
    })
    return this.#closing
  }

  async #close() {
    await this.life.detach()
    this.#open = false
    this.#gc = null
    await this.#closeDb?.()
  }

  /** At the end of the process. A call that still runs may wait for this thread. */
  closeNow() {
    if (this.life.running > 0) return
    this.life.detachNow()
    if (this.life.store === null) this.#closeDb?.()
  }
}

if (Symbol.asyncDispose) Attachment.prototype[Symbol.asyncDispose] = Attachment.prototype.close

module.exports = { Attachment }
