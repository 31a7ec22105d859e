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
	sqlPurge         = `INSERT INTO purges (seq, log, before, at, leaf) VALUES (?, ?, ?, ?, ?)`
	sqlPurgeMessages = `DELETE FROM message_log WHERE seq IN (SELECT seq FROM message_log WHERE arrived < ? ORDER BY arrived LIMIT ?)`
)

// purgeMessages is the message log's name in purges.
const purgeMessages = "message"

func purgeRecord(log string, before, at int64) *record {
	return new(record).text(log).int(before, at)
}

// allowPurge records that rows of a log older than before may go.
func (t *tx) allowPurge(log string, before, at int64, l *leaf) error {
	n, err := t.leaf(l, t.seq.purge)
	if err != nil {
		return err
	}
	if err := t.exec(sqlPurge, t.seq.purge, log, before, at, n); err != nil {
		return err
	}
	t.seq.purge++
	return nil
}

// PurgeMessages removes message-log rows that arrived before the given time, at
// most what MessageRetention allows by the archive's clock, in small commits
// between the traffic's. It tells how many rows went. The purge itself is recorded.
func (s *Store) PurgeMessages(ctx context.Context, before time.Time) (int64, error) {
	now := s.now()
	if limit := now.Add(-MessageRetention); before.After(limit) {
		before = limit
	}
	cut := micros(before)
	l, err := newLeaf(leafPurge, purgeRecord(purgeMessages, cut, micros(now)), s.opt.Random)
	if err != nil {
		return 0, fail("purge", err)
	}
	err = s.do(ctx, "purge", 0, func(t *tx) error { return t.allowPurge(purgeMessages, cut, micros(now), &l) })
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
