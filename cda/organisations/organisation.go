package organisations

import (
	"strings"
	"time"
)

// Sector is the register's attribute Sektori.
type Sector string

// The sectors (kanta-facts-2 5).
const (
	UnknownSector Sector = ""
	// Public is "1 Julkinen".
	Public Sector = "public"
	// Private is "2 Yksityinen".
	Private Sector = "private"
	// SelfReported is "3 Yksityinen itseilmoitettu yksikkö".
	SelfReported Sector = "self-reported"
)

// sectors are the sectors by the digit that Sektori begins with.
var sectors = map[byte]Sector{'1': Public, '2': Private, '3': SelfReported}

func sectorOf(value string) Sector {
	if value = strings.TrimSpace(value); value == "" {
		return UnknownSector
	}
	return sectors[value[0]]
}

// Kinds tells what an entry of the register is; it may be several things at once.
type Kinds uint8

// The kinds.
const (
	// SocialOperating: toimintayksikkö of social welfare, a provider of services.
	SocialOperating Kinds = 1 << iota
	// SocialService: palveluyksikkö of social welfare, which documents name.
	SocialService
	// HealthOperating and HealthService: the same of health care.
	HealthOperating
	HealthService
)

// kindNames are the kinds' names in files and output.
var kindNames = []struct {
	kind Kinds
	name string
}{
	{SocialOperating, "social-operating"}, {SocialService, "social-service"},
	{HealthOperating, "health-operating"}, {HealthService, "health-service"},
}

// Social tells whether the entry is of social welfare.
func (k Kinds) Social() bool { return k&(SocialOperating|SocialService) != 0 }

// String gives the kinds' names with spaces between.
func (k Kinds) String() string {
	var out []string
	for _, n := range kindNames {
		if k&n.kind != 0 {
			out = append(out, n.name)
		}
	}
	return strings.Join(out, " ")
}

// Organisation is an entry of the register: an organisation or a unit of one.
type Organisation struct {
	OID string `json:"oid"`
	// Parent is the entry above it, "" for the top.
	Parent string `json:"parent,omitempty"`
	// Name and NameSV are its names; "" where not known.
	Name   string `json:"name,omitempty"`
	NameSV string `json:"name_sv,omitempty"`
	// BusinessID is the y-tunnus as the register has it.
	BusinessID string `json:"business_id,omitempty"`
	// Municipality is where it is, as the register writes it ("049 Espoo").
	Municipality string `json:"municipality,omitempty"`
	Sector       Sector `json:"sector,omitempty"`
	Kinds        Kinds  `json:"kinds,omitempty"`
	// From and To bound its validity, both inclusive; zero for no bound.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
	// Deleted tells that the register has struck it out.
	Deleted bool `json:"deleted,omitempty"`
}

// DisplayName gives the name in a language ("sv", else Finnish), where it is known.
func (o *Organisation) DisplayName(lang string) string {
	if lang == "sv" && o.NameSV != "" {
		return o.NameSV
	}
	return o.Name
}

// valid tells whether at lies between from and to, both inclusive; zero times
// bound nothing, and a zero at is always within.
func valid(from, to, at time.Time) bool {
	return at.IsZero() || !at.Before(from) && (to.IsZero() || !at.After(to))
}
