package organisations

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"portti/cda"

	"go.yaml.in/yaml/v3"
)

// Class is a system's class in the national sense.
type Class string

// The classes. A1 is an intermediary (välityspalvelu), A2 and A3 are information
// systems that connect, B is one that does not.
const (
	ClassUnknown Class = ""
	ClassA1      Class = "A1"
	ClassA2      Class = "A2"
	ClassA3      Class = "A3"
	ClassB       Class = "B"
)

// Profile tells what a joined system may do (PRO-1 to PRO-4).
type Profile string

// The profiles. A system whose profile is not told may do all.
const (
	ProfileUnknown Profile = ""
	// Connecting is liittyvä järjestelmä: stores and fetches.
	Connecting Profile = "connecting"
	// Storing is tallentava järjestelmä: stores only.
	Storing Profile = "storing"
	// Viewing is katseleva järjestelmä: fetches only.
	Viewing Profile = "viewing"
	// Archiving is arkistoiva sovellus: stores old documents only.
	Archiving Profile = "archiving"
)

// Model is how an organisation has joined (PRO-5).
type Model string

// The models.
const (
	ModelUnknown Model = ""
	// Direct is suoraliittyminen, Shared yhteisliittyminen, Parallel rinnakkaisliittyminen.
	Direct   Model = "direct"
	Shared   Model = "shared"
	Parallel Model = "parallel"
)

// RegisterKind tells what a controller's register is.
type RegisterKind string

// The kinds of registers (REK-1, REK-4).
const (
	// ClientRegister is asiakasrekisteri, NotificationRegister ilmoitusrekisteri.
	ClientRegister       RegisterKind = "client"
	NotificationRegister RegisterKind = "notification"
	// TakenOver is the register of a provider that has ceased.
	TakenOver RegisterKind = "taken-over"
)

// words maps the words of files to values: the English ones and the field's own.
var words = map[string]string{
	"liittyvä": string(Connecting), "tallentava": string(Storing), "katseleva": string(Viewing), "arkistoiva": string(Archiving),
	"suora": string(Direct), "yhteis": string(Shared), "rinnakkais": string(Parallel),
	"asiakasrekisteri": string(ClientRegister), "ilmoitusrekisteri": string(NotificationRegister),
}

// System is a joined system: what it is, whose certificates it has, for whom it
// acts and what it may do (PRO-1 to PRO-6).
type System struct {
	// ID is the archive's own name for it.
	ID      string  `json:"id" yaml:"id"`
	Name    string  `json:"name,omitempty" yaml:"name"`
	Version string  `json:"version,omitempty" yaml:"version"`
	Class   Class   `json:"class,omitempty" yaml:"class"`
	Profile Profile `json:"profile,omitempty" yaml:"profile"`
	Model   Model   `json:"model,omitempty" yaml:"model"`
	// Organisation is the organisation's OID in the system's certificates (subject
	// serialNumber), of the connection and of signatures.
	Organisation string `json:"organisation" yaml:"organisation"`
	// Fingerprint is the SHA-256 of its certificate in hexadecimal digits; "" takes
	// every certificate of the organisation.
	Fingerprint string `json:"fingerprint,omitempty" yaml:"fingerprint"`
	// Devices are further OIDs by which it names itself as sender.
	Devices []string `json:"devices,omitempty" yaml:"devices"`
	// Controllers are the controllers whom it serves besides the organisation itself.
	Controllers []string `json:"controllers,omitempty" yaml:"controllers"`
	// SendsFor are the organisations for which it sends as their joining point
	// (liityntäpiste), besides its own.
	SendsFor []string `json:"sends_for,omitempty" yaml:"sends_for"`
	// Phases are the document groups that it may store, by their keys (old, phase1,
	// phase2 …); none takes all.
	Phases []string `json:"phases,omitempty" yaml:"phases"`
	// JointTest is the day on which joint testing was passed; zero where it was not.
	JointTest time.Time `json:"joint_test,omitzero" yaml:"joint_test"`
	// From and To bound the time in which it may connect; zero for no bound.
	From time.Time `json:"from,omitzero" yaml:"from"`
	To   time.Time `json:"to,omitzero" yaml:"to"`
}

// Contract is a contract between an organiser and a provider (ostopalvelusopimus):
// the provider's units produce services in the organiser's register (RKO-2).
type Contract struct {
	ID        string `json:"id" yaml:"id"`
	Organiser string `json:"organiser" yaml:"organiser"`
	Provider  string `json:"provider" yaml:"provider"`
	// Units are the provider's units that it covers; none covers all.
	Units []string `json:"units,omitempty" yaml:"units"`
	// Tasks are service tasks (1221) that it covers; none covers all.
	Tasks []string  `json:"tasks,omitempty" yaml:"tasks"`
	From  time.Time `json:"from,omitzero" yaml:"from"`
	To    time.Time `json:"to,omitzero" yaml:"to"`
}

// ControllerRegister is a register of a controller (REK-1, REK-4).
type ControllerRegister struct {
	ID         string `json:"id" yaml:"id"`
	Controller string `json:"controller" yaml:"controller"`
	// Code is rekisteritunnus (1264), which documents name.
	Code string       `json:"code" yaml:"code"`
	Name string       `json:"name,omitempty" yaml:"name"`
	Kind RegisterKind `json:"kind,omitempty" yaml:"kind"`
	// Predecessor is the ceased provider whose register was taken over.
	Predecessor string    `json:"predecessor,omitempty" yaml:"predecessor"`
	From        time.Time `json:"from,omitzero" yaml:"from"`
	To          time.Time `json:"to,omitzero" yaml:"to"`
}

// Joined is what an archive knows beside the national register.
type Joined struct {
	Systems   []System             `yaml:"systems"`
	Contracts []Contract           `yaml:"contracts"`
	Registers []ControllerRegister `yaml:"registers"`
}

