package frame

import (
	"encoding/json"
	"fmt"

	"portti/cda"
)

// Summary is what an answer to a query tells of a document beside what the archive's
// index says: the descriptive metadata (kuvailutiedot) in the words of the document,
// without addresses (DOC-9). The archive keeps it as JSON with short names.
type Summary struct {
	// Type is the general document type, Time effectiveTime as it was written.
	Type            Code          `json:"ty,omitzero"`
	Time            string        `json:"t,omitempty"`
	Confidentiality Code          `json:"cf,omitzero"`
	Language        string        `json:"l,omitempty"`
	Clients         []Person      `json:"cl,omitempty"`
	Authors         []Person      `json:"au,omitempty"`
	Controller      Org           `json:"co,omitzero"`
	Case            string        `json:"ca,omitempty"`
	Unit            Org           `json:"u,omitzero"`
	Organiser       Org           `json:"o,omitzero"`
	Replaces        *SummaryPlace `json:"r,omitempty"`

	// Local is what stands in localSocialHeader, nil for health documents.
	Local *SummaryLocal `json:"h,omitempty"`
	// MinorConsents are the codes of 1286.
	MinorConsents []string `json:"mc,omitempty"`
	// Attachments is the number of attachments in the package, nil where not known (an
	// index made anew from documents does not know it).
	Attachments *int `json:"at,omitempty"`
}

// SummaryLocal is the local header's part of a Summary.
type SummaryLocal struct {
	Specific         Code   `json:"sp,omitzero"`
	Created          string `json:"cr,omitempty"`
	Group            Code   `json:"g,omitzero"`
	Format           Code   `json:"f,omitzero"`
	StructuredFormat Code   `json:"sf,omitzero"`
	Task             Code   `json:"ta,omitzero"`
	Status           Code   `json:"st,omitzero"`
	Retention        Code   `json:"re,omitzero"`
	Special          Code   `json:"s,omitzero"`
	ContentSpec      string `json:"cs,omitempty"`
	Relationship     string `json:"rs,omitempty"`
	Process          Code   `json:"p,omitzero"`
	// Restriction is 1288: why the client's own view is restricted.
	Restriction Code `json:"x,omitzero"`
	Correction  Code `json:"rc,omitzero"`
}

// SummaryPlace is the version that a document replaces.
type SummaryPlace struct {
	ID      string `json:"i,omitempty"`
	SetID   string `json:"s,omitempty"`
	Version string `json:"v,omitempty"`
}

// Code is a coded value in a Summary.
type Code struct {
	Code    string `json:"c,omitempty"`
	System  string `json:"s,omitempty"`
	Name    string `json:"n,omitempty"`
	Display string `json:"d,omitempty"`
}

// Person is a client or an author in a Summary.
type Person struct {
	Root      string   `json:"r,omitempty"`
	Extension string   `json:"e,omitempty"`
	Null      string   `json:"n,omitempty"`
	Family    []string `json:"f,omitempty"`
	Given     []string `json:"g,omitempty"`
	CallName  string   `json:"c,omitempty"`
	Raw       string   `json:"w,omitempty"`
	Gender    Code     `json:"s,omitzero"`
	Born      string   `json:"b,omitempty"`
	Org       Org      `json:"o,omitzero"`
}

// Org is an organisation in a Summary.
type Org struct {
	Root string `json:"r,omitempty"`
	Name string `json:"n,omitempty"`
}

// Key is what the person is found by.
func (p Person) Key() string { return p.id().PersonKey() }

// Summarize takes the Summary out of a document's metadata.
func Summarize(m *cda.Metadata) Summary {
	s := Summary{
		Type: codeOf(m.Code), Time: m.EffectiveTime.Raw, Confidentiality: codeOf(m.Confidentiality), Language: m.Language.Code,
		Controller: orgOf(m.Custodian), Case: m.Encounter.ID.Root, Unit: orgOf(m.Encounter.Unit()), Organiser: organiserOf(m),
		Local: localOf(&m.Local),
	}
	for _, c := range m.Clients {
		p := personOf(c.ID, c.Name)
		p.Gender, p.Born = codeOf(c.Gender), c.BirthTime.Raw
		s.Clients = append(s.Clients, p)
	}
	for _, a := range m.Authors {
		p := personOf(a.ID, a.Name)
		p.Org = orgOf(a.Organization)
		s.Authors = append(s.Authors, p)
	}
	for _, r := range m.Related {
		if r.TypeCode == "RPLC" {
			s.Replaces = &SummaryPlace{ID: r.ID.Root, SetID: r.SetID.Root, Version: r.Version.Raw}
			break
		}
	}
	for _, c := range m.Consents {
		s.MinorConsents = append(s.MinorConsents, c.Code.Code)
	}
	return s
}

func localOf(l *cda.LocalHeader) *SummaryLocal {
	if l.Kind != cda.SocialHeader {
		return nil
	}
	return &SummaryLocal{
		Specific: codeOf(l.SpecificType), Created: l.CreationTime.Raw, Group: codeOf(l.DocumentGroup),
		Format: codeOf(l.FileFormat), StructuredFormat: codeOf(l.StructuredFileFormat), Task: codeOf(l.Function()),
		Status: codeOf(l.RecordStatus), Retention: codeOf(l.RetentionClass), Special: codeOf(l.SpecialContent),
		ContentSpec: l.ContentSpecification.Value, Relationship: l.ClientRelationship.Root, Process: codeOf(l.ServiceProcess.Code),
		Restriction: codeOf(l.InaccessibleArgument), Correction: codeOf(l.ReasonOfCorrection),
	}
}

func codeOf(c cda.Coded) Code { return Code{c.Code, c.System, c.SystemName, c.Display} }

func (c Code) coded() cda.Coded {
	return cda.Coded{Code: c.Code, System: c.System, SystemName: c.Name, Display: c.Display}
}

func orgOf(o cda.Organization) Org { return Org{o.ID.Root, o.Name.Value} }

func organiserOf(m *cda.Metadata) Org {
	if id := m.Local.Organiser.Root; id != "" {
		return Org{id, m.Local.OrganiserName.Value}
	}
	return orgOf(m.Encounter.Organiser)
}

func personOf(id cda.ID, n cda.Name) Person {
	return Person{Root: id.Root, Extension: id.Extension, Null: id.NullFlavor, Family: n.Family, Given: n.Given, CallName: n.CallName, Raw: n.Raw}
}

func (p Person) id() cda.ID { return cda.ID{Root: p.Root, Extension: p.Extension, NullFlavor: p.Null} }

func (p Person) name() cda.Name {
	return cda.Name{Family: p.Family, Given: p.Given, CallName: p.CallName, Raw: p.Raw}
}

// JSON gives the form that the archive keeps.
func (s Summary) JSON() []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings and numbers only
	}
	return b
}

// ReadSummary reads what JSON gave.
func ReadSummary(b []byte) (Summary, error) {
	var s Summary
	if len(b) == 0 {
		return s, nil
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("frame: summary of a document: %w", err)
	}
	return s, nil
}
