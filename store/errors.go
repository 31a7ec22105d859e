package store

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// Kind is a machine's name for what went wrong. Use errors.Is(err, store.ErrBusy).
type Kind string

// Error makes a Kind a target for errors.Is.
func (k Kind) Error() string { return "store: " + string(k) }

// The kinds of failure. The first four pass by themselves or after an
// operator's help: nothing of the failed call is in the archive or, for
// ErrUnavailable, sending the same again gives the right answer.
const (
	// ErrBusy: the queue stayed full for Options.QueueWait. Nothing was stored.
	ErrBusy Kind = "busy"
	// ErrUnavailable: an I/O error struck; the archive reopens and re-checks itself.
	// The call's rows may or may not be in it: send the same again.
	ErrUnavailable Kind = "unavailable"
	// ErrFull: the disk is full. Nothing was stored.
	ErrFull Kind = "disk full"
	// ErrLocked: another program holds the database's lock. Nothing was stored.
	ErrLocked Kind = "database locked"
	// ErrOwned: another process owns the data directory.
	ErrOwned Kind = "directory owned"
	// ErrReadOnly: the directory or the file cannot be written.
	ErrReadOnly Kind = "read-only"
	// ErrNewer: the archive was made by a newer release.
	ErrNewer Kind = "newer schema"
	// ErrForeign: archive.db is no archive of this program.
	ErrForeign Kind = "not an archive"
	// ErrKey: index.key is missing, unreadable or another archive's.
	ErrKey Kind = "index key"
	// ErrDamaged: stored bytes do not match their hash, or pages are corrupt.
	ErrDamaged Kind = "damaged"
	// ErrNotFound: no such thing within the scope.
	ErrNotFound Kind = "not found"
	// ErrScope: the scope names no purpose.
	ErrScope Kind = "scope"
	// ErrInput: the caller handed in something that cannot be stored or asked.
	ErrInput Kind = "input"
	// ErrStale: what was planned does not fit the archive any more.
	ErrStale Kind = "stale"
	// ErrClosed: the store is closed.
	ErrClosed Kind = "closed"
	// ErrInternal: anything else.
	ErrInternal Kind = "internal"
)

// Error is every failure of this package. It never holds personal data: its text
// may go to the technical log.
type Error struct {
	Kind Kind
	// Op is the operation ("archive", "open" …).
	Op string
	// Path is the file or directory concerned, where there is one.
	Path string
	// PID is the owning process for ErrOwned, 0 where unknown.
	PID int
	// Hint says what to do next.
	Hint string
	Err  error
}

// Error gives operation, kind, path, cause and hint.
func (e *Error) Error() string {
	s := "store: " + e.Op + ": " + string(e.Kind)
	if e.Path != "" {
		s += " " + e.Path
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is work with a Kind.
func (e *Error) Is(target error) bool {
	k, ok := target.(Kind)
	return ok && k == e.Kind
}

// Retry tells whether the same call may succeed later unchanged.
func (e *Error) Retry() bool {
	switch e.Kind {
	case ErrBusy, ErrUnavailable, ErrFull, ErrLocked:
		return true
	}
	return false
}

// Rule gives the catalogue's rule for a failure that a sender is told of
// (RuleBusy, whatever the inner cause), or "" for a nil error.
func Rule(err error) string {
	if err == nil {
		return ""
	}
	return RuleBusy
}

// fail wraps err as an Error of op, classing SQLite's codes.
func fail(op string, err error) error {
	if err == nil {
		return nil
	}
	var own *Error
	if errors.As(err, &own) {
		return err
	}
	return &Error{Kind: kindOf(err), Op: op, Err: err, Hint: hints[kindOf(err)]}
}

var hints = map[Kind]string{
	ErrFull:        "free space in the data directory, then send again",
	ErrLocked:      "close the other program that has archive.db open",
	ErrUnavailable: "the archive reopens itself; look at the disk if this repeats",
	ErrReadOnly:    "give the process write permission to the data directory",
	ErrDamaged:     "run the archive check and restore what it names",
}

// kindOf classes an error of SQLite or the file system.
func kindOf(err error) Kind {
	var k Kind
	if errors.As(err, &k) {
		return k
	}
	var se sqlite3.Error
	if errors.As(err, &se) {
		return kindOfSQLite(se)
	}
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return ErrFull
	case errors.Is(err, os.ErrPermission), errors.Is(err, syscall.EROFS):
		return ErrReadOnly
	}
	return ErrInternal
}

func kindOfSQLite(e sqlite3.Error) Kind {
	switch e.Code {
	case sqlite3.ErrFull:
		return ErrFull
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return ErrLocked
	case sqlite3.ErrReadonly, sqlite3.ErrPerm:
		return ErrReadOnly
	case sqlite3.ErrCorrupt:
		return ErrDamaged
	case sqlite3.ErrNotADB:
		return ErrForeign
	case sqlite3.ErrIoErr, sqlite3.ErrCantOpen, sqlite3.ErrNomem, sqlite3.ErrProtocol:
		return ErrUnavailable
	}
	return ErrInternal
}

// input makes an ErrInput.
func input(op, format string, args ...any) error {
	return &Error{Kind: ErrInput, Op: op, Err: fmt.Errorf(format, args...)}
}
