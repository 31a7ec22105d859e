package store

import (
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"portti/internal/share"
)

// sample fills an archive with some of everything.
func sample(tb testing.TB, s *Store) {
	tb.Helper()
	for _, a := range spread(12) {
		mustArchive(tb, s, a)
	}
	a := spread(1)[0]
	b := next(a, id(100))
	b.Index = a.Index
	mustArchive(tb, s, b)
	archive(tb, s, b)
	c := spread(3)[2]
	nullify(tb, s, nullification(c.ID), Nullified, "")
	err := s.Log(bg, Entries{Message: &Message{ID: "q", Owner: ctlA}, Disclosures: []Disclosure{{DataController: ctlA,
		LogController: ctlA, Recipient: ctlB, Client: cli1, User: "u"}}})
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.Checkpoint(bg); err != nil {
		tb.Fatal(err)
	}
	if _, err := s.PurgeMessages(bg, noon.Add(-MessageRetention)); err != nil {
		tb.Fatal(err)
	}
	manyLogs(tb, s, 300)
	if err := s.Checkpoint(bg); err != nil {
		tb.Fatal(err)
	}
	if err := s.PutDirectory(bg, operator, entryOf(DirectorySystem, "atj", "1"), entryOf(DirectoryContract, "k", "1")); err != nil {
		tb.Fatal(err)
	}
	if _, err := s.Flag(bg, Flag{SetID: spread(6)[5].ID, State: Suspected, Rule: "X", By: operator}); err != nil {
		tb.Fatal(err)
	}
	wrong := spread(6)[5]
	p := TransferPlan{Kind: Correction, FromController: wrong.Controller, ToController: "1.2.246.10.99999907.19.1", Series: []string{wrong.ID}, Reason: "r", By: operator}
	mustApply(tb, s, mustPlan(tb, s, p).ID)
}

// manyLogs writes usage rows enough for a tile of the tree.
func manyLogs(tb testing.TB, s *Store, n int) {
	tb.Helper()
	us := make([]Usage, n)
	for i := range us {
		us[i] = Usage{DataController: ctlA, LogController: ctlA, Client: cli2, User: "99900000001", Action: "search"}
	}
	if err := s.Log(bg, Entries{Usage: us}); err != nil {
		tb.Fatal(err)
	}
}

// dropTriggers takes the walls down, as damage does not respect them.
func dropTriggers(tb testing.TB, db *sql.DB) {
	tb.Helper()
	rows, err := db.Query(`SELECT name FROM sqlite_schema WHERE type = 'trigger'`)
	if err != nil {
		tb.Fatal(err)
	}
	var names []string
	for rows.Next() {
		var n string
		if err := rows.Scan(&n); err != nil {
			tb.Fatal(err)
		}
		names = append(names, n)
	}
	rows.Close()
	for _, n := range names {
		if _, err := db.Exec(`DROP TRIGGER ` + n); err != nil {
			tb.Fatal(err)
		}
	}
}

