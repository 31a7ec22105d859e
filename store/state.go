package store

import (
	"encoding/hex"
	"encoding/json"
	"slices"
)

// State is what a document says of a client relationship, a case or the client's
// will: one of the fields is set. The store keeps it beside the index and gives it
// back as it is, save for clients, which leave as keys. What it means is the
// caller's to tell. Dates and times are text as written (ISO 8601).
type State struct {
	Relationship *Relationship `json:"relationship,omitempty"`
	Case         *Case         `json:"case,omitempty"`
	Permission   *Permission   `json:"permission,omitempty"`
	Prohibition  *Prohibition  `json:"prohibition,omitempty"`
}

// Person is a client by all ids that a document names it by: identity code and
// temporary id. What comes out of the archive has keys instead, and tells by Self
// whether it is the client that was asked for.
type Person struct {
	IDs  []string `json:"ids,omitempty"`
	Self bool     `json:"-"`
}

// Relationship is an asiakkuusasiakirja's state.
type Relationship struct {
	// ID is asiakkuuden yksilöintitunnus.
	ID     string `json:"id,omitempty"`
	Client Person `json:"client"`
	// Organiser is the organiser's OID (palvelunjärjestäjän toimintayksikkö).
	Organiser string `json:"organiser,omitempty"`
	Begin     string `json:"begin,omitempty"`
	End       string `json:"end,omitempty"`
	// Old marks a relationship of before the joining, Protected a non-disclosure for
	// safety (turvakielto).
	Old       bool `json:"old,omitempty"`
	Protected bool `json:"protected,omitempty"`
	// Birth is the client's date of birth, where told.
	Birth string             `json:"birth,omitempty"`
	Units []RelationshipUnit `json:"units,omitempty"`
}

// RelationshipUnit is a service unit in which the client is a client: the
// organiser's own, or a provider's.
type RelationshipUnit struct {
	Unit     string   `json:"unit"`
	Task     string   `json:"task,omitempty"`
	Services []string `json:"services,omitempty"`
	Provider bool     `json:"provider,omitempty"`
	Begin    string   `json:"begin,omitempty"`
	End      string   `json:"end,omitempty"`
}

// Case is an asia-asiakirja's state.
type Case struct {
	// ID is asiatunnus, Status its coded state (1501).
	ID        string       `json:"id"`
	Organiser string       `json:"organiser,omitempty"`
	Task      string       `json:"task,omitempty"`
	Status    string       `json:"status,omitempty"`
	Opened    string       `json:"opened,omitempty"`
	Closed    string       `json:"closed,omitempty"`
	Shared    bool         `json:"shared,omitempty"`
	Clients   []CaseClient `json:"clients,omitempty"`
}

// CaseClient is a client of a case, with the moments of joining and leaving it.
type CaseClient struct {
	Person
	Joined string `json:"joined,omitempty"`
	Left   string `json:"left,omitempty"`
}

// Permission is a luovutuslupa-asiakirja's state.
type Permission struct {
	Client   Person `json:"client"`
	Positive bool   `json:"positive"`
	Given    string `json:"given,omitempty"`
}

// Prohibition is a kieltoasiakirja's state: all that is prohibited.
type Prohibition struct {
	Client Person       `json:"client"`
	Items  []Prohibited `json:"items,omitempty"`
}

// Prohibited is one prohibition: its level (controller, task, document) and what
// it covers.
type Prohibited struct {
	Level  string `json:"level"`
	Target string `json:"target"`
}

// Persons gives every client in the state.
func (s *State) Persons() []*Person {
	var out []*Person
	if s.Relationship != nil {
		out = append(out, &s.Relationship.Client)
	}
	if s.Case != nil {
		for i := range s.Case.Clients {
			out = append(out, &s.Case.Clients[i].Person)
		}
	}
	if s.Permission != nil {
		out = append(out, &s.Permission.Client)
	}
	if s.Prohibition != nil {
		out = append(out, &s.Prohibition.Client)
	}
	return out
}

// clone copies as much as keyed changes.
func (s *State) clone() *State {
	c := *s
	if s.Relationship != nil {
		r := *s.Relationship
		c.Relationship = &r
	}
	if s.Case != nil {
		k := *s.Case
		k.Clients = slices.Clone(k.Clients)
		c.Case = &k
	}
	if s.Permission != nil {
		p := *s.Permission
		c.Permission = &p
	}
	if s.Prohibition != nil {
		p := *s.Prohibition
		c.Prohibition = &p
	}
	return &c
}

// stateRow is a State as it is kept.
type stateRow struct {
	linked int64
	keys   []byte
	facts  string
}

// maxStateKeys bounds the clients of one document's state.
const maxStateKeys = 512

// stateRow makes the row of a state; nil for nil.
func (k *keyer) stateRow(s *State) (*stateRow, error) {
	if s == nil {
		return nil, nil
	}
	r := new(stateRow)
	add := func(x key) {
		if !hasKey(r.keys, x[:]) {
			r.keys = append(r.keys, x[:]...)
		}
	}
	s = s.clone()
	for _, p := range s.Persons() {
		var ids []string
		for _, id := range p.IDs {
			if normalID(id) == "" {
				continue
			}
			x := k.client(id)
			add(x)
			ids = append(ids, hex.EncodeToString(x[:]))
		}
		slices.Sort(ids)
		p.IDs = slices.Compact(ids)
		if len(p.IDs) > 1 {
			r.linked = 1
		}
	}
	if s.Relationship != nil && s.Relationship.ID != "" {
		add(k.sum(byRelationship, s.Relationship.ID))
	}
	if s.Case != nil {
		add(k.sum(byCase, s.Case.ID))
	}
	if len(r.keys) > maxStateKeys*keySize {
		return nil, input("index", "a state of more than %d keys", maxStateKeys)
	}
	b, err := json.Marshal(s)
	r.facts = string(b)
	return r, err
}

func (r *stateRow) columns() []any { return []any{r.linked, blob(r.keys), r.facts} }

const (
	sqlState        = `INSERT INTO doc_state (linked, keys, facts, checksum, seq) VALUES (?, ?, ?, ?, ?)`
	sqlStateKey     = `INSERT INTO state_keys (key, seq) VALUES (?, ?) ON CONFLICT DO NOTHING`
	sqlOldState     = `SELECT keys FROM doc_state WHERE seq = ?`
	sqlDropState    = `DELETE FROM doc_state WHERE seq = ?`
	sqlDropStateKey = `DELETE FROM state_keys WHERE key = ? AND seq = ?`
)

// keepState writes the state of a document.
func (t *tx) keepState(seq int64, r *stateRow) error {
	if r == nil {
		return nil
	}
	t.changed(r.keys, t.seq.leaf-1)
	row := r.columns()
	if err := t.exec(sqlState, append(row, columnsRecord(row).checksum(), seq)...); err != nil {
		return err
	}
	for i := 0; i < len(r.keys); i += keySize {
		if err := t.exec(sqlStateKey, r.keys[i:i+keySize], seq); err != nil {
			return err
		}
	}
	return nil
}

// dropState removes the state of a document, for a rebuild or a disposal.
func (t *tx) dropState(seq int64) error {
	var keys []byte
	if ok, err := t.found(sqlOldState, []any{seq}, &keys); !ok {
		return err
	}
	t.changed(keys, t.seq.leaf)
	for i := 0; i+keySize <= len(keys); i += keySize {
		if err := t.exec(sqlDropStateKey, keys[i:i+keySize], seq); err != nil {
			return err
		}
	}
	return t.exec(sqlDropState, seq)
}
