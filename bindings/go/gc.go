package rocksgc

// #cgo LDFLAGS: -ldl
// #define _GNU_SOURCE
// #include <dlfcn.h>
// #include <stdlib.h>
// #include "callbacks.h"
//
// /* path NULL means the program and what it was linked with. RocksDB is never loaded again. */
// static void* loaded_function(const char* path, const char* name) {
//   void* library = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
//   return library ? dlsym(library, name) : NULL;
// }
//
// static void give(void* function, void* options, void* object) {
//   ((void (*)(void*, void*))function)(options, object);
// }
import "C"

import (
	"runtime"
	"sync"
	"unsafe"
)

// Gc is the garbage collection of one DB. Any number of goroutines may share it. Close detaches
// first. While a store is attached, a Gc that the program loses lives on.
type Gc struct {
	h *handle

	mu sync.Mutex
	// path is the library that Bind was told; "" means that it searched the process.
	path string
}

// attached holds each Gc whose store is attached.
var attached sync.Map

// New creates a Gc. nil means every default.
func New(options *Options) (*Gc, error) {
	if err := checkABI(); err != nil {
		return nil, err
	}
	context, err := options.create()
	if err != nil {
		return nil, err
	}
	gc := &Gc{h: newHandle(context)}
	runtime.SetFinalizer(gc, func(gc *Gc) { go gc.h.close() })
	return gc, nil
}

// Close detaches, and destroys the context. A second call does nothing.
func (gc *Gc) Close() error {
	if err := gc.h.close(); err != nil {
		return err
	}
	attached.Delete(gc)
	return nil
}

// SetEnabled switches collection off, or on again.
func (gc *Gc) SetEnabled(enabled bool) error {
	var on C.uchar
	if enabled {
		on = 1
	}
	return gc.h.use(func(c *C.rgc_t) error {
		return accepted(C.rgc_set_enabled(c, on), "the switch")
	})
}

// SetClock sets the clock. nil means the system's. When the call returns, the last call of the old
// clock has ended.
func (gc *Gc) SetClock(clock Clock) error {
	return gc.h.setClock(clock)
}

// Stats returns the counters.
func (gc *Gc) Stats() (Stats, error) {
	var c C.rgc_stats_t
	c.struct_size = C.sizeof_rgc_stats_t
	err := gc.h.call(func(h *C.rgc_t, _ **C.char) { C.rgc_stats(h, &c) })
	return newStats(&c), err
}

// Metrics returns the counters as OpenMetrics text.
func (gc *Gc) Metrics() (text string, err error) {
	err = gc.h.call(func(h *C.rgc_t, _ **C.char) { text = takeText(C.rgc_metrics(h)) })
	return text, err
}

// Bind finds RocksDB's C functions: in the library at a path or SONAME, which the program has
// loaded; or, if path is "", in the program and what it has loaded.
func (gc *Gc) Bind(path string) error {
	if err := checkText(path, "the path of RocksDB"); err != nil {
		return err
	}
	cPath := optionalText(path)
	defer C.free(unsafe.Pointer(cPath))
	err := gc.h.call(func(h *C.rgc_t, err **C.char) {
		C.rgc_bind_rocksdb_library(h, nil, cPath, err)
	})
	if err == nil {
		gc.mu.Lock()
		gc.path = path
		gc.mu.Unlock()
	}
	return err
}

// Install gives a rocksdb_options_t a filter factory. Call it after Bind and before opening, once
// for each options object.
func (gc *Gc) Install(options unsafe.Pointer, kind FilterKind) error {
	set, err := gc.function("rocksdb_options_set_compaction_filter_factory", options)
	if err != nil {
		return err
	}
	factory, err := gc.FilterFactory(kind)
	if err == nil {
		C.give(set, options, factory)
	}
	return err
}

// Listen gives a rocksdb_options_t a listener, by which filters know exactly whether they write the
// last level. It fails with ErrNotSupported before RocksDB 10.4.
func (gc *Gc) Listen(options unsafe.Pointer) error {
	listener, err := gc.eventListener(options)
	if err != nil {
		return err
	}
	add, err := gc.function("rocksdb_options_add_eventlistener", options)
	if err == nil {
		C.give(add, options, listener)
	}
	return err
}