func TestARK9_CheckNamesEveryKindOfDamage(t *testing.T) {
	tests := map[string]struct{ damage, area, id string }{
		"document's bytes":       {`UPDATE bodies SET payload = x'0041' WHERE seq = 3`, "document", id(2)},
		"document's content":     {`DELETE FROM bodies WHERE seq = 3`, "document", id(2)},
		"document's hash":        {`UPDATE documents SET sha256 = zeroblob(32) WHERE seq = 3`, "document", id(2)},
		"document's time":        {`UPDATE documents SET arrived = arrived + 1 WHERE seq = 3`, "leaf", ""},
		"document's owner":       {`UPDATE documents SET owner = 'x' WHERE seq = 3`, "leaf", ""},
		"document gone":          {`DELETE FROM documents WHERE seq = 3`, "document", "#3"},
		"frame":                  {`UPDATE frames SET payload = x'0041' WHERE seq = 3`, "frame", id(2)},
		"verdict":                {`UPDATE receipts SET verdict = 'CE' WHERE seq = 3`, "leaf", ""},
		"receipt gone":           {`DELETE FROM receipts WHERE seq = 3`, "receipt", id(2)},
		"leaf changed":           {`UPDATE leaves SET entry = zeroblob(32) WHERE seq = 4`, "leaf", "#4"},
		"leaf gone":              {`DELETE FROM leaves WHERE seq = 4`, "leaf", "#4"},
		"leaf of another row":    {`UPDATE leaves SET subject = 1 WHERE seq = 4`, "leaf", "#4"},
		"salt gone":              {`DELETE FROM salts WHERE leaf = 4`, "leaf", "#4"},
		"last leaf gone":         {`DELETE FROM leaves WHERE seq = (SELECT max(seq) FROM leaves)`, "leaf", ""},
		"series gone":            {`DELETE FROM series WHERE newest = 3`, "series", id(2)},
		"series behind":          {`UPDATE series SET newest = 1, version = 1 WHERE version = 2`, "series", id(0)},
		"series' version":        {`UPDATE series SET version = 7 WHERE newest = 4`, "series", id(3)},
		"series' controller":     {`UPDATE series SET controller = 'x' WHERE newest = 4`, "series", id(3)},
		"series' nullification":  {`UPDATE series SET nullified = NULL`, "series", id(2)},
		"series nullified":       {`UPDATE series SET nullified = 1 WHERE newest = 4`, "series", id(3)},
		"replaced document":      {`UPDATE documents SET replaces = 'x' WHERE version = 2`, "document", id(100)},
		"nullification":          {`UPDATE nullifications SET reason = 'x'`, "leaf", ""},
		"nullification's frame":  {`UPDATE notices SET frame = x'0041'`, "nullification", id(2)},
		"nullification's answer": {`UPDATE notices SET verdict = 'CE'`, "leaf", ""},
		"notice gone":            {`DELETE FROM notices`, "nullification", id(2)},
		"nullification gone":     {`DELETE FROM nullifications`, "series", id(2)},
		"index row":              {`UPDATE doc_index SET software = 'x' WHERE seq = 3`, "index", id(2)},
		"index row gone":         {`DELETE FROM doc_index WHERE seq = 3`, "index", id(2)},
		"index key gone":         {`DELETE FROM index_keys WHERE seq = 3 AND key = (SELECT min(key) FROM index_keys WHERE seq = 3)`, "index", id(2)},
		"index key astray":       {`INSERT INTO index_keys VALUES (randomblob(16), 1, 3)`, "index", "#3"},
		"usage row":              {`UPDATE usage_log SET purpose = 'x' WHERE seq = 2`, "leaf", ""},
		"usage row gone":         {`DELETE FROM usage_log WHERE seq = 2`, "log", "#2"},
		"usage row's key":        {`UPDATE usage_log SET client_key = randomblob(16) WHERE seq = 2`, "log", "#2"},
		"usage row's payload":    {`UPDATE usage_log SET payload = x'0041' WHERE seq = 2`, "log", "#2"},
		"disclosure row":         {`UPDATE disclosure_log SET ground = 'x'`, "leaf", ""},
		"disclosure row's key":   {`UPDATE disclosure_log SET user_key = NULL`, "log", "#1"},
		"disclosure row gone":    {`DELETE FROM disclosure_log`, "leaf", ""},
		"message row":            {`UPDATE message_log SET verdict = 'x' WHERE seq = 2`, "log", "#2"},
		"message row gone":       {`DELETE FROM message_log WHERE seq = 2`, "log", "#2"},
		"purge":                  {`UPDATE purges SET before = before + 1`, "leaf", ""},
		"purge gone":             {`DELETE FROM purges`, "leaf", ""},
		"directory entry":        {`UPDATE directory SET payload = x'0041' WHERE seq = 1`, "directory", "#1"},
		"directory entry's key":  {`UPDATE directory SET key = 'x' WHERE seq = 1`, "leaf", ""},
		"directory entry's name": {`UPDATE directory SET actor = x'0041' WHERE seq = 1`, "directory", "#1"},
		"directory entry gone":   {`DELETE FROM directory WHERE seq = 1`, "directory", "#1"},
		"transfer":               {`UPDATE transfers SET to_controller = 'x'`, "leaf", ""},
		"transfer's reason":      {`UPDATE transfers SET payload = x'0041'`, "transfer", "#1"},
		"transfer gone":          {`DELETE FROM transfers`, "leaf", ""},
		"transfer step":          {`UPDATE transfer_steps SET at = at + 1 WHERE step = 'begun'`, "leaf", ""},
		"transfer step gone":     {`DELETE FROM transfer_steps WHERE step = 'begun'`, "transfer", "#1"},
		"transferred series":     {`UPDATE transferred SET from_controller = 'x'`, "transfer", "#1"},
		"transferred gone":       {`DELETE FROM transferred`, "series", ""},
		"transferred astray":     {`UPDATE transferred SET step = 99`, "transfer", ""},
		"flag":                   {`UPDATE flags SET rule = 'y' WHERE seq = 1`, "leaf", ""},
		"flag gone":              {`DELETE FROM flags WHERE seq = 1`, "flag", "#1"},
		"setting":                {`UPDATE settings SET value = x'78' WHERE name = 'encryption'`, "settings", ""},
		"setting gone":           {`DELETE FROM settings WHERE name = 'created'`, "settings", ""},
		"trigger gone":           {`DELETE FROM settings WHERE name = 'created'`, "schema", "documents_keep_delete"},
		"checkpoint's root":      {`UPDATE checkpoints SET root = zeroblob(32) WHERE size = (SELECT min(size) FROM checkpoints)`, "checkpoint", ""},
		"checkpoint's note":      {`UPDATE checkpoints SET note = x'41' WHERE size = (SELECT min(size) FROM checkpoints)`, "checkpoint", ""},
		"checkpoint's time":      {`UPDATE checkpoints SET at = at + 1 WHERE size = (SELECT min(size) FROM checkpoints)`, "checkpoint", ""},
		"tile's root":            {`UPDATE tiles SET root = zeroblob(32)`, "tree", "#0"},
		"tile's hashes":          {`UPDATE tiles SET hashes = zeroblob(8192)`, "tree", "#0"},
		"tile of nothing":        {`INSERT INTO tiles VALUES (0, 9, zeroblob(32), zeroblob(8192))`, "tree", "#9"},
		"leaf and row together":  {`DELETE FROM leaves WHERE seq > 20`, "checkpoint", ""},
		"stamp of nothing":       {`INSERT INTO stamps VALUES ((SELECT min(size) FROM checkpoints), x'', x'')`, "checkpoint", ""},
		"data key":               {`UPDATE data_keys SET wrapped = zeroblob(69) WHERE id = 2`, "key", "#2"},
		"data key's controller":  {`UPDATE data_keys SET controller = 'x' WHERE id = 2`, "key", "#2"},
		"copy of a data key":     {`UPDATE data_key_copies SET wrapped = zeroblob(69) WHERE id = 2`, "key", "#2"},
		"copy gone":              {`DELETE FROM data_key_copies WHERE id = 2`, "key", "#2"},
		"data key gone":          {`DELETE FROM data_keys WHERE id = 2`, "key", "#2"},
		"moved document":         {`UPDATE bodies SET payload = (SELECT payload FROM bodies WHERE seq = 4) WHERE seq = 3`, "document", id(2)},
		"document put in plain":  {`UPDATE bodies SET payload = x'0041' WHERE seq = 3`, "document", id(2)},
		"message's raw bytes":    {`UPDATE message_log SET raw = x'0041' WHERE seq = 2`, "log", "#2"},
		"counts":                 {`UPDATE counters SET bytes = bytes + 1`, "counters", ctlA},
		"counts gone":            {`DELETE FROM counters`, "counters", ctlA},
		"key of a gone document": {`UPDATE index_keys SET seq = 999 WHERE seq = 3`, "index", "#999"},
	}
	for _, name := range share.Sample(slices.Sorted(maps.Keys(tests)), 4) {
		tt := tests[name]
		t.Run(name, func(t *testing.T) {
			s := open(t, sealed)
			sample(t, s)
			wantClean(t, s)
			db := rawDB(t, s)
			dropTriggers(t, db)
			if _, err := db.Exec(`PRAGMA foreign_keys = 0`); err != nil {
				t.Fatal(err)
			}
			res, err := db.Exec(tt.damage)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := res.RowsAffected(); err != nil || n == 0 {
				t.Fatalf("the damage hit nothing: %v", err)
			}
			r, err := s.Check(bg)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Area == tt.area && (tt.id == "" || p.ID == tt.id) }) {
				t.Errorf("want a problem of %s %q, have %+v", tt.area, tt.id, r.Problems)
			}
		})
	}
}

