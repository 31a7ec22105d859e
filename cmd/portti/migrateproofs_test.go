package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"portti/fixtures"
	"portti/internal/migrate"
	"portti/store/proof"
)

// doorOf gives the witness of a door, with a journal of an old system.
func doorOf(t *testing.T, key *proof.Key, door http.HandlerFunc, by string) *proofDoor {
	t.Helper()
	dir, _ := oldSystem(t, fixtures.OldOptions{Rows: 1, Clean: true})
	work, public := filepath.Join(dir, "work"), filepath.Join(dir, "checkpoint.pub")
	if code, _, errs := runMain(nil, "migrate", "build", "--mapping", filepath.Join(dir, "mapping.yaml"), "--trust", filepath.Join(dir, "ca.pem"), "--work", work); code != exitOK {
		t.Fatal(errs)
	}
	if err := os.WriteFile(public, []byte(key.Public()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(door)
	t.Cleanup(s.Close)
	j, err := migrate.OpenJournal(work)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	w, err := newProofDoor(j, witnessFlags{to: s.URL + "/soap", by: by, checkpointKey: public})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func checkpointKey(t *testing.T) *proof.Key {
	t.Helper()
	k, err := proof.NewKey("archive.example", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// checkpoint makes one of a tree that has only a size and a root.
func checkpoint(t *testing.T, k *proof.Key, size int64, root byte) *proof.Checkpoint {
	t.Helper()
	c, err := k.Checkpoint(size, append(make([]byte, 31), root), time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var onePage = []migrate.Kept{{Seq: 1, OID: "1.2.3", Controller: "1.2.246.10.99999901.10.0"}}

// TestMIG1_AnArchiveWithoutProofsIsNotHeldAgainstIt: the other witness says what is there.
func TestMIG1_AnArchiveWithoutProofsIsNotHeldAgainstIt(t *testing.T) {
	w := doorOf(t, checkpointKey(t), http.NotFound, "query")
	if held, err := w.Holds(t.Context(), onePage); err != nil || !held[0] || w.Name() != "no inclusion proofs offered" {
		t.Errorf("%v %v %s", held, err, w.Name())
	}
	w = doorOf(t, checkpointKey(t), http.NotFound, "proof")
	if _, err := w.Holds(t.Context(), onePage); !errors.Is(err, errNoProofs) {
		t.Errorf("asked for proofs alone: %v", err)
	}
}

// TestMIG1_AnArchiveIsHeldToItsEarlierCheckpoint: the next report proves that the
// history that the last one saw is still there.
func TestMIG1_AnArchiveIsHeldToItsEarlierCheckpoint(t *testing.T) {
	k := checkpointKey(t)
	seen, now := checkpoint(t, k, 3, 1), checkpoint(t, k, 3, 2)
	for name, answer := range map[string]*proof.Consistency{
		"no such checkpoint":  nil,
		"another history":     {Format: proof.FormatConsistency, From: now.Note, To: now.Note},
		"what does not prove": {Format: proof.FormatConsistency, From: seen.Note, To: now.Note},
	} {
		w := doorOf(t, k, func(rw http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path == "/proofs/checkpoint":
				_, _ = rw.Write([]byte(now.Note))
			case r.URL.Path == "/proofs/consistency" && r.URL.Query().Get("from") == "3" && answer != nil:
				_ = json.NewEncoder(rw).Encode(answer)
			default:
				http.NotFound(rw, r)
			}
		}, "proof")
		if err := w.j.Remember(metaCheckpoint, seen.Note); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Holds(t.Context(), onePage); !errors.Is(err, errHistory) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestMIG1_AWrongProofIsNone: a document is there only when it is proven by its bytes.
func TestMIG1_AWrongProofIsNone(t *testing.T) {
	k := checkpointKey(t)
	now := checkpoint(t, k, 1, 1)
	w := doorOf(t, k, func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/proofs/checkpoint" {
			_, _ = rw.Write([]byte(now.Note))
			return
		}
		_ = json.NewEncoder(rw).Encode(&proof.Inclusion{Format: proof.FormatInclusion, Checkpoint: now.Note, Entry: []byte("x")})
	}, "proof")
	var page []migrate.Kept
	if err := w.j.Records(t.Context(), "en", func(r migrate.Record) error {
		page = append(page, migrate.Kept{OID: r.Document, Controller: onePage[0].Controller})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	held, err := w.Holds(t.Context(), page)
	for i := range held {
		if held[i] {
			t.Errorf("%s is taken as proven", page[i].OID)
		}
	}
	if err != nil || len(held) == 0 {
		t.Error(held, err)
	}
}
