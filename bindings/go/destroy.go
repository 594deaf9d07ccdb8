package rocksgc

// #include <stdlib.h>
// #include "callbacks.h"
import "C"

import "unsafe"

// DestroyFlags tell how to destroy.
type DestroyFlags int

const (
	// DestroyForce destroys a keyspace whatever its state.
	DestroyForce DestroyFlags = C.RGC_DESTROY_FORCE
	// DestroyReusable lets the range be written again when the call returns.
	DestroyReusable DestroyFlags = C.RGC_DESTROY_REUSABLE
)

type destroyer func(h *C.rgc_t, report *C.rgc_destroy_report_t, err **C.char)

func (gc *Gc) reported(f destroyer) (DestroyReport, error) {
	var report C.rgc_destroy_report_t
	report.struct_size = C.sizeof_rgc_destroy_report_t
	err := gc.h.call(func(h *C.rgc_t, err **C.char) { f(h, &report, err) })
	return newDestroyReport(&report), err
}

// DestroyRange permanently destroys all keys in a range of stored keys. After an error of the
// engine the report says what was done.
func (gc *Gc) DestroyRange(r Range, flags DestroyFlags) (DestroyReport, error) {
	return gc.reported(func(h *C.rgc_t, report *C.rgc_destroy_report_t, err **C.char) {
		C.rgc_destroy_range(h, bytesOf(r.Start), size(r.Start), bytesOf(r.End), size(r.End),
			C.int(flags), report, err)
	})
}

// DestroyRanges destroys many ranges together. An error about one of them names its index.
func (gc *Gc) DestroyRanges(ranges []Range, flags DestroyFlags) (DestroyReport, error) {
	array := make([]C.rgc_range_t, len(ranges)+1)
	for i, r := range ranges {
		start, end := C.CBytes(r.Start), C.CBytes(r.End)
		defer C.free(start)
		defer C.free(end)
		array[i] = C.rgc_range_t{
			struct_size: C.sizeof_rgc_range_t,
			start:       (*C.char)(start),
			start_len:   size(r.Start),
			end:         (*C.char)(end),
			end_len:     size(r.End),
		}
	}
	return gc.reported(func(h *C.rgc_t, report *C.rgc_destroy_report_t, err **C.char) {
		C.rgc_destroy_ranges(h, &array[0], C.size_t(len(ranges)), C.int(flags), nil, report, err)
	})
}

// DestroyKeyspace destroys a keyspace: its keys of mode r and of mode x.
func (gc *Gc) DestroyKeyspace(keyspace uint32, flags DestroyFlags) (DestroyReport, error) {
	return gc.reported(func(h *C.rgc_t, report *C.rgc_destroy_report_t, err **C.char) {
		C.rgc_destroy_keyspace(h, C.uint32_t(keyspace), C.int(flags), report, err)
	})
}

// DestroyKeyspaces destroys many keyspaces together. An error about one of them names its index.
func (gc *Gc) DestroyKeyspaces(keyspaces []uint32, flags DestroyFlags) (DestroyReport, error) {
	return gc.reported(func(h *C.rgc_t, report *C.rgc_destroy_report_t, err **C.char) {
		C.rgc_destroy_keyspaces(
			h, numbers(keyspaces), C.size_t(len(keyspaces)), C.int(flags), nil, report, err)
	})
}

// DestroyRangeAfter orders a destroy that begins when the effective safe point of the range is
// above ts.
func (gc *Gc) DestroyRangeAfter(r Range, ts uint64, flags DestroyFlags) error {
	return gc.h.call(func(h *C.rgc_t, err **C.char) {
		C.rgc_destroy_range_after(h, bytesOf(r.Start), size(r.Start), bytesOf(r.End), size(r.End),
			C.uint64_t(ts), C.int(flags), err)
	})
}

// DestroyKeyspaceAfter orders the destroy of a keyspace, as DestroyRangeAfter does for its two
// ranges.
func (gc *Gc) DestroyKeyspaceAfter(keyspace uint32, ts uint64, flags DestroyFlags) error {
	return gc.h.call(func(h *C.rgc_t, err **C.char) {
		C.rgc_destroy_keyspace_after(h, C.uint32_t(keyspace), C.uint64_t(ts), C.int(flags), err)
	})
}

