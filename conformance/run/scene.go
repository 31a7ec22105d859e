package run

import (
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"portti/conformance/cases"
	"portti/fixtures"
)

// maker makes documents that no earlier run made: their ids go by the run's number.
type maker struct {
	world *fixtures.World
	// shift moves the world's documents to the run's time.
	shift  time.Duration
	number int64 // of the run
	next   atomic.Int64
}

// perRun is how many ids a run may use.
const perRun = 1_000_000

func newMaker(w *fixtures.World, now time.Time) *maker {
	epoch := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return &maker{world: w, shift: max(0, now.Sub(w.Now)), number: nextRun(max(1, time.Since(epoch).Milliseconds()/100))}
}

// lastRun is the number of the newest run of this process.
var lastRun atomic.Int64

// nextRun gives a run its number: the time, or more where runs begin within the same
// tenth of a second. Ids of two runs must never meet: an archive remembers them.
func nextRun(now int64) int64 {
	for {
		last := lastRun.Load()
		n := max(now, last+1)
		if lastRun.CompareAndSwap(last, n) {
			return n
		}
	}
}

func (m *maker) serial() int64 { return m.number*perRun + m.next.Add(1) }

// scene is what one case has made so far.
type scene struct {
	*maker
	c       *cases.Case
	clients map[string]*fixtures.Client
	made    map[string]*made
	// casus is the case (asia) of the scene, relationships are by client.
	casus         *fixtures.Case
	relationships map[*fixtures.Client]*fixtures.Relationship
}

// made is a message with its document.
type made struct {
	doc   *fixtures.Document
	frame []byte
	id    string // of the message
	// answer is that of its first sending, nil before.
	answer *judged
}

func (m *maker) newScene(c *cases.Case) *scene {
	s := &scene{maker: m, c: c, clients: map[string]*fixtures.Client{}, made: map[string]*made{},
		relationships: map[*fixtures.Client]*fixtures.Relationship{}}
	for name, sort := range c.Clients {
		s.clients[name] = m.client(c.ID, name, sort)
	}
	clients := s.named(nil)
	w := m.world
	org := w.Organisations[0]
	for _, x := range clients {
		s.relationships[x] = &fixtures.Relationship{OID: m.sibling(w.Relationships[0].OID), Client: x, Organiser: org, Unit: org.Units[0],
			Started: w.Now.AddDate(0, -6, 0)}
	}
	s.casus = &fixtures.Case{OID: m.sibling(w.Cases[0].OID), Title: "Keksitty asia", Task: fixtures.TaskFamilies, Clients: clients,
		Organiser: org, Unit: org.Units[0], Opened: w.Now.AddDate(0, -5, 0)}
	return s
}

// sibling gives an OID beside another: another last arc.
func (m *maker) sibling(oid string) string {
	return oid[:strings.LastIndexByte(oid, '.')+1] + strconv.FormatInt(m.serial(), 10)
}

// sorts are how clients are made: years of birth and signs of identity codes.
var sorts = map[string]struct {
	from, years int
	sign        byte
}{
	"adult": {1940, 55, '-'}, "protected": {1950, 45, 'Y'}, "minor": {2012, 10, 'A'}, "temporary": {2000, 5, 'A'},
}

// client invents a client of the 900 series by the case, so that cases do not meet.
func (m *maker) client(caseID, name, sort string) *fixtures.Client {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s %s", m.number, caseID, name)
	n := h.Sum64()
	f := sorts[sort]
	born := time.Date(f.from, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(n%uint64(f.years*365)))
	number := int(n >> 32 % 100)
	c := &fixtures.Client{Name: name, Hetu: fixtures.TestHetu(born, f.sign, number), Given: []string{"Testi"}, Call: "Testi",
		Family: "Keksitty", Born: born, Gender: strconv.Itoa(1 + (number+1)%2), Street: "Keksitynkuja 1", Postcode: "99999", Town: "Utuvaara"}
	switch sort {
	case "protected":
		c.Protected, c.Street, c.Postcode, c.Town = true, "", "", ""
	case "minor":
		c.Guardians = m.world.Client("child").Guardians
	case "temporary":
		c.TemporaryRoot, c.TemporaryID = m.world.Client("temporary").TemporaryRoot, c.Hetu
		c.Hetu, c.Gender = "", ""
	}
	return c
}

// named gives clients by name, all of them in order where none is named.
func (s *scene) named(names []string) []*fixtures.Client {
	if len(names) == 0 {
		for _, n := range []string{"c", "d", "e"} {
			if s.clients[n] != nil {
				names = append(names, n)
			}
		}
	}
	var out []*fixtures.Client
	for _, n := range names {
		out = append(out, s.clients[n])
	}
	return out
}

