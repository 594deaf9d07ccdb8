package rocksgc

// #include <rocks_gc.h>
import "C"

// Range is a half-open range of keys. A bound that is nil or empty is open.
type Range struct {
	Start, End []byte
}

// newRange gives the bounds back to the library.
func newRange(c *C.rgc_range_t) Range {
	return Range{takeBytes(c.start, c.start_len), takeBytes(c.end, c.end_len)}
}

// EncodeKey returns the stored key of version ts of a user key.
func (gc *Gc) EncodeKey(
	mode Mode, keyspace uint32, userKey []byte, ts uint64,
) (key []byte, err error) {
	err = gc.h.call(func(h *C.rgc_t, err **C.char) {
		var length C.size_t
		bytes := C.rgc_encode_key(h, C.int(mode), C.uint32_t(keyspace), bytesOf(userKey),
			size(userKey), C.uint64_t(ts), &length, err)
		key = takeBytes(bytes, length)
	})
	return key, err
}

// StoredKey is a stored key taken apart.
type StoredKey struct {
	Mode Mode
	// Keyspace is KeyspaceNone for modes m and t, and for the plain layout.
	Keyspace uint32
	UserKey  []byte
	TS       uint64
}

// DecodeKey takes a stored key apart. It fails with ErrCorruption if it is not one.
func (gc *Gc) DecodeKey(storedKey []byte) (key StoredKey, err error) {
	var c C.rgc_key_t
	c.struct_size = C.sizeof_rgc_key_t
	err = gc.h.call(func(h *C.rgc_t, err **C.char) {
		C.rgc_decode_key(h, bytesOf(storedKey), size(storedKey), &c, err)
	})
	if err != nil {
		return StoredKey{}, err
	}
	return StoredKey{
		Mode(c.mode), uint32(c.keyspace), takeBytes(c.user_key, c.user_key_len), uint64(c.ts),
	}, nil
}

// EncodeRange returns the stored range of all versions of the user keys in a range. An open end
// means the end of the keyspace.
func (gc *Gc) EncodeRange(mode Mode, keyspace uint32, userKeys Range) (Range, error) {
	return gc.filled(func(h *C.rgc_t, out *C.rgc_range_t, err **C.char) {
		C.rgc_encode_range(h, C.int(mode), C.uint32_t(keyspace), bytesOf(userKeys.Start),
			size(userKeys.Start), bytesOf(userKeys.End), size(userKeys.End), out, err)
	})
}

// KeyspaceRange returns the stored range of a whole keyspace; of a whole mode; or, in the plain
// layout, of all data.
func (gc *Gc) KeyspaceRange(mode Mode, keyspace uint32) (Range, error) {
	return gc.filled(func(h *C.rgc_t, out *C.rgc_range_t, err **C.char) {
		C.rgc_keyspace_range(h, C.int(mode), C.uint32_t(keyspace), out, err)
	})
}

func (gc *Gc) filled(f func(h *C.rgc_t, out *C.rgc_range_t, err **C.char)) (Range, error) {
	var c C.rgc_range_t
	c.struct_size = C.sizeof_rgc_range_t
	if err := gc.h.call(func(h *C.rgc_t, err **C.char) { f(h, &c, err) }); err != nil {
		return Range{}, err
	}
	return newRange(&c), nil
}
