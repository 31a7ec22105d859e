// Package schema judges a parsed tree by an XML Schema (XSD 1.0): libxml2's schema
// engine, driven by events that are walked off an *xmltree.Tree, a part at a time.
// There is no second parse and no second tree: what is judged is what is read.
//
//	s, err := schema.Compile(files, "main.xsd")
//	faults, err := s.Validate(tree, tree.Root(), schema.Options{})
//
// # What is told
//
// A Fault has a kind, the node or attribute, and names or values of the schema that
// would be right. It never carries libxml2's message, which holds values of the
// document. The error of Validate is the engine's own failure, never the
// document's. All faults of an element's content are told: libxml2 stops at the
// first child that does not fit, so the schema's own model tells the rest, and the
// children left unread are examined in a second pass by their types. There is no
// third.
//
// Where faults come again, the model foresees them: libxml2 is fed what is without
// fault in their place, for writing a message costs it more than reading an element.
// A document with a thousand faults is fed once, as a clean one is.
//
// # What it demands of a schema
//
// All types are named. One file is the only one that is imported for its
// namespace. Patterns are deterministic and without counters: libxml2 tries the
// others with a way back, in more than linear time, and counts wrongly.
// Names of types that no document may give in xsi:type hold a dot. A fixed value is
// fixed by an attribute or a type, not by an element: the second pass knows types.
//
// # Safety
//
// A compiled Schema may be shared by goroutines; each call has a context of its own.
// From the first Compile on, libxml2 opens no file and no connection anywhere in
// this process, except the files given to Compile; Refused counts attempts.
// xsi:schemaLocation is never followed.
//
// Time is linear in the size of the document: texts are handed over once, large
// ones without a copy, whatever comments and sections cut them.
package schema

/*
#cgo pkg-config: libxml-2.0
#include <stdlib.h>
#include "engine.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"sync"
	"unsafe"

	"portti/internal/xmltree"
)

// Name is an expanded name.
type Name struct{ Space, Local string }

// Schema is a compiled schema. It is immutable and safe for concurrent use.
type Schema struct {
	c     C.xmlSchemaPtr
	model *model
	few   int // fewFaults, save in tests
	part  int // partSize, save in tests
}

// initialize sets libxml2 up, once for the process.
var initialize = sync.OnceFunc(func() { C.portti_init() })

// compiling lets one schema be compiled at a time: libxml2 fills tables of built-in
// types on first use.
var compiling sync.Mutex

// wrapper is the schema that is compiled: it imports the one asked for and adds the
// element in which the second pass feeds children by their types.
const (
	wrapperFile  = "portti-wrapper.xsd"
	wrapperSpace = "urn:portti:schema:wrapper"
	wrapperRoot  = "probe"
	wrapperText  = `<xs:schema xmlns:xs="` + spaceXSD + `" targetNamespace="` + wrapperSpace + `">
<xs:import namespace="%s" schemaLocation="%s"/>
<xs:element name="` + wrapperRoot + `" type="xs:anyType"/>
</xs:schema>`
)

// Compile compiles the schema file named main of fsys together with the files that
// it includes and imports, all in fsys's root folder.
func Compile(fsys fs.FS, main string) (*Schema, error) {
	initialize()
	files, err := load(fsys, main)
	if err != nil {
		return nil, err
	}
	m, err := newModel(files, main)
	if err != nil {
		return nil, err
	}
	target := m.target[main]
	if strings.ContainsAny(target+main, `"&<`) {
		return nil, fmt.Errorf("schema: %s: name or namespace not allowed", main)
	}
	files[wrapperFile] = []byte(fmt.Sprintf(wrapperText, target, main))
	c, err := compile(files)
	if err != nil {
		return nil, fmt.Errorf("schema: %s: %w", main, err)
	}
	s := &Schema{c: c, model: m, few: fewFaults, part: partSize}
	runtime.AddCleanup(s, func(c C.xmlSchemaPtr) { C.xmlSchemaFree(c) }, c)
	return s, nil
}

// load reads a schema file and all that it includes or imports.
func load(fsys fs.FS, main string) (map[string][]byte, error) {
	files := make(map[string][]byte)
	for todo := []string{main}; len(todo) > 0; {
		name := todo[0]
		todo = todo[1:]
		if _, known := files[name]; known {
			continue
		}
		if strings.Contains(name, "/") || name == wrapperFile {
			return nil, fmt.Errorf("schema: %s: only plain names in one folder", name)
		}
		b, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("schema: %w", err)
		}
		files[name] = b
		t, err := xmltree.Parse(b, xmltree.Limits{})
		if err != nil {
			return nil, fmt.Errorf("schema: %s: %w", name, err)
		}
		for n := range t.Children(t.Root()) {
			if t.Is(n, spaceXSD, "include") || t.Is(n, spaceXSD, "import") {
				if at := t.Attr(n, "schemaLocation"); at != "" {
					todo = append(todo, at)
				}
			}
		}
	}
	return files, nil
}

// compile hands the files to libxml2 in C memory and compiles the wrapper.
func compile(files map[string][]byte) (C.xmlSchemaPtr, error) {
	n := len(files)
	names := make([]*C.char, 0, n)
	data := make([]*C.char, 0, n)
	sizes := make([]C.int, 0, n)
	for name, b := range files {
		names = append(names, C.CString(name))
		data = append(data, (*C.char)(C.CBytes(b)))
		sizes = append(sizes, C.int(len(b)))
	}
	defer func() {
		for i := range names {
			C.free(unsafe.Pointer(names[i]))
			C.free(unsafe.Pointer(data[i]))
		}
	}()
	url := C.CString("portti-xsd:/" + wrapperFile)
	defer C.free(unsafe.Pointer(url))
	const size = 1000
	why := (*C.char)(C.malloc(size))
	defer C.free(unsafe.Pointer(why))

	compiling.Lock()
	defer compiling.Unlock()
	c := C.portti_compile(&names[0], &data[0], &sizes[0], C.int(n), url, why, size)
	if c == nil {
		return nil, errors.New(strings.TrimSpace("libxml2 does not compile it: " + C.GoString(why)))
	}
	return c, nil
}

// Refused tells how often libxml2 wanted to open something in this process and was
// not let; a test holds it at zero.
func Refused() int { return int(C.portti_refused()) }
