package rocksgc

// #include <stdlib.h>
// #include "callbacks.h"
import "C"

import (
	"time"
	"unsafe"
)

// Pending returns the number of rows, schemas, debts and destroys that wait for the worker.
func (gc *Gc) Pending() (pending uint64, err error) {
	err = gc.h.call(func(h *C.rgc_t, _ **C.char) { pending = uint64(C.rgc_worker_pending(h)) })
	return pending, err
}

// Drain waits until nothing is pending. It returns how many are still pending at the end of the
// time.
func (gc *Gc) Drain(timeout time.Duration) (pending uint64, err error) {
	if timeout < 0 {
		timeout = 0
	}
	err = gc.h.call(func(h *C.rgc_t, err **C.char) {
		pending = uint64(C.rgc_worker_drain(h, C.uint64_t(timeout.Milliseconds()), err))
	})
	return pending, err
}

// Debt returns the files that the worker has still to compact.
func (gc *Gc) Debt() (Debt, error) {
	var c C.rgc_debt_t
	c.struct_size = C.sizeof_rgc_debt_t
	err := gc.h.call(func(h *C.rgc_t, err **C.char) { C.rgc_debt(h, &c, err) })
	return newDebt(&c), err
}

// Collect collects garbage now. family "" means the families with RoleDefault and RoleWrite.
// maxBytes is the most bytes of files to read and compact; 0 means no limit.
func (gc *Gc) Collect(family string, r Range, maxBytes uint64) (CollectReport, error) {
	return gc.collect(family, func(h *C.rgc_t, name *C.char, report *collected, err **C.char) {
		C.rgc_collect(h, name, bytesOf(r.Start), size(r.Start), bytesOf(r.End), size(r.End),
			C.uint64_t(maxBytes), report, err)
	})
}

// CollectDryRun tells what Collect would do, and changes nothing.
func (gc *Gc) CollectDryRun(family string, r Range, maxBytes uint64) (CollectReport, error) {
	return gc.collect(family, func(h *C.rgc_t, name *C.char, report *collected, err **C.char) {
		C.rgc_collect_dry_run(h, name, bytesOf(r.Start), size(r.Start), bytesOf(r.End), size(r.End),
			C.uint64_t(maxBytes), report, err)
	})
}

type collected = C.rgc_collect_report_t

func (gc *Gc) collect(
	family string, f func(h *C.rgc_t, name *C.char, report *collected, err **C.char),
) (CollectReport, error) {
	if err := checkText(family, "the family's name"); err != nil {
		return CollectReport{}, err
	}
	name := optionalText(family)
	defer C.free(unsafe.Pointer(name))
	var report C.rgc_collect_report_t
	report.struct_size = C.sizeof_rgc_collect_report_t
	err := gc.h.call(func(h *C.rgc_t, err **C.char) { f(h, name, &report, err) })
	return newCollectReport(&report), err
}

// Explanation tells why garbage of one keyspace and mode in one column family is not collected.
// rgc_explained_t in rocks_gc.h says what each number means.
type Explanation struct {
	ColumnFamily string
	Mode         Mode
	// Keyspace is KeyspaceNone for modes m and t, and for the plain layout.
	Keyspace uint32
	Why      Why
	// Text is the reason, and what to do.
	Text                              string
	OwnSafePoint, EffectiveSafePoint  uint64
	Files, SampledVersions            uint64
	Rows, Versions, Bytes             uint64
	DueVersions, DueBytes             uint64
	LastLevelVersions, LastLevelBytes uint64
	HeldVersions, HeldBytes           uint64
	Unparsed                          uint64
	OldestTS                          uint64
}

// Explain tells why nothing is collected of the keyspaces that have keys in a range. The text has a
// line for each of the 100 keyspaces with the most garbage.
func (gc *Gc) Explain(r Range) (text string, answers []Explanation, err error) {
	return gc.explain(func(h *C.rgc_t, visitor C.uintptr_t, err **C.char) *C.char {
		return C.rocksgc_explain(
			h, bytesOf(r.Start), size(r.Start), bytesOf(r.End), size(r.End), visitor, err)
	})
}

// ExplainKeyspace tells why nothing is collected of a keyspace.
func (gc *Gc) ExplainKeyspace(keyspace uint32) (text string, answers []Explanation, err error) {
	return gc.explain(func(h *C.rgc_t, visitor C.uintptr_t, err **C.char) *C.char {
		return C.rocksgc_explain_keyspace(h, C.uint32_t(keyspace), visitor, err)
	})
}

func (gc *Gc) explain(
	f func(h *C.rgc_t, visitor C.uintptr_t, err **C.char) *C.char,
) (text string, answers []Explanation, err error) {
	err = gc.h.call(func(h *C.rgc_t, err **C.char) {
		listing(func(info unsafe.Pointer) {
			answers = append(answers, newExplanation((*C.rgc_explained_t)(info)))
		}, func(visitor C.uintptr_t) { text = takeText(f(h, visitor, err)) })
	})
	return text, answers, err
}

func newExplanation(c *C.rgc_explained_t) Explanation {
	return Explanation{
		ColumnFamily:       C.GoString(c.column_family),
		Mode:               Mode(c.mode),
		Keyspace:           uint32(c.keyspace),
		Why:                Why(c.why),
		Text:               C.GoString(c.text),
		OwnSafePoint:       uint64(c.own_safe_point),
		EffectiveSafePoint: uint64(c.effective_safe_point),
		Files:              uint64(c.files),
		SampledVersions:    uint64(c.sampled_versions),
		Rows:               uint64(c.rows),
		Versions:           uint64(c.versions),
		Bytes:              uint64(c.bytes),
		DueVersions:        uint64(c.due_versions),
		DueBytes:           uint64(c.due_bytes),
		LastLevelVersions:  uint64(c.last_level_versions),
		LastLevelBytes:     uint64(c.last_level_bytes),
		HeldVersions:       uint64(c.held_versions),
		HeldBytes:          uint64(c.held_bytes),
		Unparsed:           uint64(c.unparsed),
		OldestTS:           uint64(c.oldest_ts),
	}
}