// ParseJoined reads a YAML file with the keys systems, contracts and registers. A
// To that is a day counts to that day's end.
func ParseJoined(src []byte) (Joined, error) {
	var j Joined
	dec := yaml.NewDecoder(bytes.NewReader(src))
	dec.KnownFields(true)
	if err := dec.Decode(&j); err != nil && !errors.Is(err, io.EOF) {
		return j, fmt.Errorf("organisations: %w", err)
	}
	for i := range j.Systems {
		j.Systems[i].complete()
	}
	for i := range j.Contracts {
		j.Contracts[i].To = endOfDay(j.Contracts[i].To)
	}
	for i := range j.Registers {
		r := &j.Registers[i]
		r.Kind, r.To = RegisterKind(word(string(r.Kind))), endOfDay(r.To)
		if r.Kind == "" {
			r.Kind = ClientRegister
		}
	}
	return j, j.check()
}

func (s *System) complete() {
	s.Profile, s.Model = Profile(word(string(s.Profile))), Model(word(string(s.Model)))
	s.To = endOfDay(s.To)
	s.Fingerprint = strings.ToLower(strings.ReplaceAll(s.Fingerprint, ":", ""))
}

func word(s string) string {
	if w, ok := words[s]; ok {
		return w
	}
	return s
}

// endOfDay moves a time without time of day to the end of its day.
func endOfDay(t time.Time) time.Time {
	if t.IsZero() || t.Hour()+t.Minute()+t.Second() > 0 {
		return t
	}
	return t.AddDate(0, 0, 1).Add(-time.Second)
}

// check refuses what cannot be meant: no id, no OID, an unknown word, an end before
// its beginning.
func (j *Joined) check() error {
	var errs []error
	for i := range j.Systems {
		errs = append(errs, j.Systems[i].check())
	}
	for i := range j.Contracts {
		errs = append(errs, j.Contracts[i].check())
	}
	for i := range j.Registers {
		errs = append(errs, j.Registers[i].check())
	}
	return errors.Join(errs...)
}

func (s *System) check() error {
	c := checkOf("system", s.ID)
	c.oids("organisation", s.Organisation)
	c.oids("devices", s.Devices...)
	c.oids("controllers", s.Controllers...)
	c.oids("sends_for", s.SendsFor...)
	c.oneOf("class", string(s.Class), string(ClassA1), string(ClassA2), string(ClassA3), string(ClassB), "")
	c.oneOf("profile", string(s.Profile), string(Connecting), string(Storing), string(Viewing), string(Archiving), "")
	c.oneOf("model", string(s.Model), string(Direct), string(Shared), string(Parallel), "")
	if f := s.Fingerprint; f != "" && (len(f) != 64 || strings.Trim(f, "0123456789abcdef") != "") {
		c.fault("fingerprint is not a SHA-256 in hexadecimal digits")
	}
	c.span(s.From, s.To)
	return c.err()
}

func (k *Contract) check() error {
	c := checkOf("contract", k.ID)
	c.oids("organiser", k.Organiser)
	c.oids("provider", k.Provider)
	c.oids("units", k.Units...)
	if k.Organiser == k.Provider {
		c.fault("organiser and provider are the same")
	}
	c.span(k.From, k.To)
	return c.err()
}

func (r *ControllerRegister) check() error {
	c := checkOf("register", r.ID)
	c.oids("controller", r.Controller)
	if r.Code == "" {
		c.fault("code is missing")
	}
	c.oneOf("kind", string(r.Kind), string(ClientRegister), string(NotificationRegister), string(TakenOver))
	if r.Kind == TakenOver {
		c.oids("predecessor", r.Predecessor)
	}
	c.span(r.From, r.To)
	return c.err()
}

// checks gathers what is wrong with an entry.
type checks struct {
	what string
	errs []error
}

func checkOf(kind, id string) *checks {
	c := &checks{what: kind + " " + id}
	if id == "" {
		c.fault("id is missing")
	}
	return c
}

func (c *checks) fault(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf("organisations: %s: "+format, append([]any{c.what}, args...)...))
}

func (c *checks) oids(field string, values ...string) {
	for _, v := range values {
		if !cda.ValidOID(v) {
			c.fault("%s %q is not an OID", field, v)
		}
	}
}

func (c *checks) oneOf(field, value string, of ...string) {
	if !slices.Contains(of, value) {
		c.fault("%s is %q, not one of %s", field, value, strings.Join(of, " "))
	}
}

func (c *checks) span(from, to time.Time) {
	if !to.IsZero() && to.Before(from) {
		c.fault("it ends before it begins")
	}
}

func (c *checks) err() error { return errors.Join(c.errs...) }

// Encode gives an entry (a System, Contract or ControllerRegister) as JSON.
func Encode(entry any) ([]byte, error) {
	b, err := json.Marshal(entry)
	if err != nil {
		return nil, fmt.Errorf("organisations: %w", err)
	}
	return b, nil
}

// AddSystem, AddContract and AddRegister add an entry that Encode gave.
func (j *Joined) AddSystem(b []byte) error {
	var s System
	if err := decode(b, &s); err != nil {
		return err
	}
	j.Systems = append(j.Systems, s)
	return s.check()
}

// AddContract: see AddSystem.
func (j *Joined) AddContract(b []byte) error {
	var k Contract
	if err := decode(b, &k); err != nil {
		return err
	}
	j.Contracts = append(j.Contracts, k)
	return k.check()
}

// AddRegister: see AddSystem.
func (j *Joined) AddRegister(b []byte) error {
	var r ControllerRegister
	if err := decode(b, &r); err != nil {
		return err
	}
	j.Registers = append(j.Registers, r)
	return r.check()
}
