package rocksgc

// #include <stdlib.h>
// #include "callbacks.h"
import "C"

import "unsafe"

// Register registers keyspaces with their type, all or none. The first type is valid for the
// process.
func (gc *Gc) Register(gcType GCType, keyspaces ...uint32) error {
	return gc.h.call(func(h *C.rgc_t, err **C.char) {
		if len(keyspaces) == 1 {
			C.rgc_set_keyspace_gc_type(h, C.uint32_t(keyspaces[0]), C.int(gcType), err)
		} else {
			C.rgc_set_keyspace_gc_types(
				h, numbers(keyspaces), C.size_t(len(keyspaces)), C.int(gcType), err)
		}
	})
}

// Pause keeps everything of a keyspace until it is registered again.
func (gc *Gc) Pause(keyspace uint32) error {
	return gc.h.call(func(h *C.rgc_t, err **C.char) {
		C.rgc_pause_keyspace(h, C.uint32_t(keyspace), err)
	})
}

// KeyspaceMeta is a keyspace's metadata.
type KeyspaceMeta struct {
	ID    uint32
	State KeyspaceState
	Name  string
	// GCManagementType is keyspace_level, keyspace_level_gc, unified or global_gc; "" means global.
	GCManagementType string
}

// LoadKeyspace loads a keyspace's metadata, and registers its type.
func (gc *Gc) LoadKeyspace(meta KeyspaceMeta) error {
	if err := checkText(meta.Name, "the keyspace's name"); err != nil {
		return err
	}
	if err := checkText(meta.GCManagementType, "the keyspace's GC type"); err != nil {
		return err
	}
	name, gcType := C.CString(meta.Name), optionalText(meta.GCManagementType)
	defer C.free(unsafe.Pointer(name))
	defer C.free(unsafe.Pointer(gcType))
	c := C.rgc_keyspace_meta_t{
		struct_size:        C.sizeof_rgc_keyspace_meta_t,
		id:                 C.uint32_t(meta.ID),
		state:              C.int(meta.State),
		name:               name,
		gc_management_type: gcType,
	}
	return gc.h.call(func(h *C.rgc_t, err **C.char) { C.rgc_keyspace_load(h, &c, err) })
}

// LoadKeyspaceProtobuf loads a keyspace's metadata from the bytes that PD stores
// (keyspacepb.KeyspaceMeta).
func (gc *Gc) LoadKeyspaceProtobuf(bytes []byte) error {
	return gc.h.call(func(h *C.rgc_t, err **C.char) {
		C.rgc_keyspace_load_protobuf(h, bytesOf(bytes), size(bytes), err)
	})
}

// KeyspaceByName returns the keyspace that owns a name, by the metadata that were loaded.
func (gc *Gc) KeyspaceByName(name string) (keyspace uint32, found bool, err error) {
	var id C.uint32_t
	err = gc.withName(name, func(h *C.rgc_t, name *C.char, err **C.char) {
		found = C.rgc_keyspace_by_name(h, name, &id, err) != 0
	})
	return uint32(id), found, err
}

// KeyspaceInfo is a keyspace of which the library knows anything.
type KeyspaceInfo struct {
	ID uint32
	// State is -1 if no metadata were loaded.
	State KeyspaceState
	// GCType is -1 if the keyspace is not registered, -2 if everything is kept.
	GCType GCType
	// 0 means none.
	OwnSafePoint, EffectiveSafePoint uint64
	// Name "" means unknown.
	Name string
}

// Keyspaces lists the keyspaces that were loaded or registered, or have a safe point of their own.
func (gc *Gc) Keyspaces() (list []KeyspaceInfo, err error) {
	err = gc.h.call(func(h *C.rgc_t, _ **C.char) {
		listing(func(info unsafe.Pointer) {
			c := (*C.rgc_keyspace_info_t)(info)
			list = append(list, KeyspaceInfo{
				ID:                 uint32(c.id),
				State:              KeyspaceState(c.state),
				GCType:             GCType(c.gc_type),
				OwnSafePoint:       uint64(c.own_safe_point),
				EffectiveSafePoint: uint64(c.effective_safe_point),
				Name:               C.GoString(c.name),
			})
		}, func(visitor C.uintptr_t) { C.rocksgc_keyspaces(h, visitor) })
	})
	return list, err
}
