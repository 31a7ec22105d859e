// Package interactions is the table of what transfer frames ask for: interactions
// (RCMR_IN…), service requests (palvelupyyntö, SPn), use situations
// (käyttötilanne), document groups (asiakirjaryhmä) and receivers.
//
// Few of these are public (kanta-interface 2.1–2.4, 13.1). The table is data:
// data/interactions.yaml, embedded, each entry with its certainty and source. A
// user's file of the same form overrides and adds entries (Table.Merge), and
// WithoutAssumptions leaves out what is only assumed.
package interactions

import (
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

//go:embed data/interactions.yaml
var embedded string

// Code systems of the table's codes.
const (
	// SystemServiceRequest: Sosiaalihuolto - Arkistosanomien palvelupyynnöt.
	SystemServiceRequest = "1.2.246.537.6.1503.201601"
	// SystemHealthServiceRequest: eArkisto - Arkistosanomien palvelupyynnöt.
	SystemHealthServiceRequest = "1.2.246.537.5.40157.2008"
	// SystemUseSituation: Sosiaalihuolto - Asiakastiedon arkiston käyttötilanne.
	SystemUseSituation = "1.2.246.537.6.1289.201901"
	// SystemDocumentGroup: Sosiaalihuolto - Asiakirjaryhmä.
	SystemDocumentGroup = "1.2.246.537.6.1505.201601"
)

// Names of the code systems, as messages write them.
const (
	NameServiceRequest = "Sosiaalihuolto - Arkistosanomien palvelupyynnöt"
	NameUseSituation   = "Sosiaalihuolto - Asiakastiedon arkiston käyttötilanne"
)

// Certainty tells how an entry is known.
type Certainty string

// The certainties.
const (
	// Seen in a real message.
	Seen Certainty = "V"
	// Inferred from what was seen.
	Inferred Certainty = "I"
	// Local is an assumption of ours, or a user's own entry.
	Local Certainty = "local"
)

// Operation is what a message asks the archive to do.
type Operation string

// The operations.
const (
	New           Operation = "new"
	Replace       Operation = "replace"
	Nullify       Operation = "nullify"
	QueryMetadata Operation = "query-metadata"
	QueryDocument Operation = "query-document"
	// QueryStatus asks what became of messages and documents (SEC-2).
	QueryStatus Operation = "query-status"
	// QueryWill asks for a client's will: informing, permission and prohibitions (ARK-8).
	QueryWill Operation = "query-will"
	// Inform records that a client was informed (Kanta-informointi); Suspend and Resume
	// stop a registry-use right and let it go on (RKO-5). They bring no document.
	Inform  Operation = "inform"
	Suspend Operation = "suspend"
	Resume  Operation = "resume"
	// Continue asks for the next part of an answer.
	Continue Operation = "continue"
)

// Orders tells whether an operation is one of those that tell the archive something of
// a client without a document.
func (o Operation) Orders() bool { return o == Inform || o == Suspend || o == Resume }

// Kinds of interactions.
const (
	KindStore        = "store"
	KindQuery        = "query"
	KindContinuation = "continuation"
)

// Domain is the archive that an interaction belongs to.
type Domain string

// The domains.
const (
	Social Domain = "social"
	Health Domain = "health"
)

// Interaction is one message type.
type Interaction struct {
	// Name is the root element's name and the interactionId's extension.
	Name   string `yaml:"name"`
	Domain Domain `yaml:"domain"`
	// Kind is KindStore, KindQuery or KindContinuation.
	Kind      string    `yaml:"kind"`
	Operation Operation `yaml:"operation"`
	// Triggers are the trigger event codes that go with it.
	Triggers []string `yaml:"triggers"`
	// Response is the name of a query's answer.
	Response  string    `yaml:"response"`
	Certainty Certainty `yaml:"certainty"`
	Source    string    `yaml:"source"`
}

// ServiceRequest is one palvelupyyntö.
type ServiceRequest struct {
	Code       string      `yaml:"code"`
	Display    string      `yaml:"display"`
	Operations []Operation `yaml:"operations"`
	// Groups are the document groups it may carry; none means any.
	Groups []string `yaml:"groups"`
	// Packages are the groups whose documents a query's answer carries; none means
	// what its interaction says.
	Packages     []string  `yaml:"packages"`
	Interactions []string  `yaml:"interactions"`
	Certainty    Certainty `yaml:"certainty"`
	Source       string    `yaml:"source"`
}

// Takes tells whether the request may come in interaction name.
func (s *ServiceRequest) Takes(name string) bool { return slices.Contains(s.Interactions, name) }

// Carries tells whether the request may carry a document of group.
func (s *ServiceRequest) Carries(group string) bool {
	return len(s.Groups) == 0 || slices.Contains(s.Groups, group)
}

// Asks tells whether the request may ask for op.
func (s *ServiceRequest) Asks(op Operation) bool { return slices.Contains(s.Operations, op) }

// UseSituation is one käyttötilanne.
type UseSituation struct {
	Code      string    `yaml:"code"`
	Display   string    `yaml:"display"`
	Certainty Certainty `yaml:"certainty"`
	Source    string    `yaml:"source"`
}

// Group is one asiakirjaryhmä.
type Group struct {
	Code string `yaml:"code"`
	// Key is the name that rules use for it, such as "phase2".
	Key       string    `yaml:"key"`
	Display   string    `yaml:"display"`
	Certainty Certainty `yaml:"certainty"`
	Source    string    `yaml:"source"`
}

// Receiver is an OID that messages to this archive may be addressed to.
type Receiver struct {
	OID       string    `yaml:"oid"`
	Display   string    `yaml:"display"`
	Certainty Certainty `yaml:"certainty"`
	Source    string    `yaml:"source"`
}

// Table is the loaded data. It is read-only after loading.
type Table struct {
	Interactions          []Interaction    `yaml:"interactions"`
	ServiceRequests       []ServiceRequest `yaml:"service_requests"`
	HealthServiceRequests []ServiceRequest `yaml:"health_service_requests"`
	UseSituations         []UseSituation   `yaml:"use_situations"`
	Groups                []Group          `yaml:"groups"`
	Receivers             []Receiver       `yaml:"receivers"`
	Nullifications        []Nullification  `yaml:"nullifications"`
	Parameters            []Parameter      `yaml:"parameters"`
}

// Default gives the embedded table; it panics where the embedded data are
// broken, which a test excludes. The table must not be changed.
var Default = sync.OnceValue(func() *Table {
	t, err := Load(strings.NewReader(embedded))
	if err != nil {
		panic(err)
	}
	return t
})

// Shipped gives the file that ships, which a user's own is made after.
func Shipped() string { return string(embedded) }

// Load reads a table. Unknown keys and entries without code are errors.
func Load(r io.Reader) (*Table, error) {
	var t Table
	dec := yaml.NewDecoder(r)
	dec.KnownFields(true)
	if err := dec.Decode(&t); err != nil {
		return nil, fmt.Errorf("interactions: %w", err)
	}
	if err := t.check(); err != nil {
		return nil, fmt.Errorf("interactions: %w", err)
	}
	return &t, nil
}

func (t *Table) check() error {
	for _, i := range t.Interactions {
		if i.Name == "" || i.Domain == "" || i.Kind == "" || i.Operation == "" {
			return fmt.Errorf("interaction %q lacks name, domain, kind or operation", i.Name)
		}
	}
	for _, s := range slices.Concat(t.ServiceRequests, t.HealthServiceRequests) {
		if s.Code == "" || len(s.Operations) == 0 || len(s.Interactions) == 0 {
			return fmt.Errorf("service request %q lacks code, operations or interactions", s.Code)
		}
	}
	for _, g := range t.Groups {
		if g.Code == "" || g.Key == "" {
			return fmt.Errorf("document group %q lacks code or key", g.Code)
		}
	}
	return t.checkQueries()
}

// Merge gives a new table in which over's entries stand before and hide those of
// t with the same code.
func (t *Table) Merge(over *Table) *Table {
	return &Table{
		Interactions:          merge(over.Interactions, t.Interactions, func(i Interaction) string { return i.Name }),
		ServiceRequests:       merge(over.ServiceRequests, t.ServiceRequests, func(s ServiceRequest) string { return s.Code }),
		HealthServiceRequests: merge(over.HealthServiceRequests, t.HealthServiceRequests, func(s ServiceRequest) string { return s.Code }),
		UseSituations:         merge(over.UseSituations, t.UseSituations, func(u UseSituation) string { return u.Code }),
		Groups:                merge(over.Groups, t.Groups, func(g Group) string { return g.Code }),
		Receivers:             merge(over.Receivers, t.Receivers, func(r Receiver) string { return r.OID }),
		Nullifications:        merge(over.Nullifications, t.Nullifications, func(n Nullification) string { return string(n.Form) }),
		Parameters:            merge(over.Parameters, t.Parameters, func(p Parameter) string { return p.Name }),
	}
}

func merge[T any](over, under []T, key func(T) string) []T {
	out := slices.Clone(over)
	for _, u := range under {
		if !slices.ContainsFunc(over, func(o T) bool { return key(o) == key(u) }) {
			out = append(out, u)
		}
	}
	return out
}

// WithoutAssumptions gives a new table without the entries that are local
// assumptions.
func (t *Table) WithoutAssumptions() *Table {
	return &Table{
		Interactions:          known(t.Interactions, func(i Interaction) Certainty { return i.Certainty }),
		ServiceRequests:       known(t.ServiceRequests, func(s ServiceRequest) Certainty { return s.Certainty }),
		HealthServiceRequests: known(t.HealthServiceRequests, func(s ServiceRequest) Certainty { return s.Certainty }),
		UseSituations:         known(t.UseSituations, func(u UseSituation) Certainty { return u.Certainty }),
		Groups:                known(t.Groups, func(g Group) Certainty { return g.Certainty }),
		Receivers:             known(t.Receivers, func(r Receiver) Certainty { return r.Certainty }),
		Nullifications:        known(t.Nullifications, func(n Nullification) Certainty { return n.Certainty }),
		Parameters:            known(t.Parameters, func(p Parameter) Certainty { return p.Certainty }),
	}
}

func known[T any](all []T, certainty func(T) Certainty) []T {
	var out []T
	for _, x := range all {
		if certainty(x) != Local {
			out = append(out, x)
		}
	}
	return out
}

// Interaction gives the interaction of that name, or nil.
func (t *Table) Interaction(name string) *Interaction {
	return find(t.Interactions, func(i *Interaction) bool { return i.Name == name })
}

// ServiceRequest gives the service request of a code system and code, or nil. An
// empty system means the social one (kanta-interface 1.4).
func (t *Table) ServiceRequest(system, code string) *ServiceRequest {
	if base(system) == base(SystemHealthServiceRequest) {
		return find(t.HealthServiceRequests, func(s *ServiceRequest) bool { return s.Code == code })
	}
	if system != "" && base(system) != base(SystemServiceRequest) {
		return nil
	}
	return find(t.ServiceRequests, func(s *ServiceRequest) bool { return s.Code == code })
}

// UseSituation gives the use situation of that code, or nil.
func (t *Table) UseSituation(code string) *UseSituation {
	return find(t.UseSituations, func(u *UseSituation) bool { return u.Code == code })
}

// Group gives the document group of that code, or nil.
func (t *Table) Group(code string) *Group {
	return find(t.Groups, func(g *Group) bool { return g.Code == code })
}

// GroupByKey gives the document group of that key, or nil.
func (t *Table) GroupByKey(key string) *Group {
	return find(t.Groups, func(g *Group) bool { return g.Key == key })
}

// Receiver gives the receiver of that OID, or nil.
func (t *Table) Receiver(oid string) *Receiver {
	return find(t.Receivers, func(r *Receiver) bool { return r.OID == oid })
}

// RequestFor gives the first service request that asks op for documents of group
// in interaction, or nil: what a sender would use.
func (t *Table) RequestFor(op Operation, group, interaction string) *ServiceRequest {
	return find(t.ServiceRequests, func(s *ServiceRequest) bool {
		return s.Asks(op) && s.Carries(group) && s.Takes(interaction)
	})
}

// Asking gives the first service request that asks for op and nothing else, or nil.
func (t *Table) Asking(op Operation) *ServiceRequest {
	return find(t.ServiceRequests, func(s *ServiceRequest) bool { return len(s.Operations) == 1 && s.Operations[0] == op })
}

// InteractionFor gives the first interaction of domain that stores with op, or
// nil. A nullification comes in the interaction of a replacement, an order in that of a
// new document.
func (t *Table) InteractionFor(domain Domain, op Operation) *Interaction {
	switch {
	case op == Nullify:
		op = Replace
	case op.Orders():
		op = New
	}
	return find(t.Interactions, func(i *Interaction) bool { return i.Domain == domain && i.Operation == op })
}

func find[T any](all []T, match func(*T) bool) *T {
	for i := range all {
		if match(&all[i]) {
			return &all[i]
		}
	}
	return nil
}

// base cuts the version arc (four or six digits of year and month) from a code
// system's OID.
func base(system string) string {
	i := strings.LastIndexByte(system, '.')
	if i < 0 || len(system)-i < 5 {
		return system
	}
	return system[:i]
}

// SameSystem tells whether two code systems' OIDs name the same classification,
// whatever their versions.
func SameSystem(a, b string) bool { return a != "" && base(a) == base(b) }
