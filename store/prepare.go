package store

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"strings"
	"time"
)

// Everything that can be computed before a job queues is computed here, on the
// caller's goroutine: hashes, compression, keys, leaves.

// maxKeys bounds the keys of one document (clients, tasks and the rest).
const maxKeys = 512

// prepared is an Archival ready for the writer.
type prepared struct {
	*Archival
	arrived     time.Time
	sum         [sha256.Size]byte
	frameSum    [sha256.Size]byte
	facts       [sha256.Size]byte
	body, frame []byte // payloads
	receipt     []byte
	key         *dataKey // of the content
	sealed      struct{ body, frame, receipt, countersignature []byte }

	countersignature []byte // payload

	index    indexRow
	leaf     leaf
	nullLeaf leaf // for Nullifies
	message  messageRow
	usage    []usageRow

	disclosures []disclosureRow
	events      []eventRow
}

// prepare computes an Archival. Without seal nothing of it is ever kept, so that it
// needs no keys.
func (s *Store) prepare(ctx context.Context, a *Archival, seal bool) (*prepared, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	p := &prepared{Archival: a, arrived: s.arrival(a.Message.Arrived)}
	p.sum = sha256.Sum256(a.Document)
	p.frameSum = sha256.Sum256(a.Frame)
	p.facts = sha256.Sum256(a.Facts)
	p.body, p.frame, p.receipt = pack(a.Document), packFrame(a.Frame, a.Document), pack(a.Message.Findings)
	if len(a.Countersignature) > 0 {
		p.countersignature = pack(a.Countersignature)
	}
	p.message = s.messageRow(&a.Message, p.arrived)
	p.message.documentID = a.ID
	keys := s.sealingKey
	if !seal {
		keys = noKeys
	}
	var err error
	if p.key, err = keys(ctx, a.Controller, sealDocuments); err != nil {
		return nil, err
	}
	if p.message.key, err = keys(ctx, "", sealMessages); err != nil {
		return nil, err
	}
	if p.index, err = s.indexRow(&a.Index, a.ID, a.Controller, p.arrived, p.key); err != nil {
		return nil, err
	}
	if p.leaf, err = newLeaf(leafDocument, p.facts0().record(a.Message.Verdict, a.Message.Findings), s.opt.Random); err != nil {
		return nil, err
	}
	if a.Nullifies {
		n := p.nullFacts()
		if p.nullLeaf, err = newLeaf(leafNullification, n.record(), s.opt.Random); err != nil {
			return nil, err
		}
	}
	if err := p.seal(s); err != nil {
		return nil, err
	}
	if p.disclosures, err = s.disclosureRows(ctx, a.Disclosures, p.arrived, keys); err != nil {
		return nil, err
	}
	if p.events, err = s.eventRows(ctx, a.told(), p.arrived, keys); err != nil {
		return nil, err
	}
	p.usage, err = s.usageRows(ctx, a.Usage, p.arrived, keys)
	return p, err
}

// keys gives sealing keys: Store.sealingKey, or noKeys.
type keys func(ctx context.Context, controller, purpose string) (*dataKey, error)

func noKeys(context.Context, string, string) (*dataKey, error) { return nil, nil }

// seal seals the content, under the salt of its leaf too.
func (p *prepared) seal(s *Store) error {
	for _, c := range []struct {
		column string
		from   []byte
		to     *[]byte
	}{{inBodies, p.body, &p.sealed.body}, {inFrames, p.frame, &p.sealed.frame}, {inReceipts, p.receipt, &p.sealed.receipt}} {
		var err error
		if *c.to, err = s.seal(p.key, place{c.column, p.ID}, p.leaf.salt[:], c.from); err != nil {
			return err
		}
	}
	if p.countersignature == nil {
		return nil
	}
	var err error
	p.sealed.countersignature, err = s.seal(p.key, place{inCountersignatures, p.ID}, p.leaf.salt[:], p.countersignature)
	return err
}

// check refuses what no sender can have sent: a caller's slips.
func (a *Archival) check() error {
	switch {
	case a.ID == "" || a.SetID == "":
		return input("archive", "id or set id is empty")
	case a.Controller == "":
		return input("archive", "controller is empty")
	case len(a.Document) == 0:
		return input("archive", "document is empty")
	case a.Index.Group == "":
		return input("archive", "document group is empty")
	}
	return nil
}

func (s *Store) arrival(t time.Time) time.Time {
	if t.IsZero() {
		return s.now()
	}
	return t.UTC().Truncate(time.Microsecond)
}

// documentFacts are the columns of a document that its leaf binds.
type documentFacts struct {
	id, setID, replaces         string
	version                     int64
	controller, register, owner string
	sum                         []byte
	size                        int64
	frameSum                    []byte
	frameSize                   int64
	facts                       []byte
	arrived                     int64
	device, messageID           string
	nullifies                   int64
}

