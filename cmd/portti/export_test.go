package main

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portti/store"
)

// A package has every document byte for byte, lists all its files with their hashes,
// and its proofs hold; it is logged, and has nothing of another controller.
func TestARK14_ExportDescribesItself(t *testing.T) {
	const own, other = "1.2.246.10.99999911.10.0", "1.2.246.10.99999912.10.0"
	dir := filepath.Join(t.TempDir(), "a")
	st, err := store.Open(context.Background(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	documents := map[string]string{}
	for id, controller := range map[string]string{"1.2.246.10.99999911.95777.1": own, "1.2.246.10.99999911.95777.2": own, "1.2.246.10.99999912.95777.1": other} {
		documents[id] = "<ClinicalDocument>" + id + "</ClinicalDocument>"
		out, err := st.Archive(context.Background(), store.Archival{ID: id, SetID: id, Version: 1, Controller: controller, Register: "1",
			Document: []byte(documents[id]), Frame: []byte("<frame/>"), Index: store.Index{Group: "5", Clients: []string{"010181-900C"}, Summary: []byte(`{"title":"x"}`)},
			Message: store.Message{ID: "m" + id, Owner: controller, Answer: store.Answer{Verdict: "CA", Findings: []byte("[]")}}})
		if err != nil || out.Kind != store.Archived {
			t.Fatal(out, err)
		}
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	folder, file := filepath.Join(t.TempDir(), "folder"), filepath.Join(t.TempDir(), "export.zip")
	for _, to := range []string{folder, file} {
		exit, stdout, stderr := runMain(nil, "archive", "export", "--data", dir, "--controller", own, "--user", "010181-900C", "--to", to)
		if exit != exitOK || !strings.Contains(stdout, "2 documents, 0 of them disposed of, 0 damaged") {
			t.Fatalf("%d %q %q", exit, stdout, stderr)
		}
	}
	read := map[string]func(string) []byte{
		"folder": func(name string) []byte { b, _ := os.ReadFile(filepath.Join(folder, name)); return b },
		"zip": func(name string) []byte {
			z, err := zip.OpenReader(file)
			if err != nil {
				t.Fatal(err)
			}
			defer z.Close()
			f, err := z.Open(name)
			if err != nil {
				return nil
			}
			b, _ := io.ReadAll(f)
			return b
		},
	}
	for form, read := range read {
		var m metsDoc
		if err := xml.Unmarshal(read("METS.xml"), &m); err != nil || len(m.Files) != 2*4+2 {
			t.Fatalf("%s: METS.xml lists %d files, %v", form, len(m.Files), err)
		}
		for _, f := range m.Files {
			b := read(f.Location.Href)
			if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != f.Checksum || len(b) != f.Size {
				t.Errorf("%s: %s is not as METS.xml says", form, f.Location.Href)
			}
		}
		for id, text := range documents {
			have := string(read("representations/documents/data/" + id + ".xml"))
			if strings.Contains(id, "99999912") != (have == "") || have != "" && have != text {
				t.Errorf("%s: document %s: %q", form, id, have)
			}
		}
	}
	at := func(name string) string { return filepath.Join(folder, name) }
	exit, stdout, _ := runMain(nil, "archive", "check-proof", "--key", at("metadata/preservation/checkpoint.pub"),
		at("metadata/preservation/proofs/1.2.246.10.99999911.95777.1.json"), at("representations/documents/data/1.2.246.10.99999911.95777.1.xml"))
	if exit != exitOK || !strings.Contains(stdout, "the document is this one") {
		t.Errorf("proof: %d %q", exit, stdout)
	}
	st, err = store.Open(context.Background(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	p, err := st.SearchUsage(context.Background(), store.Scope{Controllers: []string{own}, Purpose: "test"}, store.LogFilter{Action: "export"}, 10, "")
	if err != nil || len(p.Entries) != 2 {
		t.Errorf("the exports are not logged: %+v %v", p, err)
	}
}
