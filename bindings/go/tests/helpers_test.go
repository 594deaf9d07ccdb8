package tests

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"rocksgc"
)

var row = []byte{'r', 0, 'w', 0}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func got[T any](t testing.TB) func(value T, err error) T {
	return func(value T, err error) T {
		t.Helper()
		must(t, err)
		return value
	}
}

func equal(t testing.TB, expected, found any) {
	t.Helper()
	if !reflect.DeepEqual(expected, found) {
		t.Fatalf("expected %v, found %v", expected, found)
	}
}

// fails wants the kind, in words too, and what is wrong.
func fails(t testing.TB, err error, kind rocksgc.ErrorKind, part string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("expected %v, found %v", kind, err)
	}
	words := kind.Error() + ": "
	text := err.Error()
	if !strings.HasPrefix(strings.ToLower(text), words) || !strings.Contains(text, part) {
		t.Fatalf("expected %q and %q, found %s", words, part, text)
	}
}

func newGc(t testing.TB, options string) *rocksgc.Gc {
	t.Helper()
	return got[*rocksgc.Gc](t)(rocksgc.New(rocksgc.NewOptions().Parse(options)))
}

// attach opens a DB whose default family is attached to gc. The test closes both.
func attach(t testing.TB, gc *rocksgc.Gc, subcompactions int) *db {
	t.Helper()
	o := newOptions(subcompactions)
	defer o.close()
	must(t, gc.Bind(""))
	must(t, gc.Install(pointer(o), rocksgc.KindRaw))
	d := got[*db](t)(open(o, t.TempDir()))
	must(t, gc.Attach(unsafe.Pointer(d.c), rocksgc.DefaultFamily))
	return d
}

func close(t testing.TB, gc *rocksgc.Gc, d *db) {
	t.Helper()
	must(t, gc.Close())
	d.close()
}
