//go:build linux && cgo

// Package faultvfs is a layer under SQLite for tests: a VFS that can fail a write or
// a sync, and cut the power.
//
// It remembers what of each file is durable and every change since. Cutting the
// power leaves what is durable and a random part of the changes, some torn in the
// middle of a page. A failing sync loses the changes of its file, as a kernel does
// that has marked the pages clean all the same: at once, or, still readable, with
// the next power cut. A sync that succeeds is not passed on to the disk: only the
// layer's own memory of what is durable matters, and tests run fast.
//
// What it does not model: the loss of a file's creation or deletion.
package faultvfs

// #cgo LDFLAGS: -Wl,--unresolved-symbols=ignore-in-object-files
// #include <stdlib.h>
// #include "faultvfs.h"
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
	"unsafe"

	_ "github.com/mattn/go-sqlite3" // brings SQLite into the program
)

// Name is the VFS's name in a data source ("vfs=fault").
const Name = "fault"

// Mode says what happens at the chosen operation.
type Mode int

// The modes.
const (
	// Fail makes one write, truncation or sync fail; what a failing sync should have
	// kept is gone at once.
	Fail Mode = 1
	// Full makes one write fail for want of space.
	Full Mode = 2
	// Cut makes that operation and all after it fail, until Settle.
	Cut Mode = 3
	// Stale is Fail, but what a failing sync should have kept stays readable until the
	// power is cut, and no later sync covers it.
	Stale Mode = 4
	// ReadOnly makes that operation and all after it fail as on a disk that has become
	// read-only, until Lift. Reading goes on.
	ReadOnly Mode = 5
)

var register = sync.OnceValue(func() error {
	if C.fault_register() != 0 {
		return errors.New("faultvfs: SQLite does not take the VFS")
	}
	return nil
})

// Register makes the VFS known to SQLite.
func Register() error { return register() }

// Arm forgets what came before and makes the n-th operation from now (from 1)
// meet the mode's fault; n = 0 counts only.
func Arm(n int, m Mode) { C.fault_arm(C.int(n), C.int(m)) }

// ArmSync makes the next sync meet the mode's fault, without forgetting what came before.
func ArmSync(m Mode) { C.fault_arm_next(1, C.int(m), 1) }

// ArmNext makes the n-th operation from now meet it, likewise.
func ArmNext(n int, m Mode) { C.fault_arm_next(C.int(n), C.int(m), 0) }

// Ops is the number of writes, truncations and syncs since Arm.
func Ops() int { return int(C.fault_ops()) }

// Struck tells what the fault has met ("sync of archive.db"), "" where nothing yet.
// No operation may run meanwhile.
func Struck() string { return C.GoString(C.fault_struck()) }

// Die cuts the power now: every operation fails until Settle.
func Die() { C.fault_die() }

// Lift ends the fault: operations go through again, and nothing is put back.
func Lift() { C.fault_lift() }

// Settle leaves the files as a power cut would: without the writes that no sync
// covered, save a random part of them. Every connection must be closed before.
func Settle(seed uint32) error {
	if C.fault_settle(C.uint(seed)) != 0 {
		return errors.New("faultvfs: the files cannot be put back")
	}
	return nil
}

// File is a file of the layer's that is written without SQLite. No connection may be
// open.
type File string

// WriteAt writes as SQLite would.
func (f File) WriteAt(b []byte, off int64) (int, error) {
	name := C.CString(string(f))
	defer C.free(unsafe.Pointer(name))
	if C.fault_write(name, unsafe.Pointer(unsafe.SliceData(b)), C.int(len(b)), C.longlong(off)) != 0 {
		return 0, fmt.Errorf("faultvfs: write: %w", syscall.EIO)
	}
	return len(b), nil
}

// Sync makes durable what was written, or meets the fault.
func (f File) Sync() error {
	name := C.CString(string(f))
	defer C.free(unsafe.Pointer(name))
	if C.fault_sync(name) != 0 {
		return fmt.Errorf("faultvfs: sync: %w", syscall.EIO)
	}
	return nil
}

// Close does nothing.
func (f File) Close() error { return nil }