// A damaged body is never served.
func TestARK9_DamagedDocumentIsNotServed(t *testing.T) {
	s := open(t)
	mustArchive(t, s, docSize(id(1), 20_000))
	mustArchive(t, s, docSize(id(2), 20_000))
	db := rawDB(t, s)
	dropTriggers(t, db)
	if _, err := db.Exec(`UPDATE bodies SET payload = (SELECT payload FROM bodies WHERE seq = 2) WHERE seq = 1`); err != nil {
		t.Fatal(err)
	}
	_, err := s.Document(bg, all, id(1))
	wantErr(t, err, ErrDamaged)
	if strings.Contains(err.Error(), cli1) {
		t.Error("the error tells a client")
	}
	wantBytes(t, s, docSize(id(2), 20_000))
}

// Octets of another type than they were written with are damage, not a panic: one bit
// makes text of a blob, with the same checksum.
func TestARK9_CheckTellsOctetsOfAnotherType(t *testing.T) {
	for what, damage := range map[string][]string{
		"schema": {`UPDATE sqlite_schema SET type = CAST(type AS BLOB) WHERE name = 'frames'`},
		"index": {
			`UPDATE sqlite_schema SET sql = replace(sql, 'STRICT', '') WHERE name = 'doc_index'`,
			`PRAGMA writable_schema = RESET`,
			`UPDATE doc_index SET keys = CAST(keys AS TEXT)`,
			`PRAGMA writable_schema = ON`,
			`UPDATE sqlite_schema SET sql = sql || ' STRICT' WHERE name = 'doc_index'`,
		},
	} {
		s := open(t)
		mustArchive(t, s, doc(id(1)))
		db := rawDB(t, s)
		dropTriggers(t, db)
		for _, q := range append([]string{`PRAGMA writable_schema = ON`}, damage...) {
			if _, err := db.Exec(q); err != nil {
				t.Fatal(what, q, err)
			}
		}
		var r CheckReport
		k := &checker{s: s, r: &r}
		err := k.schema(bg)
		if what == "index" {
			err = k.documents(bg)
		}
		if err != nil || !slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Area == what && (what == "index" || p.ID == "frames") }) {
			t.Errorf("%s: %v %+v", what, err, r.Problems)
		}
	}
}