func (gc *Gc) eventListener(options unsafe.Pointer) (listener unsafe.Pointer, err error) {
	if options == nil {
		return nil, invalid("the options are NULL: are they closed?")
	}
	err = gc.h.call(func(h *C.rgc_t, err **C.char) {
		listener = unsafe.Pointer(C.rgc_rocksdb_event_listener(h, err))
	})
	return listener, err
}

// FilterFactory creates a rocksdb_compactionfilterfactory_t for a program that gives it to its
// options itself. One options object owns it from then on.
func (gc *Gc) FilterFactory(kind FilterKind) (factory unsafe.Pointer, err error) {
	err = gc.h.call(func(h *C.rgc_t, err **C.char) {
		factory = unsafe.Pointer(C.rgc_rocksdb_filter_factory(h, C.int(kind), err))
	})
	return factory, err
}

// WALFilter creates a rocksdb_walfilter_t. The options do not own it. Give it to
// rocksdb_walfilter_destroy when the DB is closed, not before. It fails with ErrNotSupported before
// RocksDB 11.8.
func (gc *Gc) WALFilter(families ...string) (filter unsafe.Pointer, err error) {
	names := make([]*C.char, len(families)+1)
	for i, name := range families {
		if err := checkText(name, "a family's name"); err != nil {
			return nil, err
		}
		names[i] = C.CString(name)
		defer C.free(unsafe.Pointer(names[i]))
	}
	err = gc.h.call(func(h *C.rgc_t, err **C.char) {
		filter = unsafe.Pointer(C.rgc_rocksdb_wal_filter(h, &names[0], C.size_t(len(families)), err))
	})
	return filter, err
}

// function finds a function of the bound RocksDB that takes options.
func (gc *Gc) function(name string, options unsafe.Pointer) (unsafe.Pointer, error) {
	if options == nil {
		return nil, invalid("the options are NULL: are they closed?")
	}
	gc.mu.Lock()
	path := optionalText(gc.path)
	gc.mu.Unlock()
	defer C.free(unsafe.Pointer(path))
	cName := C.CString(name)
	defer C.free(unsafe.Pointer(cName))
	function := C.loaded_function(path, cName)
	if function == nil {
		return nil, &Error{ErrNotFound, "Not found: RocksDB's " + name + ": call Bind with the" +
			" path of RocksDB; or use FilterFactory; a static program must be linked with -rdynamic"}
	}
	return function, nil
}

// optionalText returns NULL for "".
func optionalText(text string) *C.char {
	if text == "" {
		return nil
	}
	return C.CString(text)
}

// Family is a column family of the store.
type Family struct {
	Role Role
	// Name is RocksDB's own name of the family.
	Name string
	// Handle is a rocksdb_column_family_handle_t; nil means the default family.
	Handle unsafe.Pointer
}

// DefaultFamily is the default column family, with RoleDefault.
var DefaultFamily = Family{Role: RoleDefault, Name: "default"}

// Attach attaches an open DB, a rocksdb_t. Call it after opening, and Detach or Close before the DB
// closes. The DB and the families must stay open until then.
func (gc *Gc) Attach(db unsafe.Pointer, families ...Family) error {
	array := make([]C.rgc_column_family_t, len(families)+1)
	for i, family := range families {
		if err := checkText(family.Name, "a family's name"); err != nil {
			return err
		}
		name := C.CString(family.Name)
		defer C.free(unsafe.Pointer(name))
		array[i] = C.rgc_column_family_t{
			struct_size: C.sizeof_rgc_column_family_t,
			role:        C.int(family.Role),
			name:        name,
			handle:      (*C.struct_rocksdb_column_family_handle_t)(family.Handle),
		}
	}
	return gc.h.call(func(h *C.rgc_t, err **C.char) {
		C.rgc_attach_rocksdb(h, (*C.struct_rocksdb_t)(db), &array[0], C.size_t(len(families)), err)
		// A close waits for this call, and forgets gc then.
		if *err == nil {
			attached.Store(gc, nil)
		}
	})
}

// Detach ends the use of the store. Then the DB may close. If it fails, the DB must stay open. It
// does nothing if nothing is attached.
func (gc *Gc) Detach() error {
	if err := gc.h.detach(); err != nil {
		return err
	}
	attached.Delete(gc)
	return nil
}
