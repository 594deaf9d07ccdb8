package rocksgc

// #include <stdlib.h>
// #include <rocks_gc.h>
import "C"

import "unsafe"

// Options are the options of a Gc: New(NewOptions().Set("recheck", "manual")). DescribeOptions
// names all of them. New reports the first setting that failed.
type Options struct {
	settings []setting
}

type setting func(options *C.rgc_options_t) error

// NewOptions returns options with every default.
func NewOptions() *Options {
	return &Options{}
}

// Set sets one option.
func (o *Options) Set(name, value string) *Options {
	return o.add(func(options *C.rgc_options_t) error {
		if err := checkText(name, "the option's name"); err != nil {
			return err
		}
		if err := checkText(value, "the value of "+name); err != nil {
			return err
		}
		cName, cValue := C.CString(name), C.CString(value)
		defer C.free(unsafe.Pointer(cName))
		defer C.free(unsafe.Pointer(cValue))
		var err *C.char
		C.rgc_options_set(options, cName, cValue, &err)
		return take(err)
	})
}

// Parse sets several options, all or none: "name=value;name=value".
func (o *Options) Parse(text string) *Options {
	return o.add(func(options *C.rgc_options_t) error {
		if err := checkText(text, "the text of options"); err != nil {
			return err
		}
		cText := C.CString(text)
		defer C.free(unsafe.Pointer(cText))
		var err *C.char
		C.rgc_options_parse(options, cText, &err)
		return take(err)
	})
}

func (o *Options) add(s setting) *Options {
	o.settings = append(o.settings, s)
	return o
}

// create makes the library's context.
func (o *Options) create() (*C.rgc_t, error) {
	options := C.rgc_options_create()
	defer C.rgc_options_destroy(options)
	if o != nil {
		for _, apply := range o.settings {
			if err := apply(options); err != nil {
				return nil, err
			}
		}
	}
	var err *C.char
	gc := C.rgc_create(options, &err)
	return gc, take(err)
}
