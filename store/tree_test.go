package store

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"portti/store/proof"

	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/merkle/testonly"
)

// manyLeaves puts n leaves into the archive, past the API.
func manyLeaves(tb testing.TB, s *Store, n int) {
	tb.Helper()
	for n > 0 {
		batch := min(n, 5000)
		n -= batch
		err := s.do(bg, "test", 0, func(t *tx) error {
			for range batch {
				l, err := newLeaf(leafPurge, new(record).int(t.seq.leaf), s.opt.Random)
				if err != nil {
					return err
				}
				if _, err := t.leaf(&l, 0); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
}

// The tree from tiles has the root that a plain tree over the same leaves has, at
// sizes around the tiles' bounds.
func TestARK9_TreeFromTilesIsThatOfRFC6962(t *testing.T) {
	s := open(t)
	plain := testonly.New(rfc6962.DefaultHasher)
	size := 0
	for _, to := range []int{1, 2, 255, 256, 257, 511, 512, 1000, 65535, 65536, 65537, 66000} {
		manyLeaves(t, s, to-size)
		rows, err := s.read.Query(`SELECT entry FROM leaves WHERE seq >= ? ORDER BY seq`, size)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var e []byte
			if err := rows.Scan(&e); err != nil {
				t.Fatal(err)
			}
			plain.AppendData(e)
		}
		rows.Close()
		size = to
		if err := s.Checkpoint(bg); err != nil {
			t.Fatal(err)
		}
		c, ok := s.LastCheckpoint()
		if !ok || c.Size != int64(to) || string(c.Root[:]) != string(plain.Hash()) {
			t.Fatalf("size %d: %+v", to, c)
		}
		if _, err := proof.Open(c.Note, s.CheckpointKey()); err != nil {
			t.Error(err)
		}
	}
	if n := count(t, s, `SELECT count(*) FROM tiles WHERE level = 0`); n != 66000/256 {
		t.Errorf("%d tiles", n)
	}
	if n := count(t, s, `SELECT count(*) FROM tiles WHERE level = 1`); n != 1 {
		t.Errorf("%d tiles of level 1", n)
	}
	for _, leaf := range []string{"leaf:0", "leaf:255", "leaf:256", "leaf:65535", "leaf:65536", "leaf:65999"} {
		if _, err := s.Prove(bg, all, leaf); err != nil { // it verifies what it gives
			t.Errorf("%s: %v", leaf, err)
		}
	}
	for _, from := range []int64{1, 256, 257, 1000, 65536} {
		p, err := s.Consistency(bg, from, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := p.Verify(s.CheckpointKey()); err != nil {
			t.Errorf("from %d: %v", from, err)
		}
	}
	c := &checker{s: s, r: new(CheckReport)}
	if err := c.merkle(bg); err != nil || !c.r.OK() {
		t.Errorf("%v %+v", err, c.r.Problems)
	}
}

// written puts a proof into a file.
func written(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "proof.json")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// pythonCheck checks proofs by the second program; without Python the test is skipped.
func pythonCheck(t *testing.T, key string) func(path string, more ...string) bool {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("PORTTI_REQUIRE") != "" {
			t.Fatal(err)
		}
		t.Skip("python3 is missing")
	}
	return func(path string, more ...string) bool {
		out, err := exec.Command(python, append([]string{"proof/testdata/check_proof.py", key, path}, more...)...).CombinedOutput()
		var exit *exec.ExitError
		if err != nil && (!errors.As(err, &exit) || strings.Contains(string(out), "Traceback")) {
			t.Fatalf("%v: %s", err, out)
		}
		return err == nil
	}
}

// A proof holds with the checkpoint key alone, in this program and in one written
// apart from it; changed in any way, in neither.
func TestARK9_ProofsHoldForASecondProgram(t *testing.T) {
	s := open(t, sealed)
	for i := range 9 {
		mustArchive(t, s, doc(id(i)))
		if err := s.Checkpoint(bg); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	key, document := filepath.Join(dir, "key"), filepath.Join(dir, "document.xml")
	for path, b := range map[string][]byte{key: []byte(s.CheckpointKey() + "\n"), document: doc(id(3)).Document} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	second := pythonCheck(t, key)
	p, err := s.Prove(bg, inA, id(3))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.VerifyDocument(s.CheckpointKey(), doc(id(3)).Document); err != nil || !second(written(t, p), document) {
		t.Fatalf("the proof does not hold: %v", err)
	}
	if _, err := p.VerifyDocument(s.CheckpointKey(), doc(id(4)).Document); !errors.Is(err, proof.ErrInvalid) {
		t.Errorf("it holds for another document: %v", err)
	}
	other := "x"
	changes := map[string]func(p *proof.Inclusion){
		"verdict":    func(p *proof.Inclusion) { p.Field("verdict").Text = &other },
		"salt":       func(p *proof.Inclusion) { p.Salt[0] ^= 1 },
		"entry":      func(p *proof.Inclusion) { p.Entry[0] ^= 1 },
		"index":      func(p *proof.Inclusion) { p.Index++ },
		"beyond":     func(p *proof.Inclusion) { p.Index = 1 << 40 },
		"hash":       func(p *proof.Inclusion) { p.Hashes[1][0] ^= 1 },
		"hash less":  func(p *proof.Inclusion) { p.Hashes = p.Hashes[1:] },
		"hash more":  func(p *proof.Inclusion) { p.Hashes = append(p.Hashes, p.Hashes[0]) },
		"size":       func(p *proof.Inclusion) { p.Checkpoint = strings.Replace(p.Checkpoint, "\n18\n", "\n19\n", 1) },
		"signature":  func(p *proof.Inclusion) { p.Checkpoint = p.Checkpoint[:len(p.Checkpoint)-10] + "AAAAAAAA=\n" },
		"kind":       func(p *proof.Inclusion) { p.Kind = 2 },
		"field gone": func(p *proof.Inclusion) { p.Fields = p.Fields[1:] },
	}
	for name, change := range changes {
		p, err := s.Prove(bg, inA, id(3))
		if err != nil {
			t.Fatal(err)
		}
		before := written(t, p)
		change(p)
		after := written(t, p)
		if a, _ := os.ReadFile(before); string(a) == string(must(os.ReadFile(after))) {
			t.Errorf("%s: the change hit nothing", name)
		}
		if _, err := p.Verify(s.CheckpointKey()); !errors.Is(err, proof.ErrInvalid) {
			t.Errorf("%s changed: %v", name, err)
		}
		if second(after) {
			t.Errorf("%s changed: the second program takes it", name)
		}
	}
	for size := int64(2); size <= 18; size += 2 {
		c, err := s.Consistency(bg, size, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.Verify(s.CheckpointKey()); err != nil || !second(written(t, c)) {
			t.Errorf("consistency from %d: %v", size, err)
		}
		if len(c.Hashes) > 0 {
			c.Hashes[0][0] ^= 1
		} else {
			c.Hashes = [][]byte{make([]byte, 32)}
		}
		if _, _, err := c.Verify(s.CheckpointKey()); err == nil || second(written(t, c)) {
			t.Errorf("changed consistency from %d holds", size)
		}
	}
}

// A proof is given to whose document it is.
func TestProofsKeepToTheScope(t *testing.T) {
	s := open(t)
	mustArchive(t, s, doc(id(1)))
	for _, x := range []struct {
		sc   Scope
		id   string
		kind Kind
	}{{inB, id(1), ErrNotFound}, {Scope{}, id(1), ErrScope}, {inA, "leaf:0", ErrNotFound}, {all, "leaf:99", ErrNotFound}, {all, "leaf:x", ErrInput}} {
		_, err := s.Prove(bg, x.sc, x.id)
		wantErr(t, err, x.kind)
	}
	_, err := s.Consistency(bg, 7, 0)
	wantErr(t, err, ErrNotFound)
}

// Checkpoints follow the leaves by themselves, at most a second behind, and none is
// made where nothing is new.
func TestARK9_CheckpointsFollowWithinASecond(t *testing.T) {
	if checkpointEvery > 1e9 {
		t.Errorf("the default is %v", checkpointEvery)
	}
	s := open(t, func(o *Options) { o.CheckpointEvery = 1 })
	for i := range 3 {
		mustArchive(t, s, doc(id(i)))
	}
	last := count(t, s, `SELECT count(*) FROM leaves`)
	for {
		if c, ok := s.LastCheckpoint(); ok && c.Size == last {
			break
		}
		if err := s.CheckpointError(); err != nil {
			t.Fatal(err)
		}
	}
	n := count(t, s, `SELECT count(*) FROM checkpoints`)
	if err := s.Checkpoint(bg); err != nil || count(t, s, `SELECT count(*) FROM checkpoints`) != n {
		t.Errorf("one more without new leaves: %v", err)
	}
	if age, waiting := s.CheckpointAge(); waiting {
		t.Errorf("a leaf waits for %v", age)
	}
	wantClean(t, s)
}
