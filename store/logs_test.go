package store

import (
	"bytes"
	"database/sql"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestLOG1_RefusedAttemptsAreLoggedWithTheirRule(t *testing.T) {
	s := open(t)
	mustArchive(t, s, doc(id(1)))
	bad := doc(id(1))
	bad.Document = []byte("<other/>")
	refused(t, s, bad, RuleIDBytes)
	if n := count(t, s, `SELECT count(*) FROM usage_log WHERE refused = ?`, RuleIDBytes); n != 1 {
		t.Errorf("%d refused usage rows", n)
	}
	if n := count(t, s, `SELECT count(*) FROM usage_log WHERE refused = ''`); n != 1 {
		t.Errorf("%d usage rows of deeds done", n)
	}
	var raw []byte
	if err := s.read.QueryRow(`SELECT raw FROM message_log WHERE outcome = ? AND suspicious = 1`, Refused).Scan(&raw); err != nil {
		t.Fatal(err)
	}
	if b, err := unpack(raw); err != nil || !bytes.Equal(b, bad.Frame) {
		t.Errorf("the refused request is not kept: %v", err)
	}
	wantClean(t, s)
}

func TestSEC2_ResendIsLoggedAsMessageOnly(t *testing.T) {
	s := open(t)
	mustArchive(t, s, doc(id(1)))
	archive(t, s, doc(id(1)))
	if m, u := count(t, s, `SELECT count(*) FROM message_log`), count(t, s, `SELECT count(*) FROM usage_log`); m != 2 || u != 1 {
		t.Errorf("%d message rows, %d usage rows", m, u)
	}
}

func TestLOG2_EntriesOfAQueryAreWrittenTogether(t *testing.T) {
	s := open(t)
	e := Entries{
		Message: &Message{ID: "q1", Owner: ctlA, Device: "d", Interaction: "QUQI", Answer: Answer{Verdict: "AA"}, Suspicious: true},
		Usage:   []Usage{{DataController: ctlA, LogController: ctlA, Client: cli1, User: "u1", UserName: "Testi Henkilö", Action: "fetch", Purpose: "1", DocumentID: id(1)}},
		Disclosures: []Disclosure{{DataController: ctlA, LogController: ctlB, Client: cli1, Recipient: ctlB, User: "u1",
			UserName: "Testi Henkilö", DocumentID: id(1), Description: "asiakassuunnitelma", Purpose: "2", Ground: "703/2023 55"}},
	}
	if err := s.Log(bg, e); err != nil {
		t.Fatal(err)
	}
	if n := count(t, s, `SELECT count(*) FROM leaves WHERE kind IN (2, 3)`); n != 2 {
		t.Errorf("%d leaves", n)
	}
	m, err := s.MessageStatus(bg, inA, "q1")
	if err != nil || m[0].Outcome != Logged || m[0].Verdict != "AA" {
		t.Errorf("%+v %v", m, err)
	}
	bad := e
	bad.Disclosures = []Disclosure{{Recipient: ctlB}}
	wantErr(t, s.Log(bg, bad), ErrInput)
	if n := count(t, s, `SELECT count(*) FROM message_log`); n != 1 {
		t.Errorf("a half-valid set of entries left %d messages", n)
	}
	wantClean(t, s)
}

func TestSEC2_RejectedMessageIsLogged(t *testing.T) {
	s := open(t)
	m := Message{ID: "r1", Owner: ctlA, Device: "d", DocumentID: id(7), Raw: []byte("<frame/>"), Answer: Answer{Verdict: "CE"}}
	if err := s.LogMessage(bg, m); err != nil {
		t.Fatal(err)
	}
	ms, err := s.DocumentStatus(bg, inA, id(7))
	if err != nil || ms[0].InArchive || ms[0].Verdict != "CE" {
		t.Errorf("%+v %v", ms, err)
	}
}

// Documents, logs and leaves cannot be changed or deleted through SQL.
func TestLOG3_TablesAreAppendOnly(t *testing.T) {
	s := open(t)
	mustArchive(t, s, doc(id(1)))
	mustArchive(t, s, doc(id(2)))
	nullify(t, s, nullification(id(2)), Nullified, "")
	mustArchive(t, s, countersigned(id(3)))
	if err := s.Log(bg, Entries{Disclosures: []Disclosure{{DataController: ctlA, LogController: ctlA, Recipient: ctlB}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PurgeMessages(bg, noon.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := s.PutDirectory(bg, operator, entryOf(DirectorySystem, "atj", "1")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Flag(bg, Flag{SetID: id(1), State: Suspected, Rule: "X", By: operator}); err != nil {
		t.Fatal(err)
	}
	mustApply(t, s, mustPlan(t, s, planOf(ctlA, ctlB)).ID)
	db := rawDB(t, s)
	tables := map[string]string{"documents": "size", "bodies": "payload", "frames": "payload", "receipts": "verdict",
		"nullifications": "reason", "notices": "verdict", "leaves": "entry", "salts": "salt", "message_log": "verdict", "usage_log": "purpose",
		"disclosure_log": "purpose", "purges": "at", "countersignatures": "sha256", "directory": "key", "transfers": "kind", "transfer_steps": "step", "transferred": "newest", "flags": "rule"}
	for table, column := range tables {
		if n := count(t, s, `SELECT count(*) FROM `+table); n == 0 {
			t.Errorf("%s is empty: nothing is tried", table)
		}
		for _, q := range []string{`DELETE FROM ` + table, `UPDATE ` + table + ` SET ` + column + ` = ` + column,
			`INSERT OR REPLACE INTO ` + table + ` SELECT * FROM ` + table} {
			if _, err := db.Exec(q); err == nil {
				t.Errorf("%s went through", q)
			}
		}
	}
	for _, q := range []string{`DELETE FROM series`, `UPDATE series SET version = version - 1`, `UPDATE series SET nullified = NULL`} {
		if _, err := db.Exec(q); err == nil {
			t.Errorf("%s went through", q)
		}
	}
	wantClean(t, s)
}

// Content goes where a tombstone stands, and only there.
func TestARK9_DisposalPathIsOpenBehindATombstone(t *testing.T) {
	s := open(t)
	for i := 1; i <= 2; i++ {
		mustArchive(t, s, doc(id(i)))
		nullify(t, s, nullification(id(i)), Nullified, "")
	}
	db := rawDB(t, s)
	exec := func(q string) {
		t.Helper()
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	exec(`INSERT INTO disposals (document, at, reason, payload, leaf) VALUES (1, 0, 'test', x'00', 999)`)
	for _, table := range []string{"bodies", "frames", "receipts", "notices"} {
		exec(`DELETE FROM ` + table + ` WHERE seq = 1`)
		if _, err := db.Exec(`DELETE FROM ` + table + ` WHERE seq = 2`); err == nil {
			t.Errorf("%s of a document without tombstone went", table)
		}
	}
	for _, table := range []string{"documents", "nullifications"} {
		exec(`DELETE FROM salts WHERE leaf = (SELECT leaf FROM ` + table + ` WHERE seq = 1)`)
		if _, err := db.Exec(`DELETE FROM salts WHERE leaf = (SELECT leaf FROM ` + table + ` WHERE seq = 2)`); err == nil {
			t.Errorf("the salt in %s of a document without tombstone went", table)
		}
	}
	d, err := s.Document(bg, all, id(1))
	if err != nil || !d.Disposed || d.Bytes != nil {
		t.Errorf("disposed document: %+v %v", d, err)
	}
	if out := archive(t, s, doc(id(1))); out.Kind != Duplicate {
		t.Errorf("a disposed document comes again: %+v", out)
	}
	nullify(t, s, nullification(id(1)), Duplicate, "")
	r, err := s.Check(bg)
	if err != nil || slices.ContainsFunc(r.Problems, func(p Problem) bool {
		return p.Area != "file" && p.Area != "index" && p.ID != "#999" // what a tombstone put in by hand lacks
	}) {
		t.Errorf("after a disposal the check says %+v, %v", r, err)
	}
}

// rawDB is a connection that writes past the store, as an intruder or a fault would.
func rawDB(tb testing.TB, s *Store) *sql.DB {
	tb.Helper()
	db, err := s.openDB("write", 1)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	return db
}

func TestPurgeKeepsThirtyDays(t *testing.T) {
	c := &clock{t: noon}
	s := open(t, func(o *Options) { o.Now = c.now })
	const old = 450 // more than two batches
	for range old {
		if err := s.LogMessage(bg, Message{ID: "old", Owner: ctlA, Arrived: noon}); err != nil {
			t.Fatal(err)
		}
	}
	a := doc(id(1))
	mustArchive(t, s, a)
	c.set(noon.Add(MessageRetention + time.Hour))
	if err := s.LogMessage(bg, Message{ID: "new", Owner: ctlA}); err != nil {
		t.Fatal(err)
	}
	n, err := s.PurgeMessages(bg, noon.Add(100*MessageRetention)) // asks for more than is allowed
	if err != nil || n != old+1 {
		t.Errorf("purged %d, %v", n, err)
	}
	if _, err := s.MessageStatus(bg, inA, "new"); err != nil {
		t.Errorf("a new message is gone: %v", err)
	}
	_, err = s.MessageStatus(bg, inA, "old")
	wantErr(t, err, ErrNotFound)
	m, err := s.DocumentStatus(bg, inA, a.ID)
	if err != nil || !m[0].FromArchive || !m[0].InArchive || m[0].Verdict != "CA" {
		t.Errorf("after the purge the archive itself must tell: %+v %v", m, err)
	}
	wantClean(t, s)
}

// Identity codes, names and user ids stand in no column but payloads.
func TestSEC1_NoPlainIdentitiesInIndexesAndLogs(t *testing.T) {
	s := open(t)
	a := doc(id(1))
	a.Index.Summary = nil
	mustArchive(t, s, a)
	if err := s.Log(bg, Entries{Disclosures: []Disclosure{{DataController: ctlA, LogController: ctlA, Recipient: ctlB, Client: cli1,
		User: "99900000001", UserName: "Testi Työntekijä", Discloser: "Toinen Testi"}}}); err != nil {
		t.Fatal(err)
	}
	sealed := []string{"payload", "ack", "findings", "raw", "summary", "frame", "receipt"}
	secrets := []string{cli1, "010181", "99900000001", "Testi", "Työntekijä", "Toinen"}
	for _, table := range tableNames(t, s) {
		rows, err := s.read.Query(`SELECT * FROM ` + table)
		if err != nil {
			t.Fatal(err)
		}
		names, _ := rows.Columns()
		for rows.Next() {
			vs, err := values(rows)
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range vs {
				if slices.Contains(sealed, names[i]) {
					continue
				}
				for _, secret := range secrets {
					if strings.Contains(strings.ToUpper(textOf(v)), strings.ToUpper(secret)) {
						t.Errorf("%s.%s holds %q", table, names[i], secret)
					}
				}
			}
		}
		rows.Close()
	}
}

func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	}
	return ""
}

func tableNames(tb testing.TB, s *Store) (out []string) {
	tb.Helper()
	rows, err := s.read.Query(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`)
	if err != nil {
		tb.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var n string
		if err := rows.Scan(&n); err != nil {
			tb.Fatal(err)
		}
		out = append(out, n)
	}
	return out
}
