package gateway

import (
	"slices"
	"strings"
	"testing"

	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/cda/rules/catalogue"
	"portti/fixtures"
	"portti/internal/xmltree"
)

// tried is a message that a client sends, and what it is to be told.
type tried struct {
	name    string
	message []byte
	want    string
}

// TestZeepAsksForEveryOperation: each operation of each service request in the table,
// each interaction and each form of nullification once, by a client that we did not
// write. What the table has and nobody sends makes it fail.
func TestZeepAsksForEveryOperation(t *testing.T) {
	needZeep(t)
	s := strict(t, nil)
	list := slices.Concat(s.zeepStores(), s.zeepOrders(), s.zeepQueries())
	args := []string{"testdata/zeep_send.py", s.URL + "/soap?wsdl", "ArchiveSoap12"}
	for _, x := range list {
		args = append(args, frameFile(t, x.message))
	}
	answers := strings.Split(run(t, debianPython, args...), "\n")
	if len(answers) != len(list) {
		t.Fatalf("%d answers to %d messages:\n%s", len(answers), len(list), strings.Join(answers, "\n"))
	}
	sent := map[string]bool{}
	for i, x := range list {
		if answers[i] != x.want {
			t.Errorf("%s: %s, want %s", x.name, answers[i], x.want)
			continue
		}
		for _, w := range asksFor(t, x.message) {
			sent[w] = true
		}
	}
	for _, w := range inTable(interactions.Default()) {
		if !sent[w] {
			t.Errorf("nothing was sent and answered well for: %s", w)
		}
	}
}

// inTable names what the table has for the social archive.
func inTable(table *interactions.Table) (out []string) {
	for _, i := range table.Interactions {
		if i.Domain == interactions.Social {
			out = append(out, i.Name)
		}
	}
	for _, r := range table.ServiceRequests {
		for _, op := range r.Operations {
			out = append(out, r.Code+" "+string(op))
		}
	}
	for _, n := range table.Nullifications {
		out = append(out, "nullification by "+string(n.Form))
	}
	return out
}

// asksFor names what a message asks for, in the words of inTable.
func asksFor(t *testing.T, message []byte) []string {
	t.Helper()
	tree, err := xmltree.Parse(message, xmltree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	f, _ := frame.Read(tree, tree.Root(), catalogue.Strict)
	out := []string{f.Name()}
	if f.Request != nil {
		out = append(out, f.Request.Code+" "+string(f.Operation()))
	}
	if form := f.NullifyForm(); form != "" {
		out = append(out, "nullification by "+string(form))
	}
	return out
}

// zeepStores archive a document of every group and a new version of each, and nullify.
func (s *scene) zeepStores() (out []tried) {
	add := func(name string, message []byte) { out = append(out, tried{name, message, "CA"}) }
	for _, name := range []string{"relationship-child", "case", "old-pdf", "phase1-xhtml", "note", "permission-guardian", "prohibition"} {
		d := s.w.Doc(name)
		add("archive "+name, s.w.Frame(d))
		add("a new version of "+name, s.w.Frame(version(s.t, d, nil)))
	}
	plan, decision, old := s.w.Doc("plan"), s.w.Doc("decision"), s.w.Doc("old-xhtml")
	for _, d := range []*fixtures.Document{plan, decision, old} {
		add("archive "+d.Name, s.w.Frame(d))
	}
	add("nullify by document", s.w.Frame(version(s.t, decision, func(x *fixtures.Spec) { x.Nullify = true })))
	add("nullify by frame", s.w.FrameWith(plan, fixtures.FrameOptions{NoText: true, Extension: "66001"}))
	add("nullify by status", s.w.FrameWith(old, fixtures.FrameOptions{NoText: true, Status: "NULLIFIED", Extension: "66002"}))
	return out
}

// zeepOrders inform, and stop a registry-use right and let it go on.
func (s *scene) zeepOrders() (out []tried) {
	for _, op := range []interactions.Operation{interactions.Inform, interactions.Suspend, interactions.Resume} {
		out = append(out, tried{string(op), s.order(op, s.a, s.child, func(o *frame.Order) {
			if op != interactions.Inform {
				o.Unit, o.Task = s.p.Units[0].OID, fixtures.TaskFamilies.Code
			}
		}), "CA"})
	}
	return out
}

func (s *scene) zeepQueries() (out []tried) {
	child, note := byClient(s.child), s.w.Doc("note")
	add := func(name, request string, op interactions.Operation, want string, ps ...frame.AskParam) {
		a := asking(s.a, op, ps...)
		a.ServiceRequest, a.Quantity = request, 1
		out = append(out, tried{name, []byte(queryText(s.t, a)), want})
	}
	add("query metadata", "SP921", interactions.QueryMetadata, "AA OK 1 of 5", child)
	long := asking(s.a, interactions.QueryDocument, child)
	long.Quantity = 1
	out = append(out, tried{"query documents", []byte(queryText(s.t, long)), "AA OK 1 of 5"})
	next := asking(s.a, "")
	next.QueryID, next.Start, next.Quantity = long.MessageID, 2, 1
	out = append(out, tried{"continue", []byte(queryText(s.t, next)), "AA OK 1 of 5"})
	for _, op := range []interactions.Operation{interactions.QueryMetadata, interactions.QueryDocument} {
		add("query a relationship", "SP923", op, "AA OK 1 of 1", child)
		add("query a case", "SP924", op, "AA OK 1 of 1", child)
	}
	add("query a summary", "SP925", interactions.QueryDocument, "AA OK 1 of 5", child)
	add("query status", "SP926", interactions.QueryStatus, "AA OK 0", byID(note.OID)...)
	add("query a will", "SP927", interactions.QueryWill, "AA OK 1 of 1", child)
	add("query nothing", "SP921", interactions.QueryMetadata, "AA NF 0 of 0", byID("1.2.246.10.99999901.7")...)
	return out
}