// spec is the making of a step's document, before its changes.
func (s *scene) spec(x *cases.Step) fixtures.Spec {
	sp := s.world.Spec(fixtures.Kind(x.Kind))
	sp.Effective = sp.Effective.Add(s.shift)
	sp.Serial = s.serial()
	sp.Clients = s.named(x.Clients)
	if len(sp.Clients) > 1 && len(x.Clients) == 0 && x.Kind != "case" {
		sp.Clients = sp.Clients[:1]
	}
	if sp.Case != nil || x.Kind == "case" {
		sp.Case = s.casus
	}
	if x.Kind == "relationship" {
		sp.Relationship = s.relationships[sp.Clients[0]]
	}
	sp.Consent = fixtures.Code{}
	for _, c := range sp.Clients {
		if c.Minor(s.world.Now) && x.Kind != "case" && !strings.HasPrefix(x.Kind, "old") && !strings.HasPrefix(x.Kind, "phase1") {
			sp.Consent = fixtures.ConsentGuardians
		}
	}
	return sp
}

var (
	errStep = errors.New("an earlier step made nothing")
	errKind = errors.New("only a client relationship names a provider")
)

// make makes a step's message.
func (s *scene) make(x *cases.Step) (*made, error) {
	switch x.Do {
	case "again":
		return s.again(x)
	case "order":
		return s.order(x)
	}
	sp := s.spec(x)
	if err := s.change(x, &sp); err != nil {
		return nil, err
	}
	d, err := s.build(x, sp)
	if err != nil {
		return nil, err
	}
	return s.framed(x, d)
}

func (s *scene) build(x *cases.Step, sp fixtures.Spec) (*fixtures.Document, error) {
	if n := x.Document.Size; n > 0 {
		// Sized fills a document of the world's own; its id is fresh by its serial.
		return s.sized(sp, n)
	}
	d, err := s.world.Build(sp)
	if err != nil {
		return nil, err
	}
	if f := x.Document.Fault; f != "" {
		if d, err = s.world.Mutate(d, fixtures.Fault(f)); err != nil {
			return nil, err
		}
	}
	return d, edited(d, &x.Document)
}

// sized makes a plan about as large as is asked for: its text stands twice in it,
// as base64.
func (s *scene) sized(sp fixtures.Spec, n int) (*fixtures.Document, error) {
	const share = 3 // of a document's bytes for each of its text's, with some room
	sp.Text = strings.Repeat("Keksittyä tekstiä. ", n/share/19)
	return s.world.Build(sp)
}

// change applies what the step wants otherwise than usual.
func (s *scene) change(x *cases.Step, sp *fixtures.Spec) error {
	d := &x.Document
	if d.Organisation != "" {
		org := s.world.Organisation(d.Organisation)
		sp.Controller, sp.Organiser, sp.Unit, sp.System = org, org, org.Units[0], org.System
	}
	if d.Language != "" {
		sp.Language = d.Language
	}
	if d.Attachment {
		sp.Attachments = []fixtures.Attachment{{ID: s.sibling(s.world.Doc("plan").OID), MediaType: "application/pdf",
			Bytes: s.world.Doc("decision-attachment").Spec.Attachments[0].Bytes}}
	}
	if d.Hide {
		sp.Hide, sp.HideWhy = fixtures.HideDanger, "Keksitty perustelu"
	}
	sp.Special = sp.Special || d.Special
	if d.Denied {
		sp.Permitted = false
	}
	for i, t := range d.Signatures {
		sp.Signatures = append(sp.Signatures, fixtures.SignatureForm{Type: t, After: time.Duration(i*30+1) * time.Second})
	}
	style(d, &sp.Style)
	return s.relate(x, sp)
}

func style(d *cases.Document, st *fixtures.Style) {
	switch d.Style {
	case "pretty":
		st.Pretty = true
	case "prefix":
		st.HL7 = "hl7"
	case "default-namespace":
		st.Prefix = fixtures.NoPrefix
	}
	if d.Form == string(fixtures.WithCRLF) {
		st.Pretty = true
	}
}

