package store

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"
)

// takeOrder tells what must come of an order by message: the kind, or the rules.
func (m *model) takeOrder(o Order) (OutcomeKind, []string) {
	m.messages++
	i := slices.IndexFunc(m.orders, func(k Order) bool { return k.ID == o.ID })
	kind, rules := Recorded, []string(nil)
	switch {
	case i >= 0 && m.orders[i] == o:
		return Duplicate, nil
	case i >= 0 && m.orders[i].Recorder == o.Recorder:
		kind, rules = Refused, []string{RuleIDBytes}
	case i >= 0 || m.docs[o.ID] != nil:
		kind, rules = Refused, []string{RuleIDTaken}
	default:
		m.orders = append(m.orders, o)
	}
	m.usage++
	return kind, rules
}

// ordered gives what is known of a client's orders, by arrival.
func (m *model) ordered(client string) (out []string) {
	for _, o := range m.orders {
		if o.Client == client {
			out = append(out, told(o))
		}
	}
	return out
}

func told(o Order) string {
	return fmt.Sprint(o.Kind, o.Organiser, o.Task, o.Unit, o.Recorder, o.At.UnixMicro())
}

// order gives an order by message, or by command, which has no id and no message.
func (p *property) order(rt *rapid.T) {
	one := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(rt, name) }
	o := Order{Kind: one("kind", OrderInform, OrderSuspend, OrderResume), Client: one("client", cli1, cli2), Recorder: one("recorder", ctlA, ctlB),
		User: one("user", "u1", "u2"), At: noon.AddDate(0, 0, rapid.IntRange(-1, 1).Draw(rt, "day"))}
	if o.Kind != OrderInform {
		o.Organiser, o.Task, o.Unit = o.Recorder, one("task", "", "24"), one("unit", "", "u")
	}
	if rapid.IntRange(0, 3).Draw(rt, "by command") == 0 {
		if err := p.s.PutOrder(bg, o); err != nil {
			rt.Fatal(err)
		}
		p.m.orders = append(p.m.orders, o)
		p.m.usage++
		return
	}
	if o.ID = id(9000 + rapid.IntRange(0, 3).Draw(rt, "order")); rapid.IntRange(0, 9).Draw(rt, "a document's id") == 0 {
		o.ID = p.some(rt)
	}
	if i := slices.IndexFunc(p.m.orders, func(k Order) bool { return k.ID == o.ID }); i >= 0 && rapid.Bool().Draw(rt, "the same") {
		o = p.m.orders[i]
	}
	out, err := p.s.TakeOrder(bg, OrderMessage{Order: o, Raw: []byte("<x/>"), Message: Message{ID: "1 2", Owner: ctlA, Answer: Answer{Verdict: "CA"}},
		Usage: []Usage{{DataController: o.Recorder, LogController: o.Recorder, Action: o.Kind}}})
	if err != nil {
		rt.Fatal(err)
	}
	kind, rules := p.m.takeOrder(o)
	sameOutcome(rt, out, kind, rules)
}

// orders demands the orders that the model knows.
func (p *property) orders(rt *rapid.T) {
	for _, client := range []string{cli1, cli2} {
		st, err := p.s.ClientState(bg, all, client)
		if err != nil {
			rt.Fatal(err)
		}
		var have []string
		for _, o := range st.Orders {
			have = append(have, told(o))
		}
		if want := p.m.ordered(client); !slices.Equal(have, want) {
			rt.Fatalf("orders %v, the model says %v", have, want)
		}
	}
}
