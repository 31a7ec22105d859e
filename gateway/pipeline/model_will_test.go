package pipeline

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"portti/cda"
	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/fixtures"
	"portti/gateway/access"
	"portti/store"
)

// This file is the part of the random sequences that is about a client's will and
// registry-use rights: statements of permission and prohibition, orders, and the
// decisions that follow from them.

// modelOrder is an order that may be sent: by whom, in whose name, about what.
type modelOrder struct {
	id             string
	op             interactions.Operation
	client         *fixtures.Client
	by, controller *fixtures.Organisation
	at             time.Time
	task, unit     string
}

// base are the documents that stand before every sequence: the child is a client in both
// counties, with a provider's registry-use right in the first, and a plan there.
var base = []string{"relationship-child", "relationship-child-sumula", "case", "plan"}

// willPool are statements of the child's will by several recorders, each with versions
// that follow one another, contend, and nullify.
func willPool(t *testing.T) (out []*fixtures.Document) {
	t.Helper()
	w := fixtures.Default()
	add := adding(t, &out)
	next := func(of *fixtures.Document, change func(*fixtures.Spec)) *fixtures.Document {
		s := of.Spec
		s.Replaces, s.Effective = of, of.Spec.Effective.Add(time.Minute)
		change(&s)
		return add(s)
	}
	first := func(k fixtures.Kind, org *fixtures.Organisation, change func(*fixtures.Spec)) *fixtures.Document {
		s := w.Spec(k)
		s.Clients, s.Controller, s.Organiser, s.Unit, s.System = []*fixtures.Client{w.Client("child")}, org, org, org.Units[0], org.System
		s.ProhibitControllers = nil
		w.Belong(&s)
		change(&s)
		return add(s)
	}
	permits := func(yes bool) func(*fixtures.Spec) { return func(s *fixtures.Spec) { s.Permitted = yes } }
	prohibits := func(of ...*fixtures.Organisation) func(*fixtures.Spec) {
		return func(s *fixtures.Spec) { s.ProhibitControllers = of }
	}
	nullifies := func(s *fixtures.Spec) { s.Nullify = true }
	for i, org := range w.Organisations[:2] {
		p := first(fixtures.Permission, org, permits(true))
		next(next(p, permits(false)), permits(true))
		next(p, nullifies)
		b := first(fixtures.Prohibition, org, prohibits(w.Organisations[i]))
		next(next(b, prohibits(w.Organisations[1-i])), prohibits())
	}
	return out
}

// orderPool are orders of which some are wrong, contend for an id or mean the same.
func orderPool() (out []modelOrder) {
	w := fixtures.Default()
	a, b, p := w.Organisation("utuvaara"), w.Organisation("sumula"), w.Organisation("hoivapilvi")
	child, unit, task := w.Client("child"), p.Units[0].OID, fixtures.TaskFamilies.Code
	add := func(n string, o modelOrder) {
		o.id = a.OID + ".95899.2026." + n
		if o.client == nil {
			o.client = child
		}
		if o.at.IsZero() {
			o.at = w.Now.AddDate(0, 0, -1)
		}
		if o.controller == nil {
			o.controller = a
		}
		if o.by == nil {
			o.by = o.controller
		}
		out = append(out, o)
	}
	add("1", modelOrder{op: interactions.Inform})
	add("1", modelOrder{op: interactions.Inform, client: w.Client("mother")})
	add("1", modelOrder{op: interactions.Inform, controller: b})
	add("2", modelOrder{op: interactions.Inform, controller: b, at: w.Now.AddDate(-1, 0, 0)})
	add("3", modelOrder{op: interactions.Inform, client: w.Client("mother")})
	add("4", modelOrder{op: interactions.Inform, at: w.Now.AddDate(0, 0, 1)})
	add("5", modelOrder{op: interactions.Inform, by: b})
	for i, op := range []interactions.Operation{interactions.Suspend, interactions.Resume} {
		n := strconv.Itoa(i)
		add("6"+n, modelOrder{op: op, task: task, unit: unit})
		add("7"+n, modelOrder{op: op})
		add("8"+n, modelOrder{op: op, task: task})
		add("9"+n, modelOrder{op: op, task: fixtures.TaskDisability.Code, unit: unit})
		add("10"+n, modelOrder{op: op, task: task, unit: b.Units[0].OID})
		add("11"+n, modelOrder{op: op, task: task, unit: unit, at: w.Now.AddDate(0, 0, 1)})
		add("12"+n, modelOrder{op: op, by: p, controller: a})
		add("13", modelOrder{op: op, task: task, unit: unit})
	}
	plan := modelOrder{op: interactions.Inform, client: child, by: a, controller: a, at: w.Now, id: w.Doc("plan").OID}
	return append(out, plan)
}