// relate ties the document to earlier ones.
func (s *scene) relate(x *cases.Step, sp *fixtures.Spec) error {
	if x.Document.SameID {
		of := s.made[x.Of]
		if of == nil {
			return errStep
		}
		sp.Serial, sp.OID = of.doc.Spec.Serial, of.doc.OID
		if x.Document.Edit != "repair" {
			sp.Text = "Muuta sisältöä."
			sp.Permitted = !sp.Permitted // a permission has no text
		}
		if x.Document.Edit == "repair" || slices.Contains([]string{"case", "relationship", "prohibition"}, x.Kind) {
			sp.Effective = sp.Effective.Add(time.Second)
		}
	}
	before, err := s.before(x, *sp)
	if err != nil {
		return err
	}
	if before != nil {
		sp.Replaces, sp.Nullify = before, x.Nullify
		sp.Effective = before.Spec.Effective.Add(2 * time.Second)
		sp.Reason = fixtures.Correction
		if x.Nullify {
			sp.Reason = fixtures.Nullification
		}
		sp.Text = "Korjattu versio."
	}
	switch x.Document.Edit {
	case "together":
		sp.Together = []*fixtures.Document{s.made[x.Of].doc}
	case "provider-unit": // the organiser gives a registry-use right (RKO-1)
		if sp.Relationship == nil {
			return errKind
		}
		named := *sp.Relationship
		named.Provider = s.world.Organisations[2].Units[0]
		sp.Relationship = &named
	case "own-relationship": // another organisation's with the same client
		own := *sp.Relationship
		own.OID, own.Organiser, own.Unit = s.sibling(own.OID), sp.Controller, sp.Unit
		sp.Relationship = &own
	case "provider": // who holds a registry-use right writes into the organiser's register
		o := s.world.Organisations[2]
		sp.Unit, sp.Author, sp.System = o.Units[0], s.world.Professional("private"), o.System
	case "close-case":
		closed := *s.casus
		closed.Closed = s.world.Now.AddDate(0, 0, -1)
		sp.Case = &closed
	}
	return nil
}

// before is the version that the step's document replaces, nil for none. Some are
// never sent: that is the case's point.
func (s *scene) before(x *cases.Step, sp fixtures.Spec) (*fixtures.Document, error) {
	unsent := func(replaces *fixtures.Document) (*fixtures.Document, error) {
		sp.Serial, sp.OID, sp.Replaces = s.serial(), "", replaces
		sp.Effective = sp.Effective.Add(-4 * time.Second)
		if replaces != nil {
			sp.Effective = replaces.Spec.Effective.Add(2 * time.Second)
		}
		return s.world.Build(sp)
	}
	switch x.Document.Edit {
	case "orphan":
		return unsent(nil)
	case "after-two":
		return unsent(s.made[x.Replaces].doc)
	case "after-of":
		return s.made[x.Of].doc, nil
	}
	if x.Replaces == "" {
		return nil, nil
	}
	m := s.made[x.Replaces]
	if m == nil {
		return nil, errStep
	}
	if x.Document.Gap > 0 {
		d := *m.doc
		d.Version += x.Document.Gap
		return &d, nil
	}
	return m.doc, nil
}

// framed puts the document into its frame and gives its bytes their form.
func (s *scene) framed(x *cases.Step, d *fixtures.Document) (*made, error) {
	if f := x.Document.Form; f != "" {
		c := *d
		c.Bytes = fixtures.Rewrite(d.Bytes, fixtures.ByteForm(f))
		d = &c
	}
	m := &made{doc: d, id: s.messageID(d.Spec.Serial)}
	o := s.options(x, m.id)
	m.frame = s.world.FrameWith(d, o)
	if x.Frame.Fault == "" {
		return m, nil
	}
	// A fault of the frame is made without the other choices; the message's id is
	// the frame's own then.
	b, err := s.world.MutateFrame(d, fixtures.FrameFault(x.Frame.Fault))
	m.frame = b
	m.id = attr(b, "extension")
	return m, err
}

func (s *scene) options(x *cases.Step, id string) fixtures.FrameOptions {
	return fixtures.FrameOptions{
		Extension: id, Form: fixtures.FrameForm(x.Frame.Form), FoldedHeaders: x.Frame.Folded,
		ServiceRequest: x.Frame.ServiceRequest, Situation: x.Frame.Situation, NoText: x.Frame.NoText, Status: x.Frame.Status,
	}
}

// messageID numbers a message; resends with an id of their own take a fresh one.
func (s *scene) messageID(int64) string { return strconv.FormatInt(s.serial(), 10) }

// again is an earlier message once more, as it was or with an id of its own.
func (s *scene) again(x *cases.Step) (*made, error) {
	of := s.made[x.Of]
	if of == nil {
		return nil, errStep
	}
	if !x.Frame.NewMessage {
		return of, nil
	}
	m := &made{doc: of.doc, id: s.messageID(0)}
	m.frame = s.world.FrameWith(of.doc, s.options(x, m.id))
	return m, nil
}

// attr gives the first attribute of that name in XML.
func attr(b []byte, name string) string {
	_, rest, _ := bytes.Cut(b, []byte(" "+name+`="`))
	v, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(v)
}