// Bit flips anywhere in the file: the check names damage, opening is refused, or
// nothing that the archive holds has changed.
func TestARK9_BitFlipsAreFoundOrHarmless(t *testing.T) {
	dir := t.TempDir()
	c := &clock{t: noon}
	opt := flipOptions(dir)
	opt.Now = c.now
	s, err := Open(bg, opt)
	if err != nil {
		t.Fatal(err)
	}
	fullSample(t, s, c)
	want := dump(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(dir, dbFile))
	if err != nil {
		t.Fatal(err)
	}
	found, harmless, refusedOpen := 0, 0, 0
	for range torture(t, 300) {
		bit := rand.IntN(len(file) * 8)
		flipped := slices.Clone(file)
		flipped[bit/8] ^= 1 << (bit % 8)
		switch judgeFlip(t, dir, flipped, want) {
		case "found":
			found++
		case "harmless":
			harmless++
		case "refused":
			refusedOpen++
		default:
			t.Errorf("bit %d of byte %d (page %d) changes the archive and goes unnoticed", bit%8, bit/8, bit/8/4096+1)
		}
	}
	t.Logf("%d found, %d harmless, %d refused at opening", found, harmless, refusedOpen)
	if found == 0 {
		t.Error("no flip was found: nothing was tested")
	}
}

// flipOptions are those of the archives with flipped bits: checkpoints on demand alone,
// since one that the archive makes beside the test is a change that is no damage.
func flipOptions(dir string) Options {
	return Options{Dir: dir, Master: testMaster, CheckpointEvery: -1}
}