// order gives the rule by which an order is refused, "" where it is recorded, or was.
func (m *model) order(o modelOrder) string {
	i := slices.IndexFunc(m.orders, func(k modelOrder) bool { return k.id == o.id })
	switch {
	case o.op == interactions.Inform && o.at.After(fixtures.Default().Now):
		return RuleOrderFuture
	case o.by != o.controller:
		return RuleRegistryRight
	case i >= 0 && m.orders[i].controller != o.controller, m.has(o.id) != nil:
		return store.RuleIDTaken
	case i >= 0 && m.orders[i] != o:
		return store.RuleIDBytes
	case i < 0:
		m.orders = append(m.orders, o)
	}
	return ""
}

// statement gives the child's statement of a kind that is in force: the newest of a
// series that is not nullified, of several that which arrived last.
func (m *model) statement(k fixtures.Kind) (out *fixtures.Document) {
	for _, d := range m.stored {
		if s := m.series[d.SetID]; d.Spec.Kind == k && s.newest == d && s.nullifiedBy == "" {
			out = d
		}
	}
	return out
}

// informed tells whether somebody has told of the client's informing.
func (m *model) informed(c *fixtures.Client) bool {
	return slices.ContainsFunc(m.orders, func(o modelOrder) bool { return o.op == interactions.Inform && o.client == c })
}

// suspended tells whether the last order that means the provider's right stops it.
func (m *model) suspended() bool {
	w, out := fixtures.Default(), false
	for _, o := range m.orders {
		means := o.op != interactions.Inform && (o.task == "" || o.task == fixtures.TaskFamilies.Code) &&
			(o.unit == "" || o.unit == w.Organisation("hoivapilvi").Units[0].OID) && !o.at.After(w.Now)
		if means {
			out = o.op == interactions.Suspend
		}
	}
	return out
}

// disclosed tells whether the plan of the first county is given to the second.
func (m *model) disclosed() bool {
	p, x := m.statement(fixtures.Permission), m.statement(fixtures.Prohibition)
	return m.informed(fixtures.Default().Client("child")) && p != nil && p.Spec.Permitted &&
		(x == nil || !slices.Contains(x.Spec.ProhibitControllers, fixtures.Default().Organisation("utuvaara")))
}

// will gives what a query of the child's will tells, beside documents.
func (m *model) will() (out []string) {
	for _, o := range m.orders {
		if o.op == interactions.Inform && o.client == fixtures.Default().Client("child") {
			out = append(out, RuleWillInformed)
		}
	}
	if p := m.statement(fixtures.Permission); p != nil {
		out = append(out, map[bool]string{true: RuleWillPermitted, false: RuleWillDenied}[p.Spec.Permitted])
	}
	if x := m.statement(fixtures.Prohibition); x != nil && len(x.Spec.ProhibitControllers) > 0 {
		out = append(out, RuleWillProhibited)
	}
	return out
}

// withState gives the pipeline the access that a gateway has: by the client's state.
func withState(p *Pipeline, st *store.Store) {
	e := &access.Engine{State: st}
	p.Access = NewStateAccess(p.Access.(KnownAccess), e)
	p.Release, p.Library, p.Orders = EngineRelease{Engine: e}, st, st
}

