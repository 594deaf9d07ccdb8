// Package rocksgc removes old MVCC versions during RocksDB's compactions, by a safe point for each
// tenant. rocks_gc.h is the manual of all functions. Timestamps are unsigned numbers that only need
// an order.
package rocksgc

// #cgo pkg-config: rocks_gc
// #include <rocks_gc.h>
import "C"

import (
	"fmt"
	"sync"
	"unsafe"
)

var abi = struct {
	once sync.Once
	err  error
}{}

// checkABI compares the loaded library with the header that this package was compiled with.
func checkABI() error {
	abi.once.Do(func() {
		if version := C.rgc_abi_version(); version != C.RGC_ABI_VERSION {
			abi.err = &Error{ErrNotSupported, fmt.Sprintf(
				"Not supported: the loaded librocks_gc.so has ABI version %d, and this program was"+
					" compiled for %d: compile it with the header of the library",
				version, C.RGC_ABI_VERSION)}
		}
	})
	return abi.err
}

// Version returns the version of the loaded library.
func Version() string {
	return C.GoString(C.rgc_version())
}

// DescribeOptions returns one line for each option: name, default, values, meaning.
func DescribeOptions() string {
	return takeText(C.rgc_options_describe())
}

// takeText copies a text of the library, and gives it back.
func takeText(text *C.char) string {
	defer C.rgc_free(unsafe.Pointer(text))
	return C.GoString(text)
}

// takeBytes copies bytes of the library, and gives them back. NULL becomes nil.
func takeBytes(bytes *C.char, length C.size_t) []byte {
	if bytes == nil {
		return nil
	}
	defer C.rgc_free(unsafe.Pointer(bytes))
	return C.GoBytes(unsafe.Pointer(bytes), C.int(length))
}

// bytesOf is the address of bytes that the library reads during the call.
func bytesOf(b []byte) *C.char {
	if len(b) == 0 {
		return nil
	}
	return (*C.char)(unsafe.Pointer(&b[0]))
}

func size(b []byte) C.size_t {
	return C.size_t(len(b))
}

// textOf is a constant's text, or the number that this package does not know.
func textOf(text string, number int) string {
	if text == "" {
		return fmt.Sprintf("%d (unknown to this package)", number)
	}
	return text
}
