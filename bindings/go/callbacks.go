package rocksgc

// #include "callbacks.h"
import "C"

import (
	"log"
	"runtime/cgo"
	"sync"
	"unsafe"
)

// Logger receives the library's log, from any thread and from several at once. It must return soon.
// It may read and advance safe points. A panic in it is recovered and reported by package log. It
// must not call runtime.Goexit, as t.Fatal does: the thread would count as inside the logger for
// ever, and on a thread of RocksDB the program would crash.
type Logger func(level LogLevel, message string)

// Clock returns unix time in seconds. 0 means unknown. A panic in it is recovered, and means 0. It
// must not call runtime.Goexit, as Logger says.
type Clock func() uint64

var logger struct {
	sync.Mutex
	state cgo.Handle
}

// SetLogger sets the logger of the whole process, for messages up to maxLevel. Until the first call
// errors go to standard error. nil means silence. When the call returns, the last call of the old
// logger has ended.
func SetLogger(newLogger Logger, maxLevel LogLevel) error {
	if err := checkABI(); err != nil {
		return err
	}
	if err := refuseInside("the new logger"); err != nil {
		return err
	}
	logger.Lock()
	defer logger.Unlock()
	var state cgo.Handle
	if newLogger != nil {
		state = cgo.NewHandle(newLogger)
	}
	answer := C.rocksgc_set_logger(C.uintptr_t(state), C.int(maxLevel))
	return replace(&logger.state, state, accepted(answer, "the new logger"))
}

// replace frees the state that the library does not call any more.
func replace(current *cgo.Handle, state cgo.Handle, err error) error {
	unused := *current
	if err != nil {
		unused = state
	} else {
		*current = state
	}
	if unused != 0 {
		unused.Delete()
	}
	return err
}

// refuseInside refuses what would wait for its own caller.
func refuseInside(what string) error {
	return accepted(C.uchar(1-C.rocksgc_inside()), what)
}

//export rocksgcLog
func rocksgcLog(state C.uintptr_t, level C.int, message *C.char) {
	defer recovered("logger")
	cgo.Handle(state).Value().(Logger)(LogLevel(level), C.GoString(message))
}

//export rocksgcClock
func rocksgcClock(state C.uintptr_t) (seconds C.uint64_t) {
	defer recovered("clock")
	return C.uint64_t(cgo.Handle(state).Value().(Clock)())
}

func recovered(what string) {
	if reason := recover(); reason != nil {
		log.Printf("rocksgc: the %s panicked: %v", what, reason)
	}
}

//export rocksgcVisit
func rocksgcVisit(state C.uintptr_t, info unsafe.Pointer) {
	cgo.Handle(state).Value().(func(unsafe.Pointer))(info)
}

// listing runs a function of the library that shows structs one by one.
func listing(visit func(info unsafe.Pointer), run func(visitor C.uintptr_t)) {
	state := cgo.NewHandle(visit)
	defer state.Delete()
	run(C.uintptr_t(state))
}
