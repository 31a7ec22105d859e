package store

import (
	"context"
	"errors"
)

// errTried takes a trial back: it makes the writer undo the job.
var errTried = errors.New("store: a trial leaves nothing behind")

// Try tells what Archive would answer now, and leaves nothing behind: no document,
// no log row, no leaf. The answer holds for the moment only; another sender may be
// quicker. Answer in a is called as by Archive and must have no effects.
//
// Errors: as Archive.
func (s *Store) Try(ctx context.Context, a Archival) (Outcome, error) {
	p, err := s.prepare(ctx, &a, false)
	if err != nil {
		return Outcome{}, fail("try", err)
	}
	var out Outcome
	err = s.do(ctx, "try", 0, func(t *tx) (err error) {
		if out, err = t.archive(p); err != nil {
			return err
		}
		return errTried
	})
	if !errors.Is(err, errTried) {
		return Outcome{}, err
	}
	out.Leaf = -1
	return out, nil
}