func (p *prepared) facts0() *documentFacts {
	return &documentFacts{id: p.ID, setID: p.SetID, replaces: p.Replaces, version: int64(p.Version),
		controller: p.Controller, register: p.Register, owner: p.Message.Owner,
		sum: p.sum[:], size: int64(len(p.Document)), frameSum: p.frameSum[:], frameSize: int64(len(p.Frame)),
		facts: p.facts[:], arrived: micros(p.arrived), device: p.Message.Device, messageID: p.Message.ID,
		nullifies: flag(p.Nullifies)}
}

// record binds the receipt too, so that what was answered can be proven.
func (d *documentFacts) record(verdict string, findings []byte) *record {
	return new(record).text(d.id, d.setID, d.replaces).int(d.version).text(d.controller, d.register, d.owner).
		bytes(d.sum).int(d.size).bytes(d.frameSum).int(d.frameSize).bytes(d.facts).int(d.arrived).
		text(d.device, d.messageID).int(d.nullifies).text(verdict).bytes(findings)
}

// nullFacts are the columns of a nullification that its leaf binds; by is the id of
// the document that nullified, empty for a notice without one.
type nullFacts struct {
	setID, document, by, reason string
	owner, device, messageID    string
	arrived                     int64
	frameSum                    []byte
	verdict                     string
	findings                    []byte
}

func (n *nullFacts) record() *record {
	return new(record).text(n.setID, n.document, n.by, n.reason, n.owner, n.device, n.messageID).
		int(n.arrived).bytes(n.frameSum).text(n.verdict).bytes(n.findings)
}

func (p *prepared) nullFacts() *nullFacts {
	m := &p.Archival.Message
	return &nullFacts{setID: p.SetID, document: p.ID, by: p.ID, reason: p.Reason, owner: m.Owner, device: m.Device,
		messageID: m.ID, arrived: micros(p.arrived), frameSum: p.frameSum[:], verdict: m.Verdict, findings: m.Findings}
}

// indexRow is an Index with its keys.
type indexRow struct {
	Index
	effective time.Time
	tasks     string
	keys      []byte // key after key, those of clients first
	clients   int64
	summary   []byte
	state     *stateRow
}

func (s *Store) indexRow(x *Index, id, controller string, arrived time.Time, k *dataKey) (indexRow, error) {
	r := indexRow{Index: *x, effective: x.Effective.UTC().Truncate(time.Microsecond)}
	var err error
	if r.summary, err = s.seal(k, place{inSummaries, id}, nil, pack(x.Summary)); err != nil {
		return r, err
	}
	if x.Effective.IsZero() {
		r.effective = arrived
	}
	tasks := strings.Fields(strings.Join(x.Tasks, " ")) // the column keeps them apart by spaces
	r.tasks = strings.Join(tasks, " ")
	if len(x.Clients)+len(tasks) > maxKeys {
		return r, input("index", "%d clients and tasks are more than %d", len(x.Clients)+len(tasks), maxKeys)
	}
	seen := make(map[key]bool)
	add := func(k key) {
		if !seen[k] {
			seen[k] = true
			r.keys = append(r.keys, k[:]...)
		}
	}
	for _, c := range x.Clients {
		if normalID(c) != "" {
			add(s.keys.client(c))
		}
	}
	r.clients = int64(len(r.keys) / keySize)
	for _, k := range s.keys.others(x, tasks, controller) {
		add(k)
	}

	r.state, err = s.keys.stateRow(x.State)
	return r, err
}

// columns are the row's values in the order of indexColumns, without the checksum.
func (r *indexRow) columns() []any {
	return []any{r.Group, r.GeneralType, r.SpecificType, r.Phase, r.tasks, r.Process, r.Service, r.Case, r.Relationship,
		r.Unit, r.Organiser, r.Provider, r.Implementer, micros(r.effective), optionalMicros(r.Created), r.Language, r.Format,
		r.StructuredFormat, r.ContentSpec, r.RetentionClass, r.Software, flag(r.Special), r.clients, blob(r.keys), r.summary}
}

// columnsRecord is the record of column values as they go into or come out of the database.
func columnsRecord(values []any) *record {
	r := new(record)
	for _, v := range values {
		switch v := v.(type) {
		case string:
			r.text(v)
		case int64:
			r.int(v)
		case []byte:
			r.bytes(v)
		default: // NULL
			r.b = append(r.b, 0xff)
		}
	}
	return r
}

// The kinds of search keys.
const (
	byClient       = "client"
	byAuthor       = "author"
	byCase         = "case"
	byRelationship = "relationship"
	byUnit         = "unit"
	bySpecific     = "specific-type"
	byTask         = "task"
	byGeneral      = "general-type"
	byGroup        = "group"
	byController   = "controller"
	byState        = "state"
)

func (k *keyer) client(id string) key { return k.sum(byClient, normalID(id)) }

// stated is the key of every document that has a state: the check knows by it that
// a state is missing.
func (k *keyer) stated() key { return k.sum(byState) }

