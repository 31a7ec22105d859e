package migrate

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"portti/cda"
)

// person is a client of the old system.
type person struct {
	// key tells clients apart: "h:" and the identity code, "n:" and the client
	// number, or "p:" and name with birth date.
	key string
	// number is the old system's client number, by which an identity code that one
	// row lacks is found on another.
	number    string
	root, id  string
	family    string
	given     string
	call      string
	born      string // YYYYMMDD, "" where not known
	gender    string // 1 male, 2 female, "" not told
	protected bool
}

// facts are what a row says, in the archive's words.
type facts struct {
	row        int64
	oldID      string
	client     person
	task, kind Coded
	unit       Organisation
	controller Organisation
	date       time.Time
	language   string
	// caseNumber is the old system's case, or an OID that is a case's already.
	caseNumber, caseTitle  string
	caseOpened, caseClosed time.Time
	started, ended         time.Time

	// Given by the journal.
	caseOID, relationOID string
	oid                  string
}

// readFacts translates a row; it asks no journal.
func readFacts(row *Row, m *Mapping, now time.Time) (*facts, error) {
	if row.Fault != nil {
		return nil, row.Fault
	}
	m.complete(row)
	v := row.Values
	f := &facts{row: row.Number, oldID: v["id"], language: language(v["language"]), caseNumber: v["case"], caseTitle: v["case_title"]}
	var err error
	if f.client, err = readPerson(v, m); err != nil {
		return nil, err
	}
	if v["date"] == "" {
		return nil, refuse(ReasonDateMissing, "")
	}
	for _, d := range []struct {
		field string
		to    *time.Time
	}{{"date", &f.date}, {"case_opened", &f.caseOpened}, {"case_closed", &f.caseClosed}, {"relation_started", &f.started}, {"relation_ended", &f.ended}} {
		if v[d.field] == "" {
			continue
		}
		t, ok := parseDate(v[d.field], m.MonthFirst)
		if !ok {
			return nil, refuse(ReasonDate, "field %s", d.field)
		}
		*d.to = t
	}
	if f.date.After(now) {
		return nil, refuse(ReasonFuture, "")
	}
	return f, f.classify(v, m)
}

// classify gives service task, type, unit and controller (MIG-2, MIG-3).
func (f *facts) classify(v map[string]string, m *Mapping) error {
	var ok bool
	if f.task, ok = lookup(m.Tasks, systemTask, v["task"]); !ok {
		return refuse(ReasonTask, "%q", v["task"])
	}
	if f.kind, ok = lookup(m.Types, systemType, v["type"]); !ok {
		return refuse(ReasonType, "%q", v["type"])
	}
	if f.unit, ok = m.Units[key(v["unit"])]; !ok {
		return refuse(ReasonUnit, "%q", v["unit"])
	}
	f.controller, ok = m.Controllers[key(v["controller"])]
	if !ok && v["controller"] == "" && len(m.Controllers) == 1 {
		for _, o := range m.Controllers {
			f.controller, ok = o, true
		}
	}
	if !ok {
		return refuse(ReasonController, "%q", v["controller"])
	}
	return nil
}

func language(s string) string {
	switch key(s) {
	case "sv", "ruotsi", "svenska", "swe":
		return "sv"
	case "", "fi", "suomi", "finska", "fin":
		return "fi"
	default:
		return key(s)
	}
}

// yes are words by which old systems say yes.
var yes = map[string]bool{"1": true, "k": true, "kyllä": true, "true": true, "x": true, "on": true, "ja": true, "yes": true, "j": true, "y": true}

// genders are the words of old systems (kanta-interface 5.2: 1 male, 2 female).
var genders = map[string]string{"1": "1", "m": "1", "mies": "1", "man": "1", "male": "1", "2": "2", "n": "2", "nainen": "2", "kvinna": "2", "k": "2", "f": "2", "female": "2"}

// readPerson tells who the client is. Without an identity code the journal gives a
// temporary one (DOC-10).
func readPerson(v map[string]string, m *Mapping) (person, error) {
	p := person{number: v["client"], family: strings.Join(strings.Fields(v["family"]), " "), given: strings.Join(strings.Fields(v["given"]), " "),
		call: v["call"], gender: genders[key(v["gender"])], protected: yes[key(v["protected"])]}
	if p.family == "" || p.given == "" {
		return p, refuse(ReasonName, "")
	}
	if p.call == "" {
		p.call, _, _ = strings.Cut(p.given, " ")
	}
	if born := v["born"]; born != "" {
		t, ok := parseDate(born, m.MonthFirst)
		if !ok {
			return p, refuse(ReasonBorn, "")
		}
		p.born = t.Format("20060102")
	}
	if code := strings.ToUpper(strings.ReplaceAll(v["hetu"], " ", "")); code != "" {
		h, fault := cda.ParseHetu(code)
		if fault != cda.HetuOk {
			return p, refuse(ReasonHetu, "%s", fault)
		}
		p.known(h)
		return p, nil
	}
	switch {
	case p.number != "":
		p.key = "n:" + p.number
	case p.born != "":
		p.key = "p:" + key(p.family) + "|" + key(p.given) + "|" + p.born
	default:
		return p, refuse(ReasonClient, "")
	}
	return p, nil
}

// known fills in what an identity code tells; it is right where a field differs.
func (p *person) known(h cda.Hetu) {
	p.key, p.root, p.id = "h:"+h.Value, cda.RootHetu, h.Value
	p.born, p.gender = h.Born.Format("20060102"), "1"
	if h.Female {
		p.gender = "2"
	}
}

// masked is the identifier as display forms show it: the birth part, then asterisks.
func (p *person) masked() string { return p.id[:min(6, len(p.id))] + "*****" }

// number gives a number of 62 bits that follows from a key.
func number(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return strconv.FormatUint(binary.BigEndian.Uint64(sum[:8])>>2|1<<60, 10)
}

// newOID gives the id of what a key names: the arc of the system, the year, a number.
func (m *Mapping) newOID(year int, parts ...string) string {
	return m.System.Root + "." + strconv.Itoa(year) + "." + number(append([]string{m.System.Root}, parts...)...)
}

// contentKey tells contents of one client and controller apart.
func contentKey(f *facts, c *content) string {
	h := sha256.New()
	h.Write([]byte(f.controller.OID + "\x00" + f.client.key + "\x00"))
	h.Write(c.source)
	return hex.EncodeToString(h.Sum(nil))
}
