package rocksgc

// #include <stdlib.h>
// #include <rocks_gc.h>
import "C"

import "unsafe"

// Codec translates keys between a client of one keyspace and the store, as client-go's codec v2
// does. User keys are what the client knows. Request keys have the keyspace's prefix. Region keys
// are bounds of regions. Mode is ModeRaw or ModeTxn.
type Codec struct {
	Mode     Mode
	Keyspace uint32
}

// CodecOfRequestKey returns the codec of the keyspace of a request key.
func CodecOfRequestKey(requestKey []byte) (Codec, error) {
	if err := checkABI(); err != nil {
		return Codec{}, err
	}
	var mode C.int
	var keyspace C.uint32_t
	var err *C.char
	C.rgc_codec_parse_keyspace(bytesOf(requestKey), size(requestKey), &mode, &keyspace, &err)
	return Codec{Mode(mode), uint32(keyspace)}, take(err)
}

// EncodeKey returns the request key of a user key.
func (c Codec) EncodeKey(userKey []byte) ([]byte, error) {
	return one(func(length *C.size_t, err **C.char) *C.char {
		return C.rgc_codec_encode_key(
			C.int(c.Mode), C.uint32_t(c.Keyspace), bytesOf(userKey), size(userKey), length, err)
	})
}

// DecodeKey returns the user key of a request key.
func (c Codec) DecodeKey(requestKey []byte) ([]byte, error) {
	return one(func(length *C.size_t, err **C.char) *C.char {
		return C.rgc_codec_decode_key(
			C.int(c.Mode), C.uint32_t(c.Keyspace), bytesOf(requestKey), size(requestKey), length, err)
	})
}

// EncodeRegionKey returns the region key of a user key.
func (c Codec) EncodeRegionKey(userKey []byte) ([]byte, error) {
	return one(func(length *C.size_t, err **C.char) *C.char {
		return C.rgc_codec_encode_region_key(
			C.int(c.Mode), C.uint32_t(c.Keyspace), bytesOf(userKey), size(userKey), length, err)
	})
}

// DecodeRegionKey returns the user key of a region key.
func (c Codec) DecodeRegionKey(regionKey []byte) ([]byte, error) {
	return one(func(length *C.size_t, err **C.char) *C.char {
		return C.rgc_codec_decode_region_key(
			C.int(c.Mode), C.uint32_t(c.Keyspace), bytesOf(regionKey), size(regionKey), length, err)
	})
}

// EncodeRange returns the request keys of a range of user keys.
func (c Codec) EncodeRange(userKeys Range) (Range, error) {
	return bounds(func(out *C.rgc_range_t, err **C.char) {
		C.rgc_codec_encode_range(C.int(c.Mode), C.uint32_t(c.Keyspace), bytesOf(userKeys.Start),
			size(userKeys.Start), bytesOf(userKeys.End), size(userKeys.End), out, err)
	})
}

// DecodeRange returns the user keys of a range of request keys, cut to the keyspace.
func (c Codec) DecodeRange(requestKeys Range) (Range, error) {
	return bounds(func(out *C.rgc_range_t, err **C.char) {
		C.rgc_codec_decode_range(C.int(c.Mode), C.uint32_t(c.Keyspace), bytesOf(requestKeys.Start),
			size(requestKeys.Start), bytesOf(requestKeys.End), size(requestKeys.End), out, err)
	})
}

// EncodeRegionRange returns the region keys of a range of user keys.
func (c Codec) EncodeRegionRange(userKeys Range) (Range, error) {
	return bounds(func(out *C.rgc_range_t, err **C.char) {
		C.rgc_codec_encode_region_range(C.int(c.Mode), C.uint32_t(c.Keyspace),
			bytesOf(userKeys.Start), size(userKeys.Start), bytesOf(userKeys.End),
			size(userKeys.End), out, err)
	})
}

// DecodeRegionRange returns the user keys of a region, cut to the keyspace.
func (c Codec) DecodeRegionRange(region Range) (Range, error) {
	return bounds(func(out *C.rgc_range_t, err **C.char) {
		C.rgc_codec_decode_region_range(C.int(c.Mode), C.uint32_t(c.Keyspace),
			bytesOf(region.Start), size(region.Start), bytesOf(region.End), size(region.End), out, err)
	})
}

// EncodeKeys returns the request keys of many user keys, in one call.
func (c Codec) EncodeKeys(userKeys [][]byte) ([][]byte, error) {
	return many(userKeys, func(a *array, n *C.size_t, err **C.char) *C.char {
		return C.rgc_codec_encode_keys(
			C.int(c.Mode), C.uint32_t(c.Keyspace), &a.keys[0], &a.lengths[0], *n, &a.offsets[0], err)
	})
}

// DecodeKeys returns the user keys of many request keys, in one call.
func (c Codec) DecodeKeys(requestKeys [][]byte) ([][]byte, error) {
	return many(requestKeys, func(a *array, n *C.size_t, err **C.char) *C.char {
		return C.rgc_codec_decode_keys(
			C.int(c.Mode), C.uint32_t(c.Keyspace), &a.keys[0], &a.lengths[0], *n, &a.offsets[0], err)
	})
}

// DecodeBucketKeys returns the bounds of a region's buckets as user keys, cut to the keyspace.
func (c Codec) DecodeBucketKeys(regionKeys [][]byte) ([][]byte, error) {
	return many(regionKeys, func(a *array, n *C.size_t, err **C.char) *C.char {
		return C.rgc_codec_decode_bucket_keys(
			C.int(c.Mode), C.uint32_t(c.Keyspace), &a.keys[0], &a.lengths[0], *n, &a.offsets[0], n, err)
	})
}

func one(f func(length *C.size_t, err **C.char) *C.char) ([]byte, error) {
	if err := checkABI(); err != nil {
		return nil, err
	}
	var length C.size_t
	var err *C.char
	key := takeBytes(f(&length, &err), length)
	return key, take(err)
}

func bounds(f func(out *C.rgc_range_t, err **C.char)) (Range, error) {
	if err := checkABI(); err != nil {
		return Range{}, err
	}
	var c C.rgc_range_t
	c.struct_size = C.sizeof_rgc_range_t
	var err *C.char
	f(&c, &err)
	if err := take(err); err != nil {
		return Range{}, err
	}
	return newRange(&c), nil
}

// array is many keys as the library takes them. The slices have one element more than there are
// keys, so that each has an address.
type array struct {
	keys    []*C.char
	lengths []C.size_t
	offsets []C.size_t
}

// many translates keys. f may lower n, the number of keys.
func many(keys [][]byte, f func(a *array, n *C.size_t, err **C.char) *C.char) ([][]byte, error) {
	if err := checkABI(); err != nil {
		return nil, err
	}
	a := &array{
		make([]*C.char, len(keys)+1), make([]C.size_t, len(keys)+1), make([]C.size_t, len(keys)+1),
	}
	var joined []byte
	for _, key := range keys {
		joined = append(joined, key...)
	}
	memory := C.CBytes(joined)
	defer C.free(memory)
	offset := 0
	for i, key := range keys {
		a.keys[i] = (*C.char)(unsafe.Add(memory, offset))
		a.lengths[i] = size(key)
		offset += len(key)
	}
	n := C.size_t(len(keys))
	var err *C.char
	bytes := f(a, &n, &err)
	if err := take(err); err != nil {
		return nil, err
	}
	all := takeBytes(bytes, a.offsets[n])
	translated := make([][]byte, n)
	for i := range translated {
		translated[i] = all[a.offsets[i]:a.offsets[i+1]:a.offsets[i+1]]
	}
	return translated, nil
}
