package store

import (
	"context"
	"crypto/sha256"
	"time"
)

// Stamper gives a time stamp (RFC 3161 token) over a SHA-256, from an authority whose
// answer it has checked.
type Stamper func(ctx context.Context, sum [sha256.Size]byte) ([]byte, error)

// stampTime bounds the wait for an authority.
const stampTime = 30 * time.Second

const sqlKeepStamp = `INSERT INTO stamps (size, token, copy) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`

// Stamp has the newest checkpoint time-stamped: SHA-256 over its signed note. The
// stamp goes into the proofs that rest on that checkpoint.
func (s *Store) Stamp(ctx context.Context, stamp Stamper) error {
	c, ok := s.LastCheckpoint()
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, stampTime)
	defer cancel()
	token, err := stamp(ctx, sha256.Sum256([]byte(c.Note)))
	if err != nil {
		return fail("time stamp", err)
	}
	return s.do(ctx, "time stamp", len(token), func(t *tx) error {
		return t.exec(sqlKeepStamp, c.Size, token, token)
	})
}

// stampLast stamps the newest checkpoint when it is time, beside the making of
// checkpoints: an authority may be slow.
func (s *Store) stampLast() {
	if s.opt.Stamp == nil || !s.stamping.TryLock() {
		return
	}
	if time.Since(s.stamped) < s.opt.StampEvery {
		s.stamping.Unlock()
		return
	}
	s.background.Go(func() {
		defer s.stamping.Unlock()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		go func() { // a store that closes does not wait for the authority
			select {
			case <-s.stop:
				cancel()
			case <-ctx.Done():
			}
		}()
		s.stampFailed.Store(errorBox{s.Stamp(ctx, s.opt.Stamp)})
		s.stamped = time.Now()
	})
}

// errorBox holds an error, or none.
type errorBox struct{ error }

// StampError gives what the last time stamp failed by.
func (s *Store) StampError() error {
	b, _ := s.stampFailed.Load().(errorBox)
	return b.error
}
