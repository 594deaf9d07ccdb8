package rocksgc

// #include "callbacks.h"
import "C"

import (
	"runtime/cgo"
	"sync"
)

// handle is an rgc_t that is destroyed when no call uses it any more.
type handle struct {
	gc *C.rgc_t

	calls   sync.Mutex // guards running, closing
	running int
	closing bool
	idle    *sync.Cond

	life   sync.Mutex // held while the handle is detached or closed
	closed bool
	clock  cgo.Handle
}

func newHandle(gc *C.rgc_t) *handle {
	h := &handle{gc: gc}
	h.idle = sync.NewCond(&h.calls)
	return h
}

// call calls a function of the library whose last argument is errptr.
func (h *handle) call(f func(gc *C.rgc_t, err **C.char)) error {
	return h.use(func(gc *C.rgc_t) error {
		var text *C.char
		f(gc, &text)
		return take(text)
	})
}

func (h *handle) use(f func(gc *C.rgc_t) error) error {
	h.calls.Lock()
	if h.closing {
		h.calls.Unlock()
		return ErrClosed
	}
	h.running++
	h.calls.Unlock()
	defer h.leave()
	return f(h.gc)
}

func (h *handle) leave() {
	h.calls.Lock()
	h.running--
	if h.closing && h.running == 0 {
		h.idle.Broadcast()
	}
	h.calls.Unlock()
}

func (h *handle) setClock(clock Clock) error {
	if err := refuseInside("the new clock"); err != nil {
		return err
	}
	h.life.Lock()
	defer h.life.Unlock()
	return h.use(func(gc *C.rgc_t) error {
		var state cgo.Handle
		if clock != nil {
			state = cgo.NewHandle(clock)
		}
		answer := C.rocksgc_set_clock(gc, C.uintptr_t(state))
		return replace(&h.clock, state, accepted(answer, "the new clock"))
	})
}

// detach does nothing if the handle is closed: then nothing is attached.
func (h *handle) detach() error {
	if err := refuseInside("the detach"); err != nil {
		return err
	}
	h.life.Lock()
	defer h.life.Unlock()
	if h.closed {
		return nil
	}
	return accepted(C.rgc_detach(h.gc), "the detach")
}

// close detaches, which ends the calls that wait for the store; waits for all calls; and destroys.
func (h *handle) close() error {
	if err := refuseInside("the close"); err != nil {
		return err
	}
	h.life.Lock()
	defer h.life.Unlock()
	if h.closed {
		return nil
	}
	h.setClosing(true)
	err := accepted(C.rgc_detach(h.gc), "the close")
	if err == nil {
		h.awaitCalls()
		err = accepted(C.rgc_destroy(h.gc), "the close")
	}
	if err != nil {
		h.setClosing(false)
		return err
	}
	h.closed = true
	return replace(&h.clock, 0, nil)
}

func (h *handle) setClosing(closing bool) {
	h.calls.Lock()
	h.closing = closing
	h.calls.Unlock()
}

func (h *handle) awaitCalls() {
	h.calls.Lock()
	for h.running > 0 {
		h.idle.Wait()
	}
	h.calls.Unlock()
}
