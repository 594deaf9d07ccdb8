// The Go host of cost.c. Usage: cost DB
package main

// #cgo LDFLAGS: -lrocksdb
// #include <stdlib.h>
// #include <rocksdb/c.h>
import "C"

import (
	"fmt"
	"log"
	"os"
	"syscall"
	"unsafe"

	"rocksgc"
)

func cpuSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	gc, err := rocksgc.New(nil)
	check(err)
	check(gc.Register(rocksgc.GCKeyspaceLevel, 7))
	_, err = gc.AdvanceSafePoint(7, 21)
	check(err)
	options := C.rocksdb_options_create()
	C.rocksdb_options_set_disable_auto_compactions(options, 1)
	check(gc.Bind(""))
	check(gc.Install(unsafe.Pointer(options), rocksgc.KindRaw))
	var text *C.char
	db := C.rocksdb_open(options, C.CString(os.Args[1]), &text)
	if text != nil {
		log.Fatal(C.GoString(text))
	}
	before := cpuSeconds()
	C.rocksdb_compact_range(db, nil, 0, nil, 0)
	fmt.Printf("%.6f\n", cpuSeconds()-before)
	C.rocksdb_close(db)
	C.rocksdb_options_destroy(options)
	check(gc.Close())
}
