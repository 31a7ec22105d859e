package run

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"portti/conformance/cases"
	"portti/conformance/wire"
	"portti/fixtures"
)

// Player plays a client system that is under test: it does what cases for clients
// ask. The suite tests its own observer by it, whole and twisted.
type Player struct {
	World  *fixtures.World
	Client *wire.Client
	Now    func() time.Time
	// Twist, where set, changes a step before it is done: a broken client.
	Twist func(c *cases.Case, i int, x *cases.Step)
	// Adults makes every client an adult with an identity code.
	Adults bool

	maker *maker
	scene *scene
}

// Message is a message ready to send.
type Message struct {
	// Name is the step's, or what it prepares; Frame is its transfer frame.
	Name  string
	Frame []byte
	// ID is the message's id under the sending system's OID.
	ID   string
	SOAP string
	step *cases.Step
}

// prepared are the kinds that a document needs in the archive before it.
var prepared = map[string]bool{"plan": true, "decision": true, "note": true, "phase2-pdf": true, "phase2-xhtml": true, "phase2-structured": true}

// Script gives the messages of a case, in order: what prepares it, then one for each
// step. A step that asks for the same message again has none, nor has a query that
// is asked again after a fault: the client decides that by itself. The registry-use
// trial's provider writes into a case that the organiser has made.
func (p *Player) Script(c *cases.Case) ([]Message, error) {
	p.begin(c)
	out, err := p.prepare(c)
	if err != nil {
		return nil, err
	}
	for i := range c.Steps {
		if c.Steps[i].Await.Same != "" || i > 0 && c.Steps[i].Await.Query != "" && c.Steps[i-1].Knob != "" {
			continue
		}
		m, err := p.make(c, i)
		if err != nil {
			return nil, fmt.Errorf("%s, step %d: %w", c.ID, i+1, err)
		}
		out = append(out, m)
	}
	return out, nil
}

// begin makes the scene of a case: its clients as its steps want them.
func (p *Player) begin(c *cases.Case) {
	if p.maker == nil {
		p.maker = newMaker(p.World, p.Now())
	}
	x := *c
	x.Clients = map[string]string{"c": "adult"}
	for i := range c.Steps {
		w := &c.Steps[i].Await
		if w.Client != "" && !p.Adults {
			x.Clients["c"] = w.Client
		}
		if w.Clients > 1 {
			maps.Copy(x.Clients, map[string]string{"d": "adult", "e": "adult"})
		}
	}
	p.scene = p.maker.newScene(&x)
}

// prepare gives the relationships and the case that come before a document.
func (p *Player) prepare(c *cases.Case) ([]Message, error) {
	if !prepared[c.Steps[0].Kind] && c.Steps[0].Await.Query == "" || slices.Contains(c.Tags, "connection") {
		return nil, nil
	}
	var out []Message
	for _, n := range slices.Sorted(maps.Keys(p.scene.clients)) {
		x := &cases.Step{Do: "send", As: "relationship-" + n, Kind: "relationship", Clients: []string{n}}
		if c.Steps[0].Await.Elsewhere {
			x.Document.Edit = "provider-unit"
		}
		m, err := p.message(x)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	m, err := p.message(&cases.Step{Do: "send", As: "case", Kind: "case"})
	return append(out, m), err
}

// step is what a step of a case for clients makes a client do.
func (p *Player) step(c *cases.Case, i int) *cases.Step {
	x := c.Steps[i]
	w := x.Await
	s := &cases.Step{Do: "send", As: x.As, Kind: x.Kind, Replaces: w.Replaces, Nullify: w.Version == "nullification"}
	if w.Query != "" {
		s.Do, s.Query = "query", cases.Query{For: w.Query, Client: "c"}
	}
	if w.Same != "" {
		s.Do, s.Of = "again", w.Same
	}
	s.Transport.SOAP, s.Document.Attachment = w.SOAP, w.Attachment
	if w.Clients > 1 {
		s.Clients = slices.Sorted(maps.Keys(p.scene.clients))
	}
	switch {
	case w.Elsewhere:
		s.Document.Edit = "provider"
	case w.Provider:
		s.Document.Edit = "provider-unit"
	}
	if p.Twist != nil {
		p.Twist(c, i, s)
	}
	return s
}

func (p *Player) make(c *cases.Case, i int) (Message, error) { return p.message(p.step(c, i)) }

func (p *Player) message(s *cases.Step) (Message, error) {
	do := p.scene.make
	if s.Do == "query" {
		do = p.scene.ask
	}
	m, err := do(s)
	if err != nil {
		return Message{}, err
	}
	if s.As != "" {
		p.scene.made[s.As] = m
	}
	return Message{Name: s.As, Frame: m.frame, ID: m.id, SOAP: s.Transport.SOAP, step: s}, nil
}

// Play does all that a case asks, without looking at the answers: the observer
// judges. A message without an answer is no error here.
func (p *Player) Play(ctx context.Context, c *cases.Case) error {
	p.begin(c)
	list, err := p.prepare(c)
	if err != nil {
		return err
	}
	for _, m := range list {
		if err := p.send(ctx, m); err != nil {
			return err
		}
	}
	for i := range c.Steps {
		m, err := p.make(c, i)
		if err != nil {
			return fmt.Errorf("%s, step %d: %w", c.ID, i+1, err)
		}
		if err := p.send(ctx, m); err != nil && ctx.Err() != nil {
			return err
		}
	}
	return nil
}

var errRefused = errors.New("the archive does not answer")

func (p *Player) send(ctx context.Context, m Message) error {
	e := wire.Envelope{Version: "1.1"}
	if m.SOAP != "" {
		e.Version = m.SOAP
	}
	q := p.Client.Message(m.Frame, e)
	if q.Header == nil {
		q.Header = http.Header{}
	}
	if _, err := p.Client.Do(ctx, q); err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	return nil
}
