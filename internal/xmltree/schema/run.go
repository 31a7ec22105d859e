package schema

/*
#include "engine.h"
*/
import "C"

import (
	"runtime"
	"strings"
	"unsafe"

	"portti/internal/xmltree"
)

// partSize is the length of the events that are handed over in one call.
const partSize = 512

// run is libxml2's work on one document, fed in parts.
type run struct {
	c    *C.portti_run
	raws []raw
	cut  bool // the greatest number of faults was reached
	fail bool
}

// run hands the events that write writes over, in parts, and gives what libxml2 found,
// at most MaxFaults faults.
func (s *Schema) run(f *feed, write func()) ([]raw, error) {
	r := &run{c: C.portti_begin(s.c, MaxFaults)}
	if r.c == nil {
		return nil, ErrEngine
	}
	defer C.portti_free(r.c)
	f.run, f.part = r, s.part
	write()
	f.flush()
	f.hand()
	end := C.portti_end(r.c)
	runtime.KeepAlive(s)
	if end.status < 0 || r.fail {
		return nil, ErrEngine
	}
	return r.raws, nil
}

// hand hands the events written over, and tells whether to write more.
func (f *feed) hand() bool {
	r := f.run
	f.stay()
	f.big, f.block = append(f.big, nil), append(f.block, 0) // never empty
	out := C.portti_feed(r.c,
		(*C.int32_t)(unsafe.Pointer(unsafe.SliceData(f.ev))), C.size_t(len(f.ev)),
		(*C.char)(unsafe.Pointer(unsafe.SliceData(f.written))),
		(*C.char)(unsafe.Pointer(unsafe.SliceData(f.block))),
		(**C.char)(unsafe.Pointer(unsafe.SliceData(f.big))),
		C.size_t(f.most))
	clear(f.big)
	f.ev, f.block, f.big = f.ev[:0], f.block[:0], f.big[:0]
	if int(out.n) > len(r.raws) {
		f.take(unsafe.Slice(out.faults, int(out.n)), out.notes)
	}
	r.cut, r.fail = out.cut != 0, out.status < 0
	if f.learner != nil && len(r.raws)-f.learnt >= f.learner.s.few {
		f.learn()
	}
	return !r.cut && !r.fail
}

// stay keeps the names where they are until the feed is released: libxml2 holds
// pointers to those of open elements. Where they have grown out of their place, that
// place stays too.
func (f *feed) stay() {
	if p := unsafe.SliceData(f.written); p != f.pinned {
		f.pin.Pin(p)
		f.pinned = p
	}
}

// take reads the faults that have come since the last part.
func (f *feed) take(faults []C.portti_fault, notes *C.char) {
	r := f.run
	for i := len(r.raws); i < len(faults); i++ {
		x := faults[i]
		next := raw{node: xmltree.Node(x.node), attr: int(x.attr), code: int(x.code), phase: int(x.phase)}
		// What the fault before says too is one range of the notes, and one string here.
		if i > 0 && x.note == faults[i-1].note && x.noteLen == faults[i-1].noteLen {
			next.note = r.raws[i-1].note
		} else {
			next.note = note(notes, x.note, x.noteLen)
		}
		if i > 0 && x.tail == faults[i-1].tail && x.tailLen == faults[i-1].tailLen {
			next.tail = r.raws[i-1].tail
		} else {
			next.tail = note(notes, x.tail, x.tailLen)
		}
		if f.habits != nil {
			next = f.habits.asWritten(next)
		}
		r.raws = append(r.raws, next)
	}
}

func note(notes *C.char, at, n C.int32_t) string {
	if n == 0 {
		return ""
	}
	b := unsafe.Slice((*byte)(unsafe.Pointer(notes)), int(at+n))[at:]
	return strings.ToValidUTF8(string(b), "")
}
