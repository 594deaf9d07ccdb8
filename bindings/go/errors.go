package rocksgc

// #include <rocks_gc.h>
import "C"

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"
)

// ErrClosed is the error of every call on a closed Gc.
var ErrClosed = errors.New("rocksgc: the Gc is closed")

// Error is what a failed call reports. A failed call has changed nothing, unless rocks_gc.h says
// otherwise of its function. errors.Is(err, ErrBusy) tells its kind.
type Error struct {
	Kind ErrorKind
	// Text begins with the kind in words.
	Text string
}

func (e *Error) Error() string {
	return e.Text
}

// Is makes a kind a target of errors.Is.
func (e *Error) Is(target error) bool {
	kind, ok := target.(ErrorKind)
	return ok && kind == e.Kind
}

func (v ErrorKind) Error() string {
	return v.String()
}

// take makes an error of a text of the library, and gives the text back.
func take(text *C.char) error {
	if text == nil {
		return nil
	}
	defer C.rgc_free(unsafe.Pointer(text))
	return &Error{ErrorKind(C.rgc_error_kind(text)), C.GoString(text)}
}

func invalid(format string, arguments ...any) error {
	return &Error{ErrInvalidArgument, "Invalid argument: " + fmt.Sprintf(format, arguments...)}
}

// accepted is the error of a call that the library refused.
func accepted(answer C.uchar, what string) error {
	if answer != 0 {
		return nil
	}
	return &Error{ErrBusy, "Busy: " + what + " was refused, and nothing has changed: call it" +
		" outside of the library's callbacks; the log tells the reason"}
}

// checkText refuses what C would cut off.
func checkText(text, what string) error {
	if strings.IndexByte(text, 0) >= 0 {
		return invalid("%s %q holds a NUL: a text ends there", what, text)
	}
	return nil
}