// others gives the keys of a document beside its clients'. Those that many
// documents share are kept apart by controller.
func (k *keyer) others(x *Index, tasks []string, controller string) []key {
	out := []key{k.sum(byController, controller)}
	add := func(kind, value string, parts ...string) {
		if value != "" {
			out = append(out, k.sum(kind, append(parts, value)...))
		}
	}
	if x.State != nil {
		out = append(out, k.stated())
	}
	add(byAuthor, normalID(x.Author))
	add(byCase, x.Case)
	add(byRelationship, x.Relationship)
	add(byUnit, x.Unit, controller)
	add(bySpecific, x.SpecificType, controller)
	add(byGeneral, x.GeneralType, controller)
	add(byGroup, x.Group, controller)
	for _, t := range tasks {
		add(byTask, t, controller)
	}
	return out
}

// messageRow is a Message with its payloads.
type messageRow struct {
	*Message
	arrived            time.Time
	documentID         string
	ack, findings, raw []byte // sealed when written
	key                *dataKey
}

func (s *Store) messageRow(m *Message, arrived time.Time) messageRow {
	return messageRow{Message: m, arrived: arrived, documentID: m.DocumentID,
		ack: pack(m.Acknowledgement), findings: pack(m.Findings), raw: pack(m.Raw)}
}

// usageRow is a Usage with its keys, payload and leaf.
type usageRow struct {
	*Usage
	at      time.Time
	plain   []byte
	payload []byte // sealed when written
	key     *dataKey
	leaf    leaf
}

// usagePayload is the personal part of a usage row.
type usagePayload struct {
	Client   string `json:"client,omitempty"`
	User     string `json:"user,omitempty"`
	UserName string `json:"userName,omitempty"`
	Detail   []byte `json:"detail,omitempty"`
}

func (s *Store) usageRows(ctx context.Context, us []Usage, arrived time.Time, keys keys) ([]usageRow, error) {
	rows := make([]usageRow, len(us))
	for i := range us {
		u := &us[i]
		if u.DataController == "" || u.LogController == "" || u.Action == "" {
			return nil, input("log", "usage row %d lacks controllers or action", i)
		}
		r := usageRow{Usage: u, at: arrived}
		if !u.At.IsZero() {
			r.at = s.arrival(u.At)
		}
		var err error
		if r.key, err = keys(ctx, u.LogController, sealLogs); err != nil {
			return nil, err
		}
		if r.plain, err = json.Marshal(usagePayload{u.Client, u.User, u.UserName, u.Detail}); err != nil {
			return nil, err
		}
		r.payload = pack(r.plain)
		if r.leaf, err = newLeaf(leafUsage, r.record(u.Refused), s.opt.Random); err != nil {
			return nil, err
		}
		rows[i] = r
	}
	return rows, nil
}

func (r *usageRow) record(refused string) *record {
	u := r.Usage
	return new(record).int(micros(r.at)).text(u.DataController, u.LogController, u.System, u.DocumentID,
		u.Action, u.Purpose, refused).bytes(r.plain)
}

// disclosureRow is a Disclosure with its keys, payload and leaf.
type disclosureRow struct {
	*Disclosure
	at      time.Time
	plain   []byte
	payload []byte // sealed when written
	key     *dataKey
	leaf    leaf
}

// disclosurePayload is the personal part of a disclosure row.
type disclosurePayload struct {
	Client      string `json:"client,omitempty"`
	Discloser   string `json:"discloser,omitempty"`
	User        string `json:"user,omitempty"`
	UserName    string `json:"userName,omitempty"`
	Description string `json:"description,omitempty"`
	Detail      []byte `json:"detail,omitempty"`
}

func (s *Store) disclosureRows(ctx context.Context, ds []Disclosure, now time.Time, keys keys) ([]disclosureRow, error) {
	rows := make([]disclosureRow, len(ds))
	for i := range ds {
		d := &ds[i]
		if d.DataController == "" || d.LogController == "" || d.Recipient == "" {
			return nil, input("log", "disclosure row %d lacks controllers or recipient", i)
		}
		r := disclosureRow{Disclosure: d, at: now}
		if !d.At.IsZero() {
			r.at = s.arrival(d.At)
		}
		var err error
		if r.key, err = keys(ctx, d.LogController, sealLogs); err != nil {
			return nil, err
		}
		r.plain, err = json.Marshal(disclosurePayload{d.Client, d.Discloser, d.User, d.UserName, d.Description, d.Detail})
		if err != nil {
			return nil, err
		}
		r.payload = pack(r.plain)
		if r.leaf, err = newLeaf(leafDisclosure, r.record(), s.opt.Random); err != nil {
			return nil, err
		}
		rows[i] = r
	}
	return rows, nil
}

func (r *disclosureRow) record() *record {
	d := r.Disclosure
	return new(record).int(micros(r.at)).text(d.DataController, d.LogController, d.Recipient, d.DocumentID,
		d.Purpose, d.Ground, d.Refused).bytes(r.plain)
}
