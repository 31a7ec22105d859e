package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"portti/cda/frame"
	"portti/cda/rules/catalogue"
	"portti/fixtures"
	"portti/internal/xmltree"
	"portti/xmldsig/trust"
)

// oldWorld writes an old system and gives options to build it.
func oldWorld(t *testing.T, rows int) (*Mapping, BuildOptions, []fixtures.OldRow) {
	t.Helper()
	w, dir := fixtures.Default(), t.TempDir()
	expected, err := w.WriteOldSystem(dir, fixtures.OldOptions{Rows: rows})
	if err != nil {
		t.Fatal(err)
	}
	m, err := LoadMapping(filepath.Join(dir, "mapping.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, cert := m.KeyFiles()
	certs, err := trust.Load(cert)
	if err != nil {
		t.Fatal(err)
	}
	return m, BuildOptions{Mapping: m, Key: w.Migration.Signing.Key, Certificate: certs[0], Now: func() time.Time { return w.Now }}, expected
}

func openJournal(t *testing.T, dir string) *Journal {
	t.Helper()
	j, err := OpenJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// ids gives each row's document, and the temporary ids of clients.
func ids(t *testing.T, j *Journal) (documents map[int64]string, temporary map[string]string) {
	t.Helper()
	documents, temporary = map[int64]string{}, map[string]string{}
	err := j.Records(t.Context(), "en", func(r Record) error {
		if r.Row > 0 {
			documents[r.Row] = r.State + " " + r.Document
		}
		return nil
	})
	if err == nil {
		err = j.query(t.Context(), func(r *sql.Rows) error {
			var k, root, id string
			if err := r.Scan(&k, &root, &id); err != nil {
				return err
			}
			temporary[k] = root + " " + id
			return nil
		}, `SELECT key, root, id FROM persons WHERE root<>'1.2.246.21'`)
	}
	if err != nil {
		t.Fatal(err)
	}
	return documents, temporary
}

// TestMIG1_BuildGoesOnWhereItWasStopped: a build that is stopped again and again
// makes what one in a single go makes.
func TestMIG1_BuildGoesOnWhereItWasStopped(t *testing.T) {
	_, o, rows := oldWorld(t, 180)
	whole := openJournal(t, filepath.Join(t.TempDir(), "whole"))
	o.Journal = whole
	if _, err := Build(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	wantIDs, wantTemporary := ids(t, whole)
	if err := whole.Close(); err != nil {
		t.Fatal(err)
	}
	if len(wantIDs) != len(rows) || len(wantTemporary) == 0 {
		t.Fatalf("%d rows, %d temporary ids", len(wantIDs), len(wantTemporary))
	}
	dir := filepath.Join(t.TempDir(), "stopped")
	stops := 0
	for ended := false; !ended; stops++ {
		ctx, cancel := context.WithCancel(t.Context())
		o.Journal = openJournal(t, dir)
		o.Progress = func(b Built) { cancel() } // at each 64 rows
		_, err := Build(ctx, o)
		cancel()
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		ended = err == nil
		if err := o.Journal.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if stops < 3 {
		t.Errorf("it was stopped %d times", stops-1)
	}
	stopped := openJournal(t, dir)
	defer stopped.Close()
	gotIDs, gotTemporary := ids(t, stopped)
	for row, want := range wantIDs {
		if gotIDs[row] != want {
			t.Errorf("row %d: %q, in one go %q", row, gotIDs[row], want)
		}
	}
	for client, want := range wantTemporary {
		if gotTemporary[client] != want {
			t.Errorf("a temporary id is %q, in one go %q", gotTemporary[client], want)
		}
	}
}

// TestMIG1_AnotherTableIsRefused: a journal belongs to one table.
func TestMIG1_AnotherTableIsRefused(t *testing.T) {
	m, o, _ := oldWorld(t, 9)
	o.Journal = openJournal(t, filepath.Join(t.TempDir(), "w"))
	defer o.Journal.Close()
	if _, err := Build(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(m.path(m.Table), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString("x\n")
	}
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Build(t.Context(), o); !errors.Is(err, ErrChanged) {
		t.Errorf("another table: %v", err)
	}
}

// packages keeps the attachments of what is sent.
type packages struct {
	t     *testing.T
	types map[string]int
}

func (p *packages) Send(_ context.Context, framed []byte) (Reply, error) {
	tree, err := xmltree.Parse(framed, xmltree.Limits{})
	if err != nil {
		return Reply{}, err
	}
	f, _ := frame.Read(tree, tree.Root(), catalogue.Strict)
	pkg, _ := f.Package()
	for _, a := range pkg.Attachments {
		p.types[a.MediaType]++
	}
	return Reply{Verdict: "CA", Status: 200}, nil
}

// TestDOC1_OriginalsGoAlong: pages become XHTML, and the pictures that they were go
// along as attachments where the mapping wants it.
func TestDOC1_OriginalsGoAlong(t *testing.T) {
	m, o, _ := oldWorld(t, 90)
	m.Originals = "attach"
	o.Journal = openJournal(t, filepath.Join(t.TempDir(), "w"))
	defer o.Journal.Close()
	if _, err := Build(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	p := &packages{t, map[string]int{}}
	pushed, err := Push(t.Context(), PushOptions{Journal: o.Journal, Connect: func() (Transport, error) { return p, nil }, Workers: 1, Now: time.Now})
	if err != nil || pushed.Archived == 0 || pushed.Archived != pushed.Total {
		t.Fatalf("%+v %v", pushed, err)
	}
	if p.types["image/jpeg"] != 1 || p.types["image/tiff"] != 1 {
		t.Errorf("attachments %v", p.types)
	}
	w, err := ResendWitness(o.Journal, p, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := o.Journal.Reconcile(t.Context(), w); err != nil || !r.Complete() || r.Held != pushed.Archived {
		t.Errorf("reconciliation: %+v %v", r, err)
	}
	if p.types["image/jpeg"] != 2 || p.types["image/tiff"] != 2 {
		t.Errorf("attachments %v when sent once more", p.types)
	}
}

// TestDOC10_TemporaryCodesAreTheirClientsAlone: people see the code without its root,
// so that no two clients have the same one while there are others.
func TestDOC10_TemporaryCodesAreTheirClientsAlone(t *testing.T) {
	j := openJournal(t, filepath.Join(t.TempDir(), "w"))
	defer j.Close()
	codes, whole := map[string]bool{}, map[string]bool{}
	for i := range 1300 { // six signs of a hundred, then again for each year
		p := &person{key: fmt.Sprint(i), born: "19510403"}
		if err := j.temporary(p, Organisation{OID: "1.2.246.10.99999901.10.0"}, 2018+i%3); err != nil {
			t.Fatal(err)
		}
		if codes[p.id] && len(codes) < 600 {
			t.Fatalf("client %d has another's code %s", i, p.id)
		}
		if whole[p.root+p.id] {
			t.Fatalf("client %d has another's id %s %s", i, p.root, p.id)
		}
		codes[p.id], whole[p.root+p.id] = true, true
	}
	if len(codes) != 600 {
		t.Errorf("%d codes", len(codes))
	}
}
