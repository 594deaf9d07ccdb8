package rocksgc

// #include "callbacks.h"
import "C"

import "unsafe"

// LoadSchemas loads all valid schemas of a keyspace. It replaces the list before. The host must
// read highestIDEver, the highest id that was ever allocated, BEFORE it reads the list. The
// functions of schemas need schema_id=prefix. Their keyspace is KeyspaceNone in the plain layout.
func (gc *Gc) LoadSchemas(keyspace uint32, validIDs []uint32, highestIDEver uint32) error {
	return gc.h.call(func(h *C.rgc_t, err **C.char) {
		C.rgc_schemas_load(h, C.uint32_t(keyspace), numbers(validIDs), C.size_t(len(validIDs)),
			C.uint32_t(highestIDEver), err)
	})
}

// CreateSchema tells the id of a new schema, before the schema's first record is written.
func (gc *Gc) CreateSchema(keyspace, id uint32) error {
	return gc.h.call(func(h *C.rgc_t, err **C.char) {
		C.rgc_schema_create(h, C.uint32_t(keyspace), C.uint32_t(id), err)
	})
}

// DropSchema permanently drops a schema with all its data.
func (gc *Gc) DropSchema(keyspace, id uint32) error {
	return gc.h.call(func(h *C.rgc_t, err **C.char) {
		C.rgc_schema_drop(h, C.uint32_t(keyspace), C.uint32_t(id), err)
	})
}

// TruncateSchema orders to delete the versions of a schema up to and including a timestamp.
func (gc *Gc) TruncateSchema(keyspace, id uint32, upToTS uint64) error {
	return gc.h.call(func(h *C.rgc_t, err **C.char) {
		C.rgc_schema_truncate(h, C.uint32_t(keyspace), C.uint32_t(id), C.uint64_t(upToTS), err)
	})
}

// SchemaState returns the state of a schema.
func (gc *Gc) SchemaState(keyspace, id uint32) (state SchemaState, err error) {
	err = gc.h.call(func(h *C.rgc_t, _ **C.char) {
		state = SchemaState(C.rgc_schema_state(h, C.uint32_t(keyspace), C.uint32_t(id)))
	})
	return state, err
}

// SchemaInfo is a schema that was listed, created, dropped or truncated.
type SchemaInfo struct {
	Keyspace, ID uint32
	State        SchemaState
	// TruncatedUpToTS 0 means never.
	TruncatedUpToTS uint64
}

// Schemas lists the schemas by keyspace and id.
func (gc *Gc) Schemas() (list []SchemaInfo, err error) {
	err = gc.h.call(func(h *C.rgc_t, _ **C.char) {
		listing(func(info unsafe.Pointer) {
			c := (*C.rgc_schema_info_t)(info)
			list = append(list, SchemaInfo{
				Keyspace:        uint32(c.keyspace),
				ID:              uint32(c.id),
				State:           SchemaState(c.state),
				TruncatedUpToTS: uint64(c.truncated_up_to_ts),
			})
		}, func(visitor C.uintptr_t) { C.rocksgc_schemas(h, visitor) })
	})
	return list, err
}
