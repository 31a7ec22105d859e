package store

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
)

// Statistics are numbers for planning without personal data (ARK-14).
type Statistics struct {
	Lines []StatLine `json:"lines"`
}

// StatLine is one number.
type StatLine struct {
	// What is counted: "documents", "current" (series in force), "nullified",
	// "disposed", or a log's action, as "usage:fetch".
	What       string `json:"what"`
	Controller string `json:"controller"`
	// Group is the document group or, of log entries, empty.
	Group string `json:"group,omitempty"`
	// Month is the month of arrival or use, as 2026-03; empty for states of today.
	Month string `json:"month,omitempty"`
	// Count is the number, or "<5": a small number may tell of a person.
	Count Suppressed `json:"count"`
}

// Suppressed is a count that small numbers are hidden in. It marshals as a number or
// as the string "<5".
type Suppressed int64

// smallCount is the least number that is told.
const smallCount = 5

// String gives the number, or "<5".
func (c Suppressed) String() string {
	if 0 < c && c < smallCount {
		return "<" + strconv.Itoa(smallCount)
	}
	return strconv.FormatInt(int64(c), 10)
}

// MarshalJSON hides small numbers too.
func (c Suppressed) MarshalJSON() ([]byte, error) {
	if 0 < c && c < smallCount {
		return strconv.AppendQuote(nil, c.String()), nil
	}
	return strconv.AppendInt(nil, int64(c), 10), nil
}

// statistics are the counts: each gives what, controller, group, month and number.
// SCOPE stands for the scope's condition.
var statistics = []struct{ column, q string }{
	{"c.controller", `SELECT 'current', c.controller, c.doc_group, '', sum(c.current) FROM counters c WHERE SCOPE GROUP BY 2, 3 HAVING sum(c.current) > 0`},
	{"c.controller", `SELECT 'nullified', c.controller, c.doc_group, '', sum(c.nullified) FROM counters c WHERE SCOPE GROUP BY 2, 3 HAVING sum(c.nullified) > 0`},
	{"s.controller", `SELECT 'documents', s.controller, i.doc_group, strftime('%Y-%m', d.arrived / 1000000, 'unixepoch') m, count(*)
		FROM documents d JOIN series s ON s.set_id = d.set_id JOIN doc_index i ON i.seq = d.seq WHERE SCOPE GROUP BY 2, 3, m`},
	{"s.controller", `SELECT 'disposed', s.controller, '', strftime('%Y-%m', x.at / 1000000, 'unixepoch') m, count(*)
		FROM disposals x JOIN documents d ON d.seq = x.document JOIN series s ON s.set_id = d.set_id WHERE SCOPE GROUP BY 2, m`},
	{"u.log_controller", `SELECT 'usage:' || u.action || CASE u.refused WHEN '' THEN '' ELSE ':refused' END w, u.log_controller, '',
		strftime('%Y-%m', u.at / 1000000, 'unixepoch') m, count(*) FROM usage_log u WHERE SCOPE GROUP BY w, 2, m`},
	{"u.log_controller", `SELECT CASE u.refused WHEN '' THEN 'disclosed' ELSE 'disclosure:refused' END w, u.log_controller, '',
		strftime('%Y-%m', u.at / 1000000, 'unixepoch') m, count(*) FROM disclosure_log u WHERE SCOPE GROUP BY w, 2, m`},
}

// Statistics counts what is in scope. It reads whole tables: it is upkeep, no part of
// the traffic.
func (s *Store) Statistics(ctx context.Context, sc Scope) (*Statistics, error) {
	const op = "statistics"
	if err := sc.check(op); err != nil {
		return nil, err
	}
	out := &Statistics{Lines: []StatLine{}}
	err := s.reading(op, func(db *sql.DB) error {
		for _, x := range statistics {
			in, args := sc.where(x.column)
			rows, err := db.QueryContext(ctx, strings.Replace(x.q, "SCOPE", in, 1), args...)
			if err != nil {
				return err
			}
			if err := out.scan(rows); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

func (s *Statistics) scan(rows *sql.Rows) error {
	defer rows.Close()
	for rows.Next() {
		var l StatLine
		if err := rows.Scan(&l.What, &l.Controller, &l.Group, &l.Month, (*int64)(&l.Count)); err != nil {
			return err
		}
		s.Lines = append(s.Lines, l)
	}
	return rows.Err()
}
