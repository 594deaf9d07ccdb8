// Two tenants, each with a safe point of its own.
package main

// #cgo LDFLAGS: -lrocksdb
// #include <stdlib.h>
// #include <rocksdb/c.h>
import "C"

import (
	"errors"
	"fmt"
	"log"
	"os"
	"unsafe"

	"rocksgc"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	directory, err := os.MkdirTemp("", "quickstart")
	if err != nil {
		return err
	}
	defer os.RemoveAll(directory)

	gc, err := rocksgc.New(nil)
	if err != nil {
		return err
	}
	defer gc.Close()
	if err := gc.Register(rocksgc.GCKeyspaceLevel, 7, 8); err != nil {
		return err
	}
	if _, err := gc.AdvanceSafePoints([]uint32{7, 8}, []uint64{100, 15}); err != nil {
		return err
	}

	options := C.rocksdb_options_create()
	defer C.rocksdb_options_destroy(options)
	C.rocksdb_options_set_create_if_missing(options, 1)
	if err := gc.Bind(""); err != nil {
		return err
	}
	if err := gc.Install(unsafe.Pointer(options), rocksgc.KindRaw); err != nil {
		return err
	}

	path := C.CString(directory)
	defer C.free(unsafe.Pointer(path))
	var text *C.char
	db := C.rocksdb_open(options, path, &text)
	if err := rocksdbError(text); err != nil {
		return err
	}
	defer C.rocksdb_close(db)
	if err := gc.Attach(unsafe.Pointer(db), rocksgc.DefaultFamily); err != nil {
		return err
	}
	defer gc.Detach() // before the DB closes

	if err := write(gc, db); err != nil {
		return err
	}
	C.rocksdb_compact_range(db, nil, 0, nil, 0)
	return report(gc, db)
}

func write(gc *rocksgc.Gc, db *C.rocksdb_t) error {
	options := C.rocksdb_writeoptions_create()
	defer C.rocksdb_writeoptions_destroy(options)
	value := []byte{'v', 0} // RawKV's values end with a byte of flags.
	for _, keyspace := range []uint32{7, 8} {
		for _, ts := range []uint64{10, 20, 30} {
			key, err := gc.EncodeKey(rocksgc.ModeRaw, keyspace, []byte("row"), ts)
			if err != nil {
				return err
			}
			var text *C.char
			C.rocksdb_put(db, options, (*C.char)(unsafe.Pointer(&key[0])), C.size_t(len(key)),
				(*C.char)(unsafe.Pointer(&value[0])), C.size_t(len(value)), &text)
			if err := rocksdbError(text); err != nil {
				return err
			}
		}
	}
	return nil
}

func report(gc *rocksgc.Gc, db *C.rocksdb_t) error {
	options := C.rocksdb_readoptions_create()
	defer C.rocksdb_readoptions_destroy(options)
	it := C.rocksdb_create_iterator(db, options)
	defer C.rocksdb_iter_destroy(it)
	left := map[uint32]int{}
	for C.rocksdb_iter_seek_to_first(it); C.rocksdb_iter_valid(it) != 0; C.rocksdb_iter_next(it) {
		var length C.size_t
		bytes := C.rocksdb_iter_key(it, &length)
		key, err := gc.DecodeKey(C.GoBytes(unsafe.Pointer(bytes), C.int(length)))
		if err != nil {
			return err
		}
		left[key.Keyspace]++
	}
	for _, keyspace := range []uint32{7, 8} {
		fmt.Printf("keyspace %d: %d of 3 versions left\n", keyspace, left[keyspace])
	}
	return nil
}

func rocksdbError(text *C.char) error {
	if text == nil {
		return nil
	}
	defer C.rocksdb_free(unsafe.Pointer(text))
	return errors.New(C.GoString(text))
}
