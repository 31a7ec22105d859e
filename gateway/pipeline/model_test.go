package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/fixtures"
	"portti/gateway/soap"
	"portti/internal/share"
	"portti/internal/xmltree"
	"portti/store"
)

// Random sequences of operations against a simple model in memory: same verdicts, same
// reasons, same visible state.

// sequences is how many sequences are tried: PORTTI_SEQUENCES, by default few.
func sequences(t *testing.T) int {
	n, err := strconv.Atoi(os.Getenv("PORTTI_SEQUENCES"))
	if err != nil {
		return share.Of(60, 15)
	}
	t.Logf("%d sequences", n)
	return n
}

const operationsOf = 30

// model is the archive as simple as it can be.
type model struct {
	stored []*fixtures.Document // in the order of arrival
	series map[string]*modelSeries
	orders []modelOrder // in the order of arrival
}

type modelSeries struct {
	newest      *fixtures.Document
	nullifiedBy string
}

func (m *model) has(id string) *fixtures.Document {
	for _, d := range m.stored {
		if d.OID == id {
			return d
		}
	}
	return nil
}

// store gives the rule by which a document is refused, "" where it is stored, or was.
func (m *model) store(d *fixtures.Document) string {
	if known := m.has(d.OID); known != nil {
		if !bytes.Equal(known.Bytes, d.Bytes) {
			return store.RuleIDBytes
		}
		return ""
	}
	s := m.series[d.SetID]
	if d.Version > 1 {
		switch {
		case s == nil:
			return store.RuleSetUnknown
		case s.nullifiedBy != "":
			return store.RuleNullified
		case d.Spec.Replaces.OID != s.newest.OID:
			return store.RuleNotNewest
		}
	} else {
		s = &modelSeries{}
		m.series[d.SetID] = s
	}
	m.stored = append(m.stored, d)
	s.newest = d
	if d.Spec.Nullify {
		s.nullifiedBy = d.OID
	}
	return ""
}

// nullify is store for a nullification by frame.
func (m *model) nullify(d *fixtures.Document) string {
	id := d.OID
	if d.Spec.Replaces != nil {
		id = d.Spec.Replaces.OID
	}
	known := m.has(id)
	if known == nil {
		return store.RuleDocumentUnknown
	}
	s := m.series[known.SetID]
	switch {
	case s.nullifiedBy == id:
		return ""
	case s.nullifiedBy != "":
		return store.RuleNullified
	case s.newest.OID != id:
		return store.RuleNotNewest
	}
	s.nullifiedBy = id
	return ""
}

// visible gives the ids that a query sees, in no order.
func (m *model) visible(org *fixtures.Organisation, earlier, nullified bool, ok func(*fixtures.Document) bool) []string {
	var out []string
	for _, d := range m.stored {
		s := m.series[d.SetID]
		if d.Spec.Controller == org && (earlier || s.newest == d) && (nullified || s.nullifiedBy == "") && ok(d) {
			out = append(out, d.OID)
		}
	}
	slices.Sort(out)
	return out
}

// adding gives what builds a document by a specification and appends it.
func adding(t *testing.T, out *[]*fixtures.Document) func(fixtures.Spec) *fixtures.Document {
	return func(s fixtures.Spec) *fixtures.Document {
		t.Helper()
		s.Serial, s.OID = 0, ""
		d, err := fixtures.Default().Build(s)
		if err != nil {
			t.Fatal(err)
		}
		*out = append(*out, d)
		return d
	}
}

// modelPool are the documents of the sequences: series of two controllers and two
// clients, each with versions that follow one another, contend, and nullify.
func modelPool(t *testing.T) []*fixtures.Document {
	t.Helper()
	w := fixtures.Default()
	var out []*fixtures.Document
	add := adding(t, &out)
	for i := range 4 {
		s := w.Spec(fixtures.Phase1XHTML)
		if i%2 == 1 {
			s.Clients = []*fixtures.Client{w.Client("mother")}
		}
		if i == 3 {
			org := w.Organisations[1]
			s.Controller, s.Organiser, s.Unit, s.System = org, org, org.Units[0], org.System
		}
		w.Belong(&s)
		v1 := add(s)
		next := func(of *fixtures.Document, nullify bool) *fixtures.Document {
			s := of.Spec
			s.Replaces, s.Nullify, s.Effective = of, nullify, of.Spec.Effective.Add(60_000_000_000)
			return add(s)
		}
		left := next(v1, false)
		next(v1, false)
		next(v1, true)
		next(next(left, false), true)
		changed := *v1
		s.OID, s.Text = v1.OID, "muu"
		if d, err := w.Build(s); err == nil {
			changed.Bytes = d.Bytes
		}
		out = append(out, &changed)
	}
	return out
}

// runner tries one sequence.
type runner struct {
	t    *testing.T
	p    *Pipeline
	m    *model
	r    *rand.Rand
	pool []*fixtures.Document
	// orders are those of the sequences, as pool are their documents.
	orders []modelOrder
	n      int
	told   []string
}

