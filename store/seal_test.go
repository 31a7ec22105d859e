package store

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is personal or content stands nowhere in the files of an encrypted archive,
// neither in the database nor beside it.
func TestSEC6_NothingPersonalIsReadableAtRest(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(bg, Options{Dir: dir, Master: testMaster})
	if err != nil {
		t.Fatal(err)
	}
	a := docSize(id(1), 100) // too short to be compressed
	a.Document = []byte("<ClinicalDocument>asiakassuunnitelma " + cli1 + "</ClinicalDocument>")
	a.Frame = []byte("<frame>" + string(a.Document) + "</frame>")
	a.Index.Summary = []byte("summary of " + cli1)
	a.Message.Findings = []byte("findings of " + cli1)
	a.Message.Acknowledgement = []byte("acknowledged " + cli1)
	mustArchive(t, s, a)
	bad := a
	bad.Document = append([]byte("x"), a.Document...)
	refused(t, s, bad, RuleIDBytes)
	n := nullification(id(1))
	n.Frame = []byte("nullification of " + cli1)
	nullify(t, s, n, Nullified, "")
	err = s.Log(bg, Entries{Disclosures: []Disclosure{{DataController: ctlA, LogController: ctlA, Recipient: ctlB, Client: cli1,
		User: "99900000001", UserName: "Testi Työntekijä", Description: "told of " + cli1}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.PutDirectory(bg, operator, entryOf(DirectorySystem, "atj", "1")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Flag(bg, Flag{SetID: id(1), State: Suspected, Rule: "X", Reason: "asiakassuunnitelma", By: operator}); err != nil {
		t.Fatal(err)
	}
	mustApply(t, s, mustPlan(t, s, planOf(ctlA, ctlB)).ID)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{cli1, "asiakassuunnitelma", "Testi Ty", "99900000001", "0123456789abcdef", operator} {
			if bytes.Contains(b, []byte(word)) {
				t.Errorf("%s holds %q", f.Name(), word)
			}
		}
	}
	key, _ := os.ReadFile(filepath.Join(dir, keyFile))
	if !strings.HasPrefix(string(key), sealedLine) {
		t.Error("the index key is not sealed")
	}
	if es, err := PeekDirectory(bg, dir); err != nil || len(es) != 1 || string(es[0].Content) != "1" {
		t.Errorf("the directory of an encrypted archive: %+v %v", es, err)
	}
	s = openIn(t, dir, sealed)
	wantBytes(t, s, a)
	if ts, err := s.Transfers(bg, all); err != nil || len(ts) != 1 || ts[0].By != operator {
		t.Errorf("transfers %+v %v", ts, err)
	}
	if fs, err := s.Flags(bg, all, true); err != nil || fs[0].By != operator || !strings.Contains(directoryText(t, s), operator) {
		t.Errorf("flags %+v %v", fs, err)
	}
	if f, err := s.Frame(bg, all, a.ID); err != nil || !bytes.Equal(f, a.Frame) {
		t.Errorf("frame %q %v", f, err)
	}
	ms, err := s.DocumentStatus(bg, all, a.ID)
	if err != nil || len(ms) < 2 || string(ms[len(ms)-1].Findings) != "findings of "+cli1 {
		t.Errorf("status %+v %v", ms, err)
	}
	p, err := s.Search(bg, all, Filter{Client: cli1, Nullified: true}, 10, "")
	if err != nil || len(p.Hits) != 1 || string(p.Hits[0].Index.Summary) != "summary of "+cli1 {
		t.Errorf("search %+v %v", p, err)
	}
	wantClean(t, s)
}

// An encrypted archive opens with its master key alone, and an archive stays for
// life what it was made as.
func TestSEC6_TheMasterKeyIsNeeded(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(bg, Options{Dir: dir, Master: testMaster})
	if err != nil {
		t.Fatal(err)
	}
	mustArchive(t, s, doc(id(1)))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for name, master := range map[string]KeySource{"none": nil, "another": Key(make([]byte, 32)), "short": Key([]byte("x")),
		"missing file": KeyFile(filepath.Join(dir, "none")), "failing command": KeyCommand("exit 3"), "babble": KeyCommand("echo no key")} {
		_, err := Open(bg, Options{Dir: dir, Master: master})
		if !errors.Is(err, ErrKey) || !strings.Contains(err.Error(), "master") {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantBytes(t, openIn(t, dir, func(o *Options) {
		o.Master = KeyCommand("printf 0123456789abcdef0123456789abcdef | od -v -An -tx1 | tr -d ' \\n'")
	}), doc(id(1)))

	plain := t.TempDir()
	s, err = Open(bg, Options{Dir: plain})
	if err != nil {
		t.Fatal(err)
	}
	mustArchive(t, s, doc(id(1)))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s = openIn(t, plain, sealed); s.Encrypted() {
		t.Error("a plain archive calls itself encrypted")
	}
	wantBytes(t, s, doc(id(1)))
}

func TestKeyFileIsMadeOnceAndForItsOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	if err := NewKeyFile(path, defaultRandom); err != nil {
		t.Fatal(err)
	}
	first, err := KeyFile(path)(bg)
	if err != nil || len(first) != masterSize {
		t.Fatal(first, err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", st, err)
	}
	if err := NewKeyFile(path, defaultRandom); !errors.Is(err, os.ErrExist) {
		t.Errorf("made again: %v", err)
	}
	if again, _ := KeyFile(path)(bg); !bytes.Equal(first, again) {
		t.Error("the key has changed")
	}
}

// Keys stand apart by controller and purpose, and one that is damaged is replaced by
// its copy.
func TestDataKeysAreKeptByController(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(bg, Options{Dir: dir, Master: testMaster})
	if err != nil {
		t.Fatal(err)
	}
	a, b := doc(id(1)), doc(id(2))
	b.Controller = ctlB
	mustArchive(t, s, a)
	mustArchive(t, s, b)
	mustArchive(t, s, doc(id(3)))
	if n := count(t, s, `SELECT count(*) FROM data_keys WHERE purpose = 'document'`); n != 2 {
		t.Errorf("%d data keys for two controllers", n)
	}
	db := rawDB(t, s)
	if _, err := db.Exec(`UPDATE data_keys SET wrapped = zeroblob(69) WHERE controller = ?`, ctlA); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`DELETE FROM data_keys`); err == nil {
		t.Error("data keys can be deleted")
	}
	db.Close()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openIn(t, dir, sealed)
	wantBytes(t, s, a)
	wantBytes(t, s, b)
	r, err := s.Check(bg)
	if err != nil || r.OK() {
		t.Errorf("the damaged keys are not told: %v", err)
	}
	for _, p := range r.Problems {
		if p.Area != "key" {
			t.Errorf("%+v", p)
		}
	}
}

// The key of a document's content goes with the salt of its leaf: what a disposal
// deletes cannot be read from a copy of the row alone.
func TestLUO6_TheSaltGoneTheContentCannotBeRead(t *testing.T) {
	s := open(t, sealed)
	mustArchive(t, s, doc(id(1)))
	db := rawDB(t, s)
	dropTriggers(t, db)
	if _, err := db.Exec(`DELETE FROM salts WHERE leaf = (SELECT leaf FROM documents)`); err != nil {
		t.Fatal(err)
	}
	_, err := s.Document(bg, all, id(1))
	wantErr(t, err, ErrDamaged)
}

// A trial leaves no key behind either.
func TestTryMakesNoKeys(t *testing.T) {
	s := open(t, sealed)
	if out, err := s.Try(bg, doc(id(1))); err != nil || out.Kind != Archived {
		t.Fatal(out, err)
	}
	if n := count(t, s, `SELECT count(*) FROM data_keys`); n != 1 {
		t.Errorf("%d data keys", n)
	}
}

// New data keys for what is new, all of them under a new master key: the old opens
// nothing any more, everything can be read, and the walls stand.
func TestSEC6_KeysAreRotated(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(bg, Options{Dir: dir, Master: testMaster})
	if err != nil {
		t.Fatal(err)
	}
	mustArchive(t, s, doc(id(1)))
	if err := s.Log(bg, Entries{Usage: []Usage{usageOf(ctlA, cli2, "rotated", id(1), "fetch", noon)}}); err != nil {
		t.Fatal(err)
	}
	old, err := s.Prove(bg, all, id(1))
	if err != nil {
		t.Fatal(err)
	}
	next := Key(bytes.Repeat([]byte{7}, 32))
	if r, err := s.RotateKeys(bg, nil); err != nil || r.Retired != 3 || r.Rewrapped {
		t.Fatalf("%+v %v", r, err)
	}
	mustArchive(t, s, doc(id(2)))
	if r, err := s.RotateKeys(bg, next); err != nil || r.Retired != 3 || !r.Rewrapped {
		t.Fatalf("%+v %v", r, err)
	}
	mustArchive(t, s, doc(id(3)))
	if n := count(t, s, `SELECT count(DISTINCT substr(payload, 2, 1)) FROM bodies`); n != 3 {
		t.Errorf("three documents under %d keys", n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = Open(bg, Options{Dir: dir, Master: testMaster})
	wantErr(t, err, ErrKey)
	s = openIn(t, dir, func(o *Options) { o.Master = next })
	for i := range 3 {
		wantBytes(t, s, doc(id(i+1)))
	}
	// What was found is found, and what was handed out holds: these keys stay themselves.
	if p, err := s.SearchUsage(bg, inA, LogFilter{User: "rotated", Client: cli2}, 10, ""); err != nil || len(p.Entries) != 1 {
		t.Errorf("a log row from before: %+v %v", p, err)
	}
	if _, err := old.Verify(s.CheckpointKey()); err != nil {
		t.Errorf("a proof from before: %v", err)
	}
	wantClean(t, s)
}

// A rotation that is broken off before its commit leaves an archive that the old
// master key opens.
func TestSEC6_ABrokenRotationIsHarmless(t *testing.T) {
	dir := t.TempDir()
	broken := false
	s, err := Open(bg, Options{Dir: dir, Master: testMaster, beforeCommit: func() error {
		if broken {
			return errors.New("the power goes")
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	mustArchive(t, s, doc(id(1)))
	broken = true
	if _, err := s.RotateKeys(bg, Key(bytes.Repeat([]byte{7}, 32))); err == nil {
		t.Fatal("it went through")
	}
	broken = false
	_ = s.Close()
	s = openIn(t, dir, sealed)
	wantBytes(t, s, doc(id(1)))
	wantClean(t, s)
}

func TestRotationNeedsEncryption(t *testing.T) {
	_, err := open(t).RotateKeys(bg, nil)
	wantErr(t, err, ErrInput)
}
