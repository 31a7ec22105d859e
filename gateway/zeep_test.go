package gateway

import (
	"testing"

	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/fixtures"
)

// Every operation of the service once, by a client that we did not write.
func TestZeepAsksForEveryOperation(t *testing.T) {
	needZeep(t)
	g := start(t, nil)
	w := world()
	note, plan, child := w.Doc("note"), w.Doc("plan"), byClient(w.Client("child"))
	query := func(op interactions.Operation, request string, ps ...frame.AskParam) []byte {
		a := asking(first(), op, ps...)
		a.ServiceRequest, a.Quantity = request, 1
		if op == interactions.QueryStatus {
			a.Interaction = "RCMR_IN200029FI01"
		}
		return []byte(queryText(t, a))
	}
	long := asking(first(), interactions.QueryDocument, child)
	long.Quantity = 1
	next := asking(first(), "")
	next.QueryID, next.Start, next.Quantity = long.MessageID, 2, 1
	v2 := version(t, note, nil)
	for _, s := range []struct {
		name    string
		message []byte
		want    string
	}{
		{"archive a relationship", w.Frame(w.Doc("relationship-child")), "CA"},
		{"archive a case", w.Frame(w.Doc("case")), "CA"},
		{"archive an old document", w.Frame(w.Doc("old-pdf")), "CA"},
		{"archive a document of phase I", w.Frame(w.Doc("phase1-xhtml")), "CA"},
		{"archive a document of phase II", w.Frame(note), "CA"},
		{"archive another", w.Frame(plan), "CA"},
		{"archive one more", w.Frame(w.Doc("decision")), "CA"},
		{"archive a new version", w.Frame(v2), "CA"},
		{"nullify by document", w.Frame(version(t, v2, func(s *fixtures.Spec) { s.Nullify = true })), "CA"},
		{"nullify by frame", w.FrameWith(plan, fixtures.FrameOptions{NoText: true, Extension: "66001"}), "CA"},
		{"nullify by status", w.FrameWith(w.Doc("phase1-xhtml"), fixtures.FrameOptions{NoText: true, Status: "NULLIFIED", Extension: "66002"}), "CA"},
		{"query metadata", query(interactions.QueryMetadata, "SP921", child), "AA OK 1 of 3"},
		{"query documents", []byte(queryText(t, long)), "AA OK 1 of 3"},
		{"continue", []byte(queryText(t, next)), "AA OK 1 of 3"},
		{"query a relationship", query(interactions.QueryDocument, "SP923", child), "AA OK 1 of 1"},
		{"query a case", query(interactions.QueryDocument, "SP924", child), "AA OK 1 of 1"},
		{"query a summary", query(interactions.QueryDocument, "SP925", child), "AA OK 1 of 3"},
		{"query status", query(interactions.QueryStatus, "SP926", byID(note.OID)...), "AA OK 0"},
		{"query nothing", query(interactions.QueryMetadata, "SP921", byID("1.2.246.10.99999901.7")...), "AA NF 0 of 0"},
	} {
		got := run(t, debianPython, "testdata/zeep_send.py", g.URL+"/soap?wsdl", frameFile(t, s.message), "ArchiveSoap12")
		if got != s.want {
			t.Errorf("%s: %s, want %s", s.name, got, s.want)
		}
	}
}
