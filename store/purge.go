package store

import (
	"context"
	"database/sql"
	"time"
)

// MessageRetention is how long the message log and the raw bytes of refused
// messages are kept.
const MessageRetention = 30 * 24 * time.Hour

// LogYears is how many years the usage and disclosure logs and disclosure notices
// are kept from the log event (law 703/2023, annex).
const LogYears = 12

// LogName names a log whose retention ends by a purge.
type LogName string

// The logs. The words stand in the database.
const (
	MessageLog    LogName = "message"
	UsageLog      LogName = "usage"
	DisclosureLog LogName = "disclosure" // and the disclosure notices behind its rows
)

// LogNames lists the logs.
var LogNames = []LogName{MessageLog, UsageLog, DisclosureLog}

// purgeBatch is how many rows one commit of a purge removes.
const purgeBatch = 200

const sqlPurge = `INSERT INTO purges (seq, log, before, at, leaf) VALUES (?, ?, ?, ?, ?)`

// purgeTable is a table that a purge of a log empties.
type purgeTable struct {
	table, column string
	leafless      bool // its rows have no leaves
}

var purgeTables = map[LogName][]purgeTable{
	MessageLog:    {{"message_log", "arrived", true}},
	UsageLog:      {{"usage_log", "at", false}},
	DisclosureLog: {{"disclosure_log", "at", false}, {"filed_notices", "event", false}, {"filed_bundles", "event", true}},
}

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

// PurgeMessages is Purge of the message log.
func (s *Store) PurgeMessages(ctx context.Context, before time.Time) (int64, error) {
	return s.Purge(ctx, MessageLog, before)
}

// kept gives the first moment whose rows of a log must be kept, by a clock.
func kept(log LogName, now time.Time) time.Time {
	if log == MessageLog {
		return now.Add(-MessageRetention)
	}
	return now.AddDate(-LogYears, 0, 0)
}

// Purge removes rows of a log that are older than the given time, at most what its
// retention allows by the archive's clock, in small commits between the traffic's,
// with the salts of their leaves. It tells how many rows went. The purge itself is
// recorded first.
func (s *Store) Purge(ctx context.Context, log LogName, before time.Time) (int64, error) {
	const op = "purge"
	if purgeTables[log] == nil {
		return 0, input(op, "there is no log %q", log)
	}
	now := s.now()
	if limit := kept(log, now); before.After(limit) {
		before = limit
	}
	cut := micros(before)
	l, err := newLeaf(leafPurge, purgeRecord(string(log), cut, micros(now)), s.opt.Random)
	if err != nil {
		return 0, fail(op, err)
	}
	err = s.do(ctx, op, 0, func(t *tx) error { return t.allowPurge(string(log), cut, micros(now), &l) })
	if err != nil {
		return 0, err
	}
	var total int64
	for _, p := range purgeTables[log] {
		n, err := s.purgeRows(ctx, p, cut)
		if total += n; err != nil {
			return total, err
		}
	}
	return total, nil
}

// PurgeDue tells whether a log holds rows whose retention has ended.
func (s *Store) PurgeDue(ctx context.Context, log LogName) (due bool, err error) {
	cut := micros(kept(log, s.now()))
	err = s.reading("purge", func(db *sql.DB) error {
		for _, p := range purgeTables[log] {
			var one bool
			q := `SELECT EXISTS (SELECT 1 FROM ` + p.table + ` WHERE ` + p.column + ` < ?)`
			if err := db.QueryRowContext(ctx, q, cut).Scan(&one); err != nil {
				return err
			}
			due = due || one
		}
		return nil
	})
	return due, err
}

func (s *Store) purgeRows(ctx context.Context, p purgeTable, cut int64) (total int64, err error) {
	for {
		var n int64
		err := s.do(ctx, "purge", 0, func(t *tx) (err error) {
			n, err = t.purge(p, cut)
			return err
		})
		total += n
		if err != nil || n < purgeBatch {
			return total, err
		}
	}
}

// purge removes one batch. A row's salt may go only after the row.
func (t *tx) purge(p purgeTable, cut int64) (int64, error) {
	batch := ` FROM ` + p.table + ` WHERE ` + p.column + ` < ? ORDER BY ` + p.column + `, seq LIMIT ?`
	leaves := []int64(nil)
	if !p.leafless {
		st, err := t.w.stmt(`SELECT leaf` + batch)
		if err != nil {
			return 0, err
		}
		rows, err := st.Query(cut, purgeBatch)
		if err != nil {
			return 0, err
		}
		if leaves, err = numbers(rows); err != nil {
			return 0, err
		}
	}
	n, err := t.execCount(`DELETE FROM `+p.table+` WHERE seq IN (SELECT seq`+batch+`)`, cut, purgeBatch)
	if err != nil {
		return 0, err
	}
	for _, l := range leaves {
		if err := t.exec(`DELETE FROM salts WHERE leaf = ?`, l); err != nil {
			return 0, err
		}
	}
	return n, nil
}
