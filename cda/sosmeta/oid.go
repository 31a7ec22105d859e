package sosmeta

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// The arcs under which structures are numbered (kanta-interface 14): documents
// named by group and by type.
const (
	groupArc = "1.2.246.537.6.1505"
	typeArc  = "1.2.246.537.6.1506"
)

// splitOID parts a structure's OID into its base and the definition's day, which
// its last three arcs give without leading zeros.
func splitOID(oid string) (base string, version time.Time, err error) {
	arcs := strings.Split(oid, ".")
	if !isOID(oid) || len(arcs) < 9 {
		return "", version, errors.New("not the OID of a structure version")
	}
	n := len(arcs)
	y, _ := strconv.Atoi(arcs[n-3])
	m, _ := strconv.Atoi(arcs[n-2])
	d, _ := strconv.Atoi(arcs[n-1])
	version = time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	if y < 1900 || y > 9999 || version.Month() != time.Month(m) || version.Day() != d {
		return "", time.Time{}, errors.New("the last three arcs are not a day")
	}
	return strings.Join(arcs[:n-3], "."), version, nil
}

// isOID tells whether s is an OID in its canonical dotted form.
func isOID(s string) bool {
	arcs := strings.Split(s, ".")
	if len(arcs) < 2 || len(s) > 200 {
		return false
	}
	for _, a := range arcs {
		if a == "" || len(a) > 1 && a[0] == '0' || strings.Trim(a, "0123456789") != "" {
			return false
		}
	}
	return arcs[0] <= "2" && len(arcs[0]) == 1
}
