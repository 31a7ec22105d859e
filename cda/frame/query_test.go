package frame

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"portti/cda"
	"portti/cda/frame/interactions"
	"portti/cda/internal/testdoc"
	"portti/cda/rules/catalogue"
	"portti/internal/finding"
	"portti/internal/xmltree"

	"github.com/google/go-cmp/cmp"
)

var queryTime = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func ask(op interactions.Operation, params ...AskParam) Ask {
	a := Ask{Params: params, Quantity: 7}
	a.Operation, a.CreationTime, a.Sender = op, queryTime, "1.2.246.10.99999901.10.0"
	a.MessageID = cda.ID{Root: a.Sender, Extension: "5"}
	a.User = User{ID: cda.ID{Root: cda.RootHetu, Extension: "010181-900C"}, Name: cda.Name{Family: []string{"Testaaja"}},
		Organization: cda.Organization{ID: cda.ID{Root: a.Sender}}}
	return a
}

func wroteQuery(t *testing.T, a Ask) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteQuery(&b, a); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What a client writes for every parameter of the table is read back as the same.
func TestARK4_EveryParameterIsReadAsWritten(t *testing.T) {
	from, until := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	for _, p := range interactions.Default().Parameters {
		v := AskParam{Field: p.Field, From: from, Until: until, Flag: true}
		switch p.Form {
		case interactions.FormOID:
			v.Value = "1.2.246.10.1"
		case interactions.FormID:
			v.Root, v.Value = cda.RootHetu, "010181-900C"
		case interactions.FormCode:
			v.Value = "1"
		}
		op := interactions.QueryMetadata
		a := ask(op, v)
		if !p.Fits(op) {
			a.Operation = p.Operations[0]
		}
		if !p.Field.Narrows() || p.Field == interactions.FieldNewest || p.Field != interactions.FieldClient {
			a.Params = append(a.Params, AskParam{Field: interactions.FieldSeries, Value: "1.2.3"})
		}
		if p.Field == interactions.FieldSeries {
			a.Params = a.Params[:1]
		}
		f, fs := read(t, wroteQuery(t, a), catalogue.Strict)
		for _, id := range fs {
			if strings.HasPrefix(id, "QUERY-") && id != RuleQueryAssumed {
				t.Errorf("%s: %s", p.Name, id)
			}
		}
		got := f.Asked.First(p.Field)
		want := Value{Node: got.Node}
		switch p.Form {
		case interactions.FormFlag:
			want.Flag = true
		case interactions.FormTime:
			want.From, want.Until = from, until
		default:
			want.Text, want.Root = v.Value, v.Root
		}
		if got.Text != want.Text || got.Root != want.Root || got.Flag != want.Flag || !got.From.Equal(want.From) || !got.Until.Equal(want.Until) {
			t.Errorf("%s: %+v, want %+v", p.Name, got, want)
		}
		if f.Asked.Quantity != 7 || f.Asked.ID.Extension != "5" {
			t.Errorf("%s: quantity %d, id %v", p.Name, f.Asked.Quantity, f.Asked.ID)
		}
	}
}

func TestARK4_ContinuationIsReadAsWritten(t *testing.T) {
	a := ask("")
	a.Start, a.QueryID = 8, cda.ID{Root: "1.2.3", Extension: "q"}
	f, fs := read(t, wroteQuery(t, a), catalogue.Strict)
	if diff := cmp.Diff([]string{RuleRootAssumed}, fs); diff != "" {
		t.Error(diff)
	}
	q := f.Asked
	if q.Start != 8 || q.Quantity != 7 || q.ID.Root != "1.2.3" || f.Operation() != interactions.Continue || f.ServiceRequest.HasValue() {
		t.Errorf("%+v", q)
	}
}

