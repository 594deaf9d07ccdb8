package rocksgc

// #include <rocks_gc.h>
import "C"

import "unsafe"

const (
	// KeyspaceMax is the highest keyspace id.
	KeyspaceMax uint32 = C.RGC_KEYSPACE_MAX
	// KeyspaceNone is the keyspace of keys that belong to none: modes m and t, and the plain layout.
	KeyspaceNone uint32 = C.RGC_KEYSPACE_NONE
	// KeyspaceAll is every safe point, of a barrier.
	KeyspaceAll uint32 = C.RGC_KEYSPACE_ALL
)

// AdvanceGlobalSafePoint moves the global safe point forward. false means not newer, or refused:
// the log and Stats.SafePointsRefused tell.
func (gc *Gc) AdvanceGlobalSafePoint(ts uint64) (moved bool, err error) {
	err = gc.h.call(func(h *C.rgc_t, _ **C.char) {
		moved = C.rgc_advance_global_safe_point(h, C.uint64_t(ts)) != 0
	})
	return moved, err
}

// AdvanceSafePoint moves a keyspace's own safe point forward. false means not newer, or refused.
func (gc *Gc) AdvanceSafePoint(keyspace uint32, ts uint64) (moved bool, err error) {
	err = gc.h.call(func(h *C.rgc_t, err **C.char) {
		moved = C.rgc_advance_keyspace_safe_point(h, C.uint32_t(keyspace), C.uint64_t(ts), err) != 0
	})
	return moved, err
}

// AdvanceSafePoints moves the safe points of many keyspaces, pair by pair. It returns how many
// moved.
func (gc *Gc) AdvanceSafePoints(keyspaces []uint32, ts []uint64) (moved int, err error) {
	if len(keyspaces) != len(ts) {
		return 0, invalid("%d keyspaces and %d safe points: give one for each", len(keyspaces), len(ts))
	}
	err = gc.h.call(func(h *C.rgc_t, err **C.char) {
		var points *C.uint64_t
		if len(ts) > 0 {
			points = (*C.uint64_t)(unsafe.Pointer(&ts[0]))
		}
		moved = int(C.rgc_advance_keyspace_safe_points(
			h, numbers(keyspaces), points, C.size_t(len(ts)), err))
	})
	return moved, err
}

// GlobalSafePoint returns the global safe point. 0 means none.
func (gc *Gc) GlobalSafePoint() (ts uint64, err error) {
	err = gc.h.call(func(h *C.rgc_t, _ **C.char) { ts = uint64(C.rgc_global_safe_point(h)) })
	return ts, err
}

// SafePoint returns the effective safe point of a keyspace. 0 means that nothing is collected.
func (gc *Gc) SafePoint(keyspace uint32) (ts uint64, err error) {
	if keyspace > KeyspaceMax {
		return 0, invalid("the keyspace %d is not a number from 0 to %d", keyspace, KeyspaceMax)
	}
	err = gc.h.call(func(h *C.rgc_t, _ **C.char) {
		ts = uint64(C.rgc_keyspace_safe_point(h, C.uint32_t(keyspace)))
	})
	return ts, err
}

// SafePointOfKey returns the effective safe point of a stored key. 0 means that the key is never
// collected.
func (gc *Gc) SafePointOfKey(storedKey []byte) (ts uint64, err error) {
	err = gc.h.call(func(h *C.rgc_t, _ **C.char) {
		ts = uint64(C.rgc_safe_point_for_key(h, bytesOf(storedKey), size(storedKey)))
	})
	return ts, err
}

// ConsistencySafePoint returns the safe point at which two replicas of a range can be compared. It
// fails with ErrNotSupported if the range holds a keyspace that is registered as keyspace level.
func (gc *Gc) ConsistencySafePoint(r Range) (ts uint64, err error) {
	err = gc.h.call(func(h *C.rgc_t, err **C.char) {
		ts = uint64(C.rgc_consistency_safe_point(
			h, bytesOf(r.Start), size(r.Start), bytesOf(r.End), size(r.End), err))
	})
	return ts, err
}

// OldestLock returns the least start timestamp at or below upTo of a lock. 0 means that no lock is
// left. keyspace is an id, or KeyspaceNone.
func (gc *Gc) OldestLock(keyspace uint32, upTo uint64) (ts uint64, err error) {
	err = gc.h.call(func(h *C.rgc_t, err **C.char) {
		ts = uint64(C.rgc_oldest_lock(h, C.uint32_t(keyspace), C.uint64_t(upTo), err))
	})
	return ts, err
}

// numbers is the address of numbers that the library reads during the call.
func numbers(n []uint32) *C.uint32_t {
	if len(n) == 0 {
		return nil
	}
	return (*C.uint32_t)(unsafe.Pointer(&n[0]))
}