func judgeFlip(t *testing.T, dir string, file []byte, want string) string {
	t.Helper()
	for _, name := range []string{dbFile + "-wal", dbFile + "-shm"} {
		os.Remove(filepath.Join(dir, name))
	}
	if err := os.WriteFile(filepath.Join(dir, dbFile), file, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(bg, flipOptions(dir))
	if err != nil {
		return "refused"
	}
	defer s.Close() // a damaged file may not close cleanly
	r, err := s.Check(bg)
	if err != nil || !r.OK() {
		return "found"
	}
	have := dump(t, s)
	if have == want {
		return "harmless"
	}
	old := strings.Split(want, "\n")
	for _, line := range strings.Split(have, "\n") {
		if !slices.Contains(old, line) {
			t.Logf("changed: %.300s", line)
		}
	}
	return "unnoticed"
}

// dump is everything in the archive in a fixed order, with payloads unpacked: two
// compressed forms of the same bytes are the same.
func dump(tb testing.TB, s *Store) string {
	tb.Helper()
	var b strings.Builder
	for _, table := range tableNames(tb, s) {
		if table == "goose_db_version" {
			continue
		}
		what := "*"
		if table == "filed_bundles" {
			what = "sha256, event, payload" // its number is that of nothing
		}
		rows, err := s.read.Query(`SELECT ` + what + ` FROM ` + table + ` ORDER BY 1, 2`)
		if err != nil {
			return err.Error()
		}
		names, err := rows.Columns()
		if err != nil {
			return err.Error()
		}
		for rows.Next() {
			vs, err := values(rows)
			if err != nil {
				return err.Error()
			}
			for i, v := range vs {
				if b, ok := v.([]byte); ok && slices.Contains([]string{"payload", "frame", "receipt", "selection", "actor"}, names[i]) && !s.Encrypted() {
					if vs[i], err = unpackFrame(b, nil); err != nil {
						rows.Close()
						return err.Error()
					}
				}
			}
			fmt.Fprintf(&b, "%s %v\n", table, vs)
		}
		rows.Close()
	}
	return b.String()
}

func TestReindexMakesTheIndexAnew(t *testing.T) {
	s := open(t)
	docs := spread(80)
	byBytes := make(map[string]Index)
	for _, a := range docs {
		mustArchive(t, s, a)
		byBytes[string(a.Document)] = a.Index
	}
	db := rawDB(t, s)
	for _, q := range []string{`DELETE FROM doc_index WHERE seq % 3 = 0`, `UPDATE doc_index SET doc_group = 'x' WHERE seq % 5 = 1`,
		`DELETE FROM index_keys WHERE seq % 7 = 0`, `INSERT INTO index_keys VALUES (randomblob(16), 1, 3), (randomblob(16), 1, 99999)`} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	if r, err := s.Check(bg); err != nil || r.OK() {
		t.Fatalf("the damage is not seen: %v", err)
	}
	read := func(b []byte) (Index, error) { return byBytes[string(b)], nil }
	if err := s.Reindex(bg, read); err != nil {
		t.Fatal(err)
	}
	wantClean(t, s)
	for name, f := range filters {
		if have, want := searchAll(t, s, all, f.f, 50), expected(docs, f.ok, all); !slices.Equal(have, want) {
			t.Errorf("%s: %v, want %v", name, have, want)
		}
	}
}

func TestReindexFollowsAChangedReading(t *testing.T) {
	s := open(t)
	a := doc(id(1))
	mustArchive(t, s, a)
	mustArchive(t, s, next(a, id(2)))
	n := nullification(id(3))
	mustArchive(t, s, doc(id(3)))
	nullify(t, s, n, Nullified, "")
	err := s.Reindex(bg, func(b []byte) (Index, error) {
		x := a.Index
		x.Group, x.Clients = "6", []string{cli2}
		return x, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	wantClean(t, s)
	c, err := s.Counts(bg, all)
	if err != nil || len(c.Groups) != 2 || c.Documents != 3 || c.Current != 1 || c.Nullified != 1 {
		t.Errorf("counts %+v %v", c, err)
	}
	if ids := searchAll(t, s, all, Filter{Client: cli1}, 10); len(ids) != 0 {
		t.Errorf("found by the old client: %v", ids)
	}
	if ids := searchAll(t, s, all, Filter{Client: cli2}, 10); len(ids) != 1 {
		t.Errorf("found by the new client: %v", ids)
	}
}

func TestReindexKeepsRowsOfWhatItCannotRead(t *testing.T) {
	s := open(t)
	docs := spread(3)
	for _, a := range docs {
		mustArchive(t, s, a)
	}
	bad := errors.New("cannot be read")
	err := s.Reindex(bg, func(b []byte) (Index, error) {
		if string(b) == string(docs[1].Document) {
			return Index{}, bad
		}
		return docs[0].Index, nil
	})
	if !errors.Is(err, bad) || !strings.Contains(err.Error(), docs[1].ID) {
		t.Errorf("error %v", err)
	}
	if ids := searchAll(t, s, all, Filter{Case: docs[1].Index.Case}, 10); !slices.Equal(ids, []string{docs[1].ID}) {
		t.Errorf("its old rows are gone: %v", ids)
	}
	wantClean(t, s)
}