// TakeBackDestroyRange takes back a destroy that has not begun, of exactly this range.
func (gc *Gc) TakeBackDestroyRange(r Range) error {
	return gc.h.call(func(h *C.rgc_t, err **C.char) {
		C.rgc_take_back_destroy_range(
			h, bytesOf(r.Start), size(r.Start), bytesOf(r.End), size(r.End), err)
	})
}

// TakeBackDestroyKeyspace takes back the destroy of a keyspace that has not begun.
func (gc *Gc) TakeBackDestroyKeyspace(keyspace uint32) error {
	return gc.h.call(func(h *C.rgc_t, err **C.char) {
		C.rgc_take_back_destroy_keyspace(h, C.uint32_t(keyspace), err)
	})
}

// RecheckDestroyed destroys once more the ranges that were cleared long enough ago, and removes
// their records. It is for recheck=manual.
func (gc *Gc) RecheckDestroyed(
	nowUnixSeconds uint64,
) (removed int, report DestroyReport, err error) {
	report, err = gc.reported(func(h *C.rgc_t, report *C.rgc_destroy_report_t, err **C.char) {
		removed = int(C.rgc_recheck_destroyed(h, C.uint64_t(nowUnixSeconds), report, err))
	})
	return removed, report, err
}

// RecheckDestroyedRange destroys exactly this range once more, and removes its record.
func (gc *Gc) RecheckDestroyedRange(r Range) (DestroyReport, error) {
	return gc.reported(func(h *C.rgc_t, report *C.rgc_destroy_report_t, err **C.char) {
		C.rgc_recheck_destroyed_range(
			h, bytesOf(r.Start), size(r.Start), bytesOf(r.End), size(r.End), report, err)
	})
}

// ReleaseDestroyed removes the record of exactly this range, so that the range may be written
// again.
func (gc *Gc) ReleaseDestroyed(r Range) error {
	return gc.h.call(func(h *C.rgc_t, err **C.char) {
		C.rgc_release_destroyed(h, bytesOf(r.Start), size(r.Start), bytesOf(r.End), size(r.End), err)
	})
}

// ReloadLedger reads the ledger anew, after replication has changed it.
func (gc *Gc) ReloadLedger() error {
	return gc.h.call(func(h *C.rgc_t, err **C.char) { C.rgc_reload_ledger(h, err) })
}

// DestroyedCount returns the number of records of destroyed ranges.
func (gc *Gc) DestroyedCount() (count int, err error) {
	err = gc.h.call(func(h *C.rgc_t, _ **C.char) { count = int(C.rgc_destroyed_count(h)) })
	return count, err
}

// DestroyedRange is the record of a destroyed range. rgc_destroyed_info_t in rocks_gc.h says what
// each number means.
type DestroyedRange struct {
	Range Range
	// Keyspace is KeyspaceNone for a plain range.
	Keyspace                            uint32
	State                               DestroyState
	StartedUnixSeconds, DoneUnixSeconds uint64
	LateKeysDropped                     uint64
	// PendingTS is the timestamp that a pending destroy waits for, else 0.
	PendingTS uint64
}

// Destroyed lists the records of destroyed ranges, ordered by start. Without a store there are
// none.
func (gc *Gc) Destroyed() (list []DestroyedRange, err error) {
	err = gc.h.call(func(h *C.rgc_t, _ **C.char) {
		listing(func(info unsafe.Pointer) {
			c := (*C.rgc_destroyed_info_t)(info)
			list = append(list, DestroyedRange{
				Range: Range{
					C.GoBytes(unsafe.Pointer(c.start), C.int(c.start_len)),
					C.GoBytes(unsafe.Pointer(c.end), C.int(c.end_len)),
				},
				Keyspace:           uint32(c.keyspace),
				State:              DestroyState(c.state),
				StartedUnixSeconds: uint64(c.started_unix_seconds),
				DoneUnixSeconds:    uint64(c.done_unix_seconds),
				LateKeysDropped:    uint64(c.late_keys_dropped),
				PendingTS:          uint64(c.pending_ts),
			})
		}, func(visitor C.uintptr_t) { C.rocksgc_destroyed(h, visitor) })
	})
	return list, err
}
