package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portti/store"
)

// Whoever was supplied an entry of a log can hold it against a proof that it stands in
// the log so; the look that the proof took is logged itself.
func TestLOG3_ASuppliedEntryIsProven(t *testing.T) {
	const own = "1.2.246.10.99999911.10.0"
	dir := filepath.Join(t.TempDir(), "archive")
	clock := func() time.Time { return time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC) }
	st, err := store.Open(context.Background(), store.Options{Dir: dir, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	err = st.Log(context.Background(), store.Entries{
		Usage: []store.Usage{{DataController: own, LogController: own, Client: "010181-900C", User: "55", UserName: "Tessa Testaaja", System: "1.2.3",
			Action: "fetch", DocumentID: "1.2.4", Purpose: "1", Detail: []byte(`{"case":"1.2.5"}`)}},
		Disclosures: []store.Disclosure{{DataController: own, LogController: own, Client: "010181-900C", Discloser: "portti", User: "55", UserName: "Tessa Testaaja",
			Recipient: "1.2.9", DocumentID: "1.2.4", Description: "document", Purpose: "1", Ground: "permission"}},
	})
	key := st.CheckpointKey()
	if err := errors.Join(err, st.Close()); err != nil {
		t.Fatal(err)
	}
	files := t.TempDir()
	put := func(name, content string) string {
		path := filepath.Join(files, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	run := func(want int, args ...string) string {
		t.Helper()
		exit, stdout, stderr := runMain(nil, args...)
		if exit != want {
			t.Fatalf("%v: exit code %d, %s%s", args, exit, stdout, stderr)
		}
		return stdout
	}
	public := put("checkpoint.pub", key)
	who := []string{"--data", dir, "--purpose", "valvonta", "--by", "1234", "--by-name", "Anna Arkisto"}
	for _, log := range []string{"usage", "disclosures"} {
		line := run(exitOK, append([]string{"log", log, "--controller", own, "--as", "jsonl", "--document", "1.2.4"}, who...)...)
		var e struct{ Leaf json.Number }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%s: %q: %v", log, line, err)
		}
		leaf := "leaf:" + e.Leaf.String()
		entry := put(log+".json", line)
		proven := put(log+".proof", run(exitOK, append([]string{"archive", "prove", leaf, "--content"}, who...)...))
		if out := run(exitOK, "archive", "check-proof", "--key", public, proven, entry); !strings.Contains(out, "the entry is this one") {
			t.Error(out)
		}
		if out := run(exitOK, "archive", "check-proof", "--key", public, proven); !strings.Contains(out, "010181-900C") {
			t.Errorf("it does not tell what is proven: %s", out)
		}
		for _, change := range []string{"Tessa", "2026-03-01T09", `"purpose":"1"`, "1.2.4"} {
			other := put("other.json", strings.Replace(line, change, strings.Replace(change, "1", "7", 1)+strings.Repeat(" ", strings.Count(change, "Tessa")), 1))
			run(exitInvalid, "archive", "check-proof", "--key", public, proven, other)
		}
		bare := put("bare.proof", run(exitOK, "archive", "prove", "--data", dir, leaf))
		if b, _ := os.ReadFile(bare); strings.Contains(string(b), "fields") {
			t.Error("a proof without --content has content")
		}
		run(exitUsage, "archive", "check-proof", "--key", public, bare, entry)
	}
	run(exitUsage, "archive", "prove", "--data", dir, "--content", "leaf:0")
	run(exitUsage, append([]string{"archive", "prove", "leaf:9999", "--content"}, who...)...)
	if st, err = store.Open(context.Background(), store.Options{Dir: dir, Now: clock}); err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	p, err := st.SearchUsage(context.Background(), store.Scope{Controllers: []string{own}, Purpose: "test"}, store.LogFilter{Action: "log-prove"}, 10, "")
	if err != nil || len(p.Entries) != 2 {
		t.Fatalf("the looks are not logged: %+v %v", p, err)
	}
	for _, e := range p.Entries {
		if e.Client != "010181-900C" || e.UserName != "Anna Arkisto" || e.Purpose != "valvonta" {
			t.Errorf("%+v", e.Usage)
		}
	}
}

// A change of the master key that was broken off, at whatever moment, ends by itself
// with the next command.
func TestSEC6_ABrokenOffChangeOfTheMasterKeyEndsItself(t *testing.T) {
	for _, c := range []struct {
		name     string
		rotated  bool // the archive is under the new key
		gone     bool // and the old file has its new name
		complete bool // the next command ends it
	}{{"before the archive knew of the key", false, false, false}, {"before the files changed places", true, false, true}, {"between the two renames", true, true, true}} {
		dir := filepath.Join(t.TempDir(), "archive")
		file := masterFile(dir)
		for _, name := range []string{file, newKey(file)} {
			if err := store.NewKeyFile(name, rand.Reader); err != nil {
				t.Fatal(err)
			}
		}
		st, err := store.Open(context.Background(), store.Options{Dir: dir, Master: store.KeyFile(file)})
		if err != nil {
			t.Fatal(err)
		}
		err = st.Log(context.Background(), store.Entries{Usage: []store.Usage{{DataController: "1.2.3", LogController: "1.2.3", Action: "fetch"}}})
		if err == nil && c.rotated {
			_, err = st.RotateKeys(context.Background(), store.KeyFile(newKey(file)))
		}
		if err = errors.Join(err, st.Close()); err == nil && c.gone {
			err = os.Rename(file, file+".20260301T000000Z")
		}
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if exit, stdout, stderr := runMain(nil, "archive", "verify", "--data", dir); exit != exitOK {
				t.Errorf("%s: exit code %d, %s%s", c.name, exit, stdout, stderr)
			}
		}
		if exists(newKey(file)) == c.complete {
			t.Errorf("%s: the new key's file: %t", c.name, exists(newKey(file)))
		}
		if olds, _ := filepath.Glob(file + ".2026*"); c.complete != (len(olds) == 1) {
			t.Errorf("%s: old keys kept: %q", c.name, olds)
		}
	}
}