// memoryDir is a folder in memory where the machine has one: what is tried here is not
// the disk.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "portti-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestARK3_RandomOperationsAgreeWithAModel(t *testing.T) {
	t.Parallel()
	pool, orders := append(modelPool(t), willPool(t)...), orderPool()
	folder := memoryDir(t)
	for seed := range sequences(t) {
		r := &runner{t: t, m: &model{series: map[string]*modelSeries{}}, r: rand.New(rand.NewPCG(uint64(seed), 7)), pool: pool, orders: orders}
		dir := filepath.Join(folder, strconv.Itoa(seed))
		st, err := store.Open(context.Background(), store.Options{Dir: dir, Now: func() time.Time { return fixtures.Default().Now }})
		if err != nil {
			t.Fatal(err)
		}
		r.p = testPipeline(t, st, KnownAccess{})
		withState(r.p, st)
		for _, name := range base {
			r.store(fixtures.Default().Doc(name))
		}
		for range operationsOf {
			r.step()
		}
		if err := errors.Join(st.Close(), os.RemoveAll(dir)); err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			t.Fatalf("seed %d:\n%s", seed, strings.Join(r.told, "\n"))
		}
	}
}

func (r *runner) step() {
	r.n++
	d := r.pool[r.r.IntN(len(r.pool))]
	w := fixtures.Default()
	switch r.r.IntN(14) {
	default:
		if of := d.Spec.Replaces; of != nil && r.m.has(of.OID) == nil && r.r.IntN(2) == 0 {
			d = of // a series that has begun tells more than one that is not there
		}
		r.store(d)
	case 0:
		o := fixtures.FrameOptions{NoText: true, Extension: strconv.Itoa(r.n)}
		if r.r.IntN(2) == 0 {
			o.Status = "NULLIFIED"
		}
		r.verdict("nullify "+d.OID, w.FrameWith(d, o), r.m.nullify(d))
	case 1, 2, 3:
		r.query(d)
	case 4, 5, 6:
		r.order()
	case 7, 8:
		r.decide()
	}
}

func (r *runner) store(d *fixtures.Document) {
	r.verdict("store "+d.OID, fixtures.Default().FrameWith(d, fixtures.FrameOptions{Extension: strconv.Itoa(r.n)}), r.m.store(d))
}

// send gives the root of the answer to a message.
func (r *runner) send(message []byte) (*xmltree.Tree, xmltree.Node) {
	a := r.p.Handle(context.Background(), request(string(message)))
	req, _, fs := soap.Read(a.ContentType, "", a.Body, soap.Options{})
	if req == nil {
		r.t.Fatalf("no SOAP: %v", fs)
	}
	return req.Tree, req.Body
}

func (r *runner) verdict(what string, message []byte, rule string) {
	tree, root := r.send(message)
	ack, _ := frame.ReadAck(tree, root)
	r.told = append(r.told, fmt.Sprintf("%d %s: %s, model %q", r.n, what, ack.Code, rule))
	refused := slices.ContainsFunc(ack.Details, func(d frame.Detail) bool { return d.Rule == rule })
	if rule == "" && ack.Code != frame.Accepted || rule != "" && (ack.Code != frame.Refused || !refused) {
		r.t.Errorf("%s: %s %+v, the model says %q", what, ack.Code, ack.Details, rule)
	}
}

// query asks by client, series or id, of one controller or the other.
func (r *runner) query(d *fixtures.Document) {
	w := fixtures.Default()
	org := w.Organisations[r.r.IntN(2)]
	earlier, nullified, content := r.r.IntN(2) == 0, r.r.IntN(2) == 0, r.r.IntN(2) == 0
	p, ok := frame.AskParam{Field: interactions.FieldSeries, Value: d.SetID}, func(x *fixtures.Document) bool { return x.SetID == d.SetID }
	switch r.r.IntN(3) {
	case 0:
		root, id := d.Spec.Clients[0].ID()
		p = frame.AskParam{Field: interactions.FieldClient, Root: root, Value: id}
		ok = func(x *fixtures.Document) bool { return x.Spec.Clients[0] == d.Spec.Clients[0] }
	case 1:
		p, ok = frame.AskParam{Field: interactions.FieldDocument, Value: d.OID}, func(x *fixtures.Document) bool { return x.OID == d.OID }
	}
	a := frame.Ask{Params: []frame.AskParam{p, {Field: interactions.FieldNewest, Flag: !earlier}, {Field: interactions.FieldNullified, Flag: nullified}}}
	a.Quantity = 50
	op := interactions.QueryMetadata
	if content {
		op = interactions.QueryDocument
	}
	a.Options = r.options(org, op)
	var b bytes.Buffer
	if err := frame.WriteQuery(&b, a); err != nil {
		r.t.Fatal(err)
	}
	tree, root := r.send(b.Bytes())
	got, _ := frame.ReadResponse(tree, root)
	r.compare(got, r.m.visible(org, earlier, nullified, ok), content, fmt.Sprintf("query %s %s of %s, earlier %t, nullified %t", p.Field, p.Value, org.Name, earlier, nullified))
}

func (r *runner) compare(got *frame.Received, want []string, content bool, what string) {
	var have []string
	for i := range got.Documents {
		d := &got.Documents[i]
		have = append(have, d.ID.Root)
		if pkg, _ := d.Package(); content && !bytes.Equal(pkg.DocumentBytes(), r.m.has(d.ID.Root).Bytes) {
			r.t.Errorf("%s: %s has other bytes", what, d.ID.Root)
		}
		if i > 0 && got.Documents[i-1].EffectiveTime.Time.Before(d.EffectiveTime.Time) {
			r.t.Errorf("%s: not newest first", what)
		}
	}
	slices.Sort(have)
	r.told = append(r.told, fmt.Sprintf("%d %s: %v", r.n, what, have))
	if got.Code != frame.Answered || !slices.Equal(have, want) || got.Total != len(want) {
		r.t.Errorf("%s: %s %v, the model says %v", what, got.Code, have, want)
	}
}
