package gateway

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"portti/cda"
	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/cda/rules"
	"portti/cda/xsd"
	"portti/fixtures"
	"portti/gateway/soap"
	"portti/store"
)

// queryNumber tells the messages of these tests apart.
var queryNumber atomic.Int64

// asking begins a query of an organisation's first professional.
func asking(org *fixtures.Organisation, op interactions.Operation, params ...frame.AskParam) frame.Ask {
	p := world().Professionals[0]
	return frame.Ask{
		Options: frame.Options{
			MessageID:    cda.ID{Root: org.OID, Extension: fmt.Sprint(900_000 + queryNumber.Add(1))},
			CreationTime: world().Now, Sender: org.OID, Operation: op,
			User: frame.User{
				ID: cda.ID{Root: cda.RootHetu, Extension: p.Hetu}, Name: cda.Name{Family: []string{p.Family}, Given: []string{p.Given}},
				Organization: cda.Organization{ID: cda.ID{Root: org.Units[0].OID}},
			},
		},
		Params: params,
	}
}

// byClient asks about a client, byID and the others about what their names say.
func byClient(c *fixtures.Client) frame.AskParam {
	root, id := c.ID()
	return frame.AskParam{Field: interactions.FieldClient, Root: root, Value: id}
}

func byID(ids ...string) []frame.AskParam {
	var out []frame.AskParam
	for _, id := range ids {
		out = append(out, frame.AskParam{Field: interactions.FieldDocument, Value: id})
	}
	return out
}

func by(f interactions.Field, value string) frame.AskParam {
	return frame.AskParam{Field: f, Value: value}
}

func flag(f interactions.Field, v bool) frame.AskParam { return frame.AskParam{Field: f, Flag: v} }

// answered is an answer to a query as it came.
type answered struct {
	*frame.Received
	body []byte
}

// ids gives the ids of the documents in an answer, in their order.
func (a *answered) ids() []string {
	var out []string
	for _, d := range a.Documents {
		out = append(out, d.ID.Root)
	}
	return out
}

func (a *answered) rules() []string {
	var out []string
	for _, d := range a.Details {
		out = append(out, d.Rule)
	}
	return out
}

// bytesOf gives the document and the attachments of an answer's package.
func (a *answered) bytesOf(t testing.TB, id string) ([]byte, []*frame.Part) {
	t.Helper()
	for i := range a.Documents {
		if a.Documents[i].ID.Root == id {
			p, fs := a.Documents[i].Package()
			fs = slices.DeleteFunc(fs, isAttachment)
			if p == nil || len(fs) > 0 {
				t.Fatalf("package of %s: %v", id, fs)
			}
			return p.DocumentBytes(), p.Attachments
		}
	}
	t.Fatalf("no document %s in the answer", id)
	return nil, nil
}

// queryMessage is a query as it goes over the wire.
func queryMessage(t testing.TB, a frame.Ask) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := frame.WriteQuery(&b, a); err != nil {
		t.Error(err)
	}
	return inEnvelope(soap.NS11, b.Bytes())
}

// ask sends a query and reads the answer, which must be valid by our own schema.
func (g *gate) ask(a frame.Ask) *answered {
	g.t.Helper()
	var b bytes.Buffer
	if err := frame.WriteQuery(&b, a); err != nil {
		g.t.Fatal(err)
	}
	return g.askRaw(b.Bytes())
}

func (g *gate) askRaw(message []byte) *answered {
	g.t.Helper()
	r := g.send(message)
	req, _, _ := soap.Read(r.header.Get("Content-Type"), "", r.body, soap.Options{})
	if r.ack == nil {
		g.t.Fatalf("no answer: %v", r)
	}
	fs, err := xsd.Response("strict").WithRoots(req.Tree.Local(req.Body)).Validate(req.Tree, req.Body)
	if err != nil || len(fs) > 0 {
		g.t.Errorf("the answer is not valid: %v %v\n%s", fs, err, r.body)
	}
	got, _ := frame.ReadResponse(req.Tree, req.Body)
	return &answered{got, r.body}
}

// found asks and demands an answer without faults.
func (g *gate) found(a frame.Ask) *answered {
	g.t.Helper()
	got := g.ask(a)
	if got.Code != frame.Answered {
		g.t.Fatalf("%s\n%s", got.Code, got.body)
	}
	return got
}

// startWith runs a gateway that has archived samples by name.
func startWith(t *testing.T, change func(*Config), names ...string) *gate {
	t.Helper()
	g := start(t, change)
	for _, n := range names {
		g.accepted(world().Frame(world().Doc(n)))
	}
	return g
}

// usage gives the usage log's entries of an action.
func (g *gate) usage(action string) []store.Usage {
	g.t.Helper()
	page, err := g.Store.SearchUsage(context.Background(), everything, store.LogFilter{Action: action}, 100, "")
	if err != nil {
		g.t.Fatal(err)
	}
	var out []store.Usage
	for _, e := range page.Entries {
		out = append(out, e.Usage)
	}
	return out
}

// bookWith gives the shipped book with entries of a user's table over it.
func bookWith(t *testing.T, table string) *rules.Book {
	t.Helper()
	over, err := interactions.Load(strings.NewReader(table))
	if err != nil {
		t.Fatal(err)
	}
	b := rules.DefaultBook()
	return b.WithTable(b.Table.Merge(over))
}

// later gives the time some minutes after the world's clock.
func later(minutes int) time.Time { return world().Now.Add(time.Duration(minutes) * time.Minute) }