// order sends one of the orders.
func (r *runner) order() {
	o := r.orders[r.r.IntN(len(r.orders))]
	root, id := o.client.ID()
	var b bytes.Buffer
	err := frame.WriteOrder(&b, frame.Order{
		Options: r.options(o.by, o.op), ID: o.id, At: o.at, Task: o.task, Unit: o.unit,
		Client:     cda.Client{ID: cda.ID{Root: root, Extension: id}, Name: cda.Name{Family: []string{o.client.Family}, Given: o.client.Given}},
		Controller: cda.Organization{ID: cda.ID{Root: o.controller.OID}},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.verdict(string(o.op)+" "+o.id, b.Bytes(), r.m.order(o))
}

// options begin a message of an organisation's first unit.
func (r *runner) options(org *fixtures.Organisation, op interactions.Operation) frame.Options {
	w := fixtures.Default()
	pro := w.Professionals[0]
	return frame.Options{Operation: op, Sender: org.OID, CreationTime: w.Now, MessageID: cda.ID{Root: org.OID, Extension: strconv.Itoa(r.n)},
		User: frame.User{ID: cda.ID{Root: cda.RootHetu, Extension: pro.Hetu}, Name: cda.Name{Family: []string{pro.Family}, Given: []string{pro.Given}},
			Organization: cda.Organization{ID: cda.ID{Root: org.Units[0].OID}}}}
}

// decide asks as the other county, as the provider, or for the child's will, and holds
// the decision against the model's.
func (r *runner) decide() {
	w := fixtures.Default()
	plan, b := w.Doc("plan").OID, w.Organisation("sumula")
	switch r.r.IntN(3) {
	case 0:
		r.given("disclosure", b, interactions.QueryMetadata, "903", plan, r.m.disclosed())
	case 1:
		r.given("registry-use right", w.Organisation("hoivapilvi"), interactions.QueryMetadata, "902", plan, !r.m.suspended())
	default:
		got := r.asks(b, interactions.QueryWill, "903", "")
		var told []string
		for _, d := range got.Details {
			if strings.HasPrefix(d.Rule, "QUERY-WILL-") {
				told = append(told, d.Rule)
			}
		}
		isWill := func(d *fixtures.Document) bool {
			return d.Spec.Kind == fixtures.Permission || d.Spec.Kind == fixtures.Prohibition
		}
		var want []string
		for _, org := range w.Organisations {
			want = append(want, r.m.visible(org, false, false, isWill)...)
		}
		slices.Sort(want)
		r.compare(got, want, true, "the child's will")
		if !slices.Equal(told, r.m.will()) {
			r.t.Errorf("the child's will: told %v, the model says %v", told, r.m.will())
		}
	}
}

func (r *runner) given(what string, by *fixtures.Organisation, op interactions.Operation, use, document string, want bool) {
	got := r.asks(by, op, use, document)
	have := slices.ContainsFunc(got.Documents, func(d frame.ReceivedDocument) bool { return d.ID.Root == document })
	r.told = append(r.told, strconv.Itoa(r.n)+" "+what+": "+strconv.FormatBool(have))
	if got.Code != frame.Answered || have != want {
		r.t.Errorf("%s: %s, given %t, the model says %t", what, got.Code, have, want)
	}
}

// asks asks about the child.
func (r *runner) asks(by *fixtures.Organisation, op interactions.Operation, use, document string) *frame.Received {
	root, id := fixtures.Default().Client("child").ID()
	a := frame.Ask{Options: r.options(by, op), Quantity: 50, Params: []frame.AskParam{
		{Field: interactions.FieldClient, Root: root, Value: id}, {Field: interactions.FieldUse, Value: use},
		{Field: interactions.FieldAuthentication, Value: Strong}}}
	if document != "" {
		a.Params = append(a.Params, frame.AskParam{Field: interactions.FieldDocument, Value: document})
	}
	var b bytes.Buffer
	if err := frame.WriteQuery(&b, a); err != nil {
		r.t.Fatal(err)
	}
	tree, body := r.send(b.Bytes())
	got, _ := frame.ReadResponse(tree, body)
	return got
}
