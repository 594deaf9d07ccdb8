'use strict'

// The life of a context: when it may be used, and when it is destroyed.

const { invalid, refused } = require('./errors')

/** Attachments. A program that loses an attached Gc does not lose its garbage collection. */
const attached = new Set()

/** A handle of C, and how many asynchronous calls use it now. */
class Life {
  #pointer
  #running = 0
  #idle = () => {}
  #ending = null

  constructor(library, pointer) {
    this.library = library
    this.store = null // the Attachment
    this.#pointer = pointer
  }

  get ended() {
    return this.#pointer === null
  }

  get running() {
    return this.#running
  }

  /** Calls C now. */
  use(call) {
    if (this.#pointer === null || this.#ending) {
      throw invalid('this Gc is closed: create a new one')
    }
    return call(this.#pointer)
  }

  /** Calls C on another thread. The context is destroyed only when the call has returned. */
  async run(call) {
    this.#running++
    try {
      return await this.use(call)
    } finally {
      this.#running--
      this.#idle()
    }
  }

  /** Ends the use of the store. Busy: the store is still attached. */
  async detach() {
    if (this.#ending) return this.#ending
    if (this.ended) return
    if (!await this.library.rgc_detach.promise(this.#pointer)) throw refused('detach')
    this.forgetStore()
  }

  /** The same at the end of the process, when nothing runs any more. */
  detachNow() {
    if (!this.ended && this.library.rgc_detach(this.#pointer)) this.forgetStore()
  }

  forgetStore() {
    attached.delete(this.store)
    this.store = null
  }

  /** Destroys the context when the last running call has returned. */
  destroy() {
    this.#ending ??= this.ended ? null : this.#destroy().finally(() => { this.#ending = null })
    return this.#ending
  }

  async #destroy() {
    const pointer = this.#pointer
    // Running calls that wait for the store end with Aborted.
    if (!await this.library.rgc_detach.promise(pointer)) throw refused('close')
    while (this.#running > 0) await new Promise((resolve) => { this.#idle = resolve })
    if (!await this.library.rgc_destroy.promise(pointer)) throw refused('close')
    this.#pointer = null
    this.forgetStore()
  }
}

// At the end of the process RocksDB's threads must not meet a store that is half gone.
process.on('exit', () => {
  for (const store of attached) {
    try {
      store.closeNow()
    } catch (error) { // the process ends; the next store must still be closed
      console.error('rocks-gc: at exit:', error)
    }
  }
})

module.exports = { Life, attached }
