package rocksgc

// #include <stdlib.h>
// #include "callbacks.h"
import "C"

import (
	"math"
	"unsafe"
)

// NoTTL is the time to live of a barrier that lives until it is deleted.
const NoTTL uint64 = math.MaxUint64

// SetBarrier sets a barrier, or replaces the one of this name: no safe point of it passes ts.
// keyspace is an id, KeyspaceNone (the global safe point) or KeyspaceAll (every safe point).
func (gc *Gc) SetBarrier(keyspace uint32, name string, ts, ttlSeconds uint64) error {
	return gc.withName(name, func(h *C.rgc_t, name *C.char, err **C.char) {
		C.rgc_barrier_set(
			h, C.uint32_t(keyspace), name, C.uint64_t(ts), C.uint64_t(ttlSeconds), err)
	})
}

// DeleteBarrier deletes a barrier. false means that it was not there.
func (gc *Gc) DeleteBarrier(keyspace uint32, name string) (wasThere bool, err error) {
	err = gc.withName(name, func(h *C.rgc_t, name *C.char, err **C.char) {
		wasThere = C.rgc_barrier_delete(h, C.uint32_t(keyspace), name, err) != 0
	})
	return wasThere, err
}

func (gc *Gc) withName(name string, do func(h *C.rgc_t, name *C.char, err **C.char)) error {
	if err := checkText(name, "the name"); err != nil {
		return err
	}
	text := C.CString(name)
	defer C.free(unsafe.Pointer(text))
	return gc.h.call(func(h *C.rgc_t, err **C.char) { do(h, text, err) })
}

// BarrierInfo is a barrier that lives.
type BarrierInfo struct {
	// Keyspace is an id, KeyspaceNone or KeyspaceAll.
	Keyspace uint32
	Name     string
	TS       uint64
	// ExpiresUnixSeconds is its last second; math.MaxUint64 means that it does not end.
	ExpiresUnixSeconds uint64
}

// Barriers lists the barriers, ordered by keyspace and name.
func (gc *Gc) Barriers() (list []BarrierInfo, err error) {
	err = gc.h.call(func(h *C.rgc_t, _ **C.char) {
		listing(func(info unsafe.Pointer) {
			c := (*C.rgc_barrier_info_t)(info)
			list = append(list, BarrierInfo{
				Keyspace:           uint32(c.keyspace),
				Name:               C.GoString(c.name),
				TS:                 uint64(c.ts),
				ExpiresUnixSeconds: uint64(c.expires_unix_seconds),
			})
		}, func(visitor C.uintptr_t) { C.rocksgc_barriers(h, visitor) })
	})
	return list, err
}
