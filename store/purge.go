package store

import (
	"context"
	"time"
)

// MessageRetention is how long the message log and the raw bytes of refused
// messages are kept.
const MessageRetention = 30 * 24 * time.Hour

// purgeBatch is how many rows one commit of a purge removes.
const purgeBatch = 200

const (
	sqlPurge         = `INSERT INTO purges (log, before, at) VALUES (?, ?, ?)`
	sqlPurgeMessages = `DELETE FROM message_log WHERE seq IN (SELECT seq FROM message_log WHERE arrived < ? ORDER BY arrived LIMIT ?)`
)

// PurgeMessages removes message-log rows that arrived before the given time, at
// most what MessageRetention allows by the archive's clock, in small commits
// between the traffic's. It tells how many rows went. The purge itself is recorded.
func (s *Store) PurgeMessages(ctx context.Context, before time.Time) (int64, error) {
	now := s.now()
	if limit := now.Add(-MessageRetention); before.After(limit) {
		before = limit
	}
	cut := micros(before)
	err := s.do(ctx, "purge", 0, func(t *tx) error { return t.exec(sqlPurge, "message", cut, micros(now)) })
	if err != nil {
		return 0, err
	}
	var total int64
	for {
		var n int64
		err := s.do(ctx, "purge", 0, func(t *tx) (err error) {
			n, err = t.execCount(sqlPurgeMessages, cut, purgeBatch)
			return err
		})
		total += n
		if err != nil || n < purgeBatch {
			return total, err
		}
	}
}
