package organisations

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"portti/cda/codes"
)

// attribute names of the register in its export forms, folded as fold does: the
// XML export and the REST answers name them differently (kanta-facts-2 5).
var (
	attrBusiness     = "ytunnus"
	attrSector       = "sektori"
	attrMunicipality = "sijaintikunta"
	attrKinds        = map[string]Kinds{
		"sos.toimintayksikkö": SocialOperating, "sos.palveluyksikkö": SocialService,
		"terv.toimintayksikkö": HealthOperating, "terv.palveluyksikkö": HealthService,
	}
)

func fold(name string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "_", "", "-", "", ":", "", "o\u0308", "ö").Replace(name))
}

// FromList makes a register of a code list that package codes has read from the
// code server. whole tells that the list holds every organisation, so that what is
// missing from it is unknown.
func FromList(l *codes.List, whole bool) (*Register, error) {
	if !strings.HasPrefix(RegisterOID+".", l.System+".") {
		return nil, fmt.Errorf("organisations: %s is not the register of organisations, %s", l.OID(), RegisterOID)
	}
	r := &Register{Imported: l.Imported.UTC(), Source: l.Source, Whole: whole}
	for i := range l.Codes {
		r.Organisations = append(r.Organisations, organisation(&l.Codes[i]))
	}
	return r, r.finish()
}

func organisation(c *codes.Code) Organisation {
	o := Organisation{OID: strings.TrimPrefix(c.Code, "urn:oid:"), Parent: strings.TrimPrefix(c.Parent, "urn:oid:"),
		Name: c.FI, NameSV: c.SV, From: c.From, To: c.To, Deleted: c.Status == "DELETED"}
	for name, value := range c.Attributes {
		switch name = fold(name); {
		case name == attrBusiness:
			o.BusinessID = value
		case name == attrSector:
			o.Sector = sectorOf(value)
		case name == attrMunicipality:
			o.Municipality = value
		case isTrue(value):
			o.Kinds |= attrKinds[name]
		}
	}
	return o
}

// isTrue reads a flag: the register writes T and F.
func isTrue(s string) bool {
	switch strings.ToUpper(strings.TrimSpace(s)) {
	case "T", "TRUE", "1", "K":
		return true
	}
	return false
}

// ImportFiles reads the register from saved exports: one XML export, one CSV file,
// or the pages of a REST answer (all of them). now is the time of the import.
func ImportFiles(now time.Time, whole bool, names ...string) (*Register, error) {
	lists, err := codes.ImportFiles(RegisterOID, now, names...)
	if err != nil {
		return nil, err
	}
	if len(lists) != 1 {
		return nil, fmt.Errorf("organisations: %d lists in the files, one is taken at a time", len(lists))
	}
	return FromList(lists[0], whole)
}

// Fetch gets the register from a code server.
func Fetch(ctx context.Context, server *codes.REST) (*Register, error) {
	l, err := server.Fetch(ctx, RegisterOID)
	if err != nil {
		return nil, err
	}
	return FromList(l, true)
}

// decode reads JSON that this package has written.
func decode(b []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("organisations: %w", err)
	}
	if dec.More() {
		return errors.New("organisations: more than one value")
	}
	return nil
}