func TestQueriesThatCannotBeWritten(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Ask)
		want   error
	}{
		"no id":        {func(a *Ask) { a.MessageID = cda.ID{} }, ErrNoMessageID},
		"no sender":    {func(a *Ask) { a.Sender = "" }, ErrNoMessageID},
		"no operation": {func(a *Ask) { a.Operation = "wish" }, nil},
		"no parameter": {func(a *Ask) { a.Params = []AskParam{{Field: "wish", Value: "1"}} }, nil},
		"no request":   {func(a *Ask) { a.Operation, a.Interaction = "wish", "RCMR_IN200029FI01" }, ErrNoRequest},
	} {
		a := ask(interactions.QueryMetadata)
		c.change(&a)
		if err := WriteQuery(&bytes.Buffer{}, a); err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Parameters that stand in a list, as some senders write them, are parameters.
func TestParameterListIsOpened(t *testing.T) {
	text := wroteQuery(t, ask(interactions.QueryMetadata, AskParam{Field: interactions.FieldDocument, Value: "1.2.3"}))
	text = testdoc.Replace(text, "<documentId>", "<parameterList><documentId>")
	text = testdoc.Replace(text, "</documentId>", "</documentId></parameterList>")
	f, _ := read(t, text, catalogue.Strict)
	if got := f.Asked.Texts(interactions.FieldDocument); !cmp.Equal(got, []string{"1.2.3"}) {
		t.Errorf("%v", got)
	}
}

func TestSpansCoverTheirPrecision(t *testing.T) {
	for raw, want := range map[string]string{
		"2026": "2027-01-01T00:00:00", "202602": "2026-03-01T00:00:00", "20260228": "2026-03-01T00:00:00", "2026022823": "2026-03-01T00:00:00",
		"202602282359": "2026-03-01T00:00:00", "20260228235959": "2026-03-01T00:00:00",
	} {
		if got := After(cda.ParseTS(raw)).Format("2006-01-02T15:04:05"); got != want {
			t.Errorf("after %s is %s, want %s", raw, got, want)
		}
	}
}

// The forms of nullification, and which document they mean.
func TestARK3_FormsOfNullification(t *testing.T) {
	doc := parse(t, []byte(testdoc.Phase2()))
	d, _ := cda.Read(doc)
	write := func(form interactions.Form, m cda.Metadata) *Frame {
		t.Helper()
		o := testOptions()
		o.Operation, o.Form = interactions.Nullify, form
		var b bytes.Buffer
		if err := Write(&b, &m, []byte(testdoc.Phase2()), o); err != nil {
			t.Fatal(err)
		}
		tree := parse(t, b.Bytes())
		f, _ := Reader{}.Read(tree, tree.Root())
		return f
	}
	later := d.Metadata
	later.Related = []cda.RelatedDocument{{TypeCode: "RPLC", ID: cda.ID{Root: "1.2.246.10.9"}}}
	for _, c := range []struct {
		form  interactions.Form
		m     cda.Metadata
		alone bool
		means string
	}{
		{interactions.ByDocument, later, false, "1.2.246.10.9"},
		{interactions.ByFrame, d.Metadata, true, d.ID.Root},
		{interactions.ByStatus, d.Metadata, true, d.ID.Root},
	} {
		f := write(c.form, c.m)
		if f.NullifyForm() != c.form || f.NullifiesByFrame() != c.alone || f.Nullified().Root != c.means {
			t.Errorf("%s: %s, alone %t, means %s", c.form, f.NullifyForm(), f.NullifiesByFrame(), f.Nullified().Root)
		}
	}
	off, err := interactions.Load(strings.NewReader("nullifications: [{form: status, enabled: false, statuses: [NULLIFIED]}]"))
	if err != nil {
		t.Fatal(err)
	}
	f := write(interactions.ByStatus, d.Metadata)
	f.table = interactions.Default().Merge(off)
	if f.NullifyForm() == interactions.ByStatus {
		t.Error("a form that is off is recognised")
	}
}

// A response is read back as it was written, with the exact bytes of its documents.
func TestARK2_ResponseIsReadAsWritten(t *testing.T) {
	doc := []byte(testdoc.Phase2())
	d, _ := cda.Read(parse(t, doc))
	s := Summarize(&d.Metadata)
	again, err := ReadSummary(s.JSON())
	if diff := cmp.Diff(s, again); diff != "" || err != nil {
		t.Fatal(diff, err)
	}
	r := Response{
		Root: "RCMR_IN200032FI01", ID: cda.ID{Root: "1.2"}, CreationTime: queryTime, Receiver: "1.3", Sender: "1.4", Code: Answered,
		Target: cda.ID{Root: "1.5"}, QueryID: cda.ID{Root: "1.6"}, Outcome: ResponseOK, Total: 3, Current: 1, Remaining: 2,
		Documents: []Described{{ID: d.ID.Root, SetID: d.SetID.Root, Version: 1, Status: "COMPLETED", Register: "1", Controller: d.Custodian.ID.Root,
			Summary: again, Document: doc, Attachments: []Attachment{{ContentID: "1.7", MediaType: "application/pdf", Bytes: []byte{0, 255, 10, 13}}}}},
	}
	var b bytes.Buffer
	if err := WriteResponse(&b, &r); err != nil {
		t.Fatal(err)
	}
	tree, err := xmltree.Parse(b.Bytes(), xmltree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	got, fs := ReadResponse(tree, tree.Root())
	if len(fs) > 0 || got.Code != Answered || got.Outcome != ResponseOK || got.Total != 3 || got.Current != 1 || got.Remaining != 2 || len(got.Documents) != 1 {
		t.Fatalf("%+v %v", got, fs)
	}
	x := &got.Documents[0]
	p, _ := x.Package()
	if !bytes.Equal(p.DocumentBytes(), doc) || len(p.Attachments) != 1 || !bytes.Equal(p.Attachments[0].Bytes, []byte{0, 255, 10, 13}) {
		t.Error("document or attachment came back otherwise")
	}
	if !x.Clients[0].ID.Same(d.Clients[0].ID) || !x.Clients[0].Name.Same(d.Clients[0].Name) || x.EffectiveTime.Raw != d.EffectiveTime.Raw ||
		x.Encounter.ID.Root != d.Encounter.ID.Root || x.Local.DocumentGroup.Code != d.Local.DocumentGroup.Code || x.Local.ServiceProcess.Code.Code != d.Local.ServiceProcess.Code.Code {
		t.Errorf("%+v", x.Metadata)
	}
	r.Target = cda.ID{}
	if err := WriteResponse(&b, &r); !errors.Is(err, ErrResponseIncomplete) {
		t.Errorf("an incomplete response: %v", err)
	}
}

// A query of very many wrong parameters costs no more than reading it.
func TestManyUnknownParametersAreToldInBounds(t *testing.T) {
	text := wroteQuery(t, ask(interactions.QueryMetadata, AskParam{Field: interactions.FieldDocument, Value: "1.2.3"}))
	text = testdoc.Replace(text, "</queryByParameter>", strings.Repeat("<x/>", 200_000)+"</queryByParameter>")
	tree, err := xmltree.Parse([]byte(text), xmltree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if _, fs := Read(tree, tree.Root(), catalogue.Strict); len(fs) != finding.Limit {
		t.Errorf("%d findings", len(fs))
	}
}
