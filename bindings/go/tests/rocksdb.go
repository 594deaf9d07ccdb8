// Package tests drives rocksgc on a real RocksDB.
package tests

// #cgo LDFLAGS: -lrocksdb -ldl
// #include <dlfcn.h>
// #include <stdlib.h>
// #include <rocksdb/c.h>
import "C"

import (
	"errors"
	"unsafe"

	"rocksgc"
)

// options look like those of a Go binding: the first field is C's pointer.
type options struct {
	c *C.rocksdb_options_t
}

func newOptions(subcompactions int) *options {
	c := C.rocksdb_options_create()
	C.rocksdb_options_set_create_if_missing(c, 1)
	C.rocksdb_options_set_create_missing_column_families(c, 1)
	C.rocksdb_options_set_disable_auto_compactions(c, 1)
	C.rocksdb_options_set_max_background_jobs(c, 4)
	C.rocksdb_options_set_target_file_size_base(c, 16<<10)
	C.rocksdb_options_set_max_subcompactions(c, C.uint32_t(subcompactions))
	return &options{c}
}

// pointer reads the hidden pointer, as a user of such a binding does.
func pointer(o *options) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Pointer(o))
}

func (o *options) close() {
	C.rocksdb_options_destroy(o.c)
	o.c = nil
}

// load loads a shared library for the rest of the process.
func load(path string) error {
	c := C.CString(path)
	defer C.free(unsafe.Pointer(c))
	if C.dlopen(c, C.RTLD_NOW) == nil {
		return errors.New(C.GoString(C.dlerror()))
	}
	return nil
}

type db struct {
	c      *C.rocksdb_t
	write  *C.rocksdb_writeoptions_t
	handle [2]*C.rocksdb_column_family_handle_t
}

func open(o *options, directory string) (*db, error) {
	path := C.CString(directory)
	defer C.free(unsafe.Pointer(path))
	var text *C.char
	c := C.rocksdb_open(o.c, path, &text)
	if err := check(text); err != nil {
		return nil, err
	}
	return &db{c: c, write: C.rocksdb_writeoptions_create()}, nil
}

// openFamilies opens the families default and gc.
func openFamilies(o *options, directory string) (*db, error) {
	path := C.CString(directory)
	defer C.free(unsafe.Pointer(path))
	names := [2]*C.char{C.CString("default"), C.CString("gc")}
	defer C.free(unsafe.Pointer(names[0]))
	defer C.free(unsafe.Pointer(names[1]))
	plain := C.rocksdb_options_create()
	defer C.rocksdb_options_destroy(plain)
	each := [2]*C.rocksdb_options_t{o.c, plain}
	d := &db{write: C.rocksdb_writeoptions_create()}
	var text *C.char
	d.c = C.rocksdb_open_column_families(o.c, path, 2, &names[0], &each[0], &d.handle[0], &text)
	return d, check(text)
}

func (d *db) close() {
	for _, handle := range d.handle {
		if handle != nil {
			C.rocksdb_column_family_handle_destroy(handle)
		}
	}
	C.rocksdb_writeoptions_destroy(d.write)
	C.rocksdb_close(d.c)
}

func (d *db) put(gc *rocksgc.Gc, keyspace uint32, row []byte, ts uint64, value []byte) error {
	key, err := gc.EncodeKey(rocksgc.ModeRaw, keyspace, row, ts)
	if err != nil {
		return err
	}
	flagged := append(append([]byte{}, value...), 0)
	var text *C.char
	C.rocksdb_put(d.c, d.write, (*C.char)(unsafe.Pointer(&key[0])), C.size_t(len(key)),
		(*C.char)(unsafe.Pointer(&flagged[0])), C.size_t(len(flagged)), &text)
	return check(text)
}

func (d *db) flush() error {
	flush := C.rocksdb_flushoptions_create()
	defer C.rocksdb_flushoptions_destroy(flush)
	var text *C.char
	C.rocksdb_flush(d.c, flush, &text)
	return check(text)
}

func (d *db) compact() error {
	err := d.flush()
	C.rocksdb_compact_range(d.c, nil, 0, nil, 0)
	return err
}

func (d *db) versions(gc *rocksgc.Gc, keyspace uint32) int {
	read := C.rocksdb_readoptions_create()
	defer C.rocksdb_readoptions_destroy(read)
	it := C.rocksdb_create_iterator(d.c, read)
	defer C.rocksdb_iter_destroy(it)
	versions := 0
	for C.rocksdb_iter_seek_to_first(it); C.rocksdb_iter_valid(it) != 0; C.rocksdb_iter_next(it) {
		var length C.size_t
		bytes := C.rocksdb_iter_key(it, &length)
		key, err := gc.DecodeKey(C.GoBytes(unsafe.Pointer(bytes), C.int(length)))
		if err == nil && key.Keyspace == keyspace {
			versions++
		}
	}
	return versions
}

func check(text *C.char) error {
	if text == nil {
		return nil
	}
	defer C.rocksdb_free(unsafe.Pointer(text))
	return errors.New(C.GoString(text))
}
