package trust

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"portti/xmldsig/pki"
)

// listOf makes a list by an issuer after change; it holds the revoked ones.
func (s *scene) listOf(tb testing.TB, b pki.Branch, change func(*x509.RevocationList), revoked ...*x509.Certificate) []byte {
	tb.Helper()
	i := s.ca.Issuer(b)
	l := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: now.Add(-time.Hour), NextUpdate: now.AddDate(0, 0, 7)}
	for _, c := range revoked {
		l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, x509.RevocationListEntry{
			SerialNumber: c.SerialNumber, RevocationTime: now.Add(-time.Minute), ReasonCode: int(Superseded)})
	}
	if change != nil {
		change(l)
	}
	der, err := x509.CreateRevocationList(nil, l, i.Certificate, pki.Unwrap(i.Key))
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

// withList is a Store that has the list from a file, or over the network.
func (s *scene) withList(tb testing.TB, file bool, lists ...[]byte) *Store {
	tb.Helper()
	o := Options{AnchorCertificates: s.ca.Certificates(), Now: s.clock.now, Revocation: Revocation{Mode: Hard, Order: []Source{Lists}}}
	if file {
		dir := tb.TempDir()
		for i, l := range lists {
			if err := os.WriteFile(filepath.Join(dir, string(rune('a'+i))+".crl"), l, 0o600); err != nil {
				tb.Fatal(err)
			}
		}
		o.Revocation.Files = []string{dir}
	} else {
		o.Revocation.Fetcher = fetcher(func(Request) ([]byte, error) { return lists[0], nil })
	}
	return newStore(tb, o)
}

// scopeOf encodes issuingDistributionPoint.
func scopeOf(tb testing.TB, v any) []pkix.Extension {
	tb.Helper()
	der, err := asn1.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return []pkix.Extension{{Id: oidScope, Critical: true, Value: der}}
}

// partition is the scope of the partition at an address.
func partition(tb testing.TB, address string) []pkix.Extension {
	type point struct {
		Full []asn1.RawValue `asn1:"tag:0"`
	}
	return scopeOf(tb, struct {
		Point point `asn1:"tag:0"`
	}{point{[]asn1.RawValue{{Class: 2, Tag: 6, Bytes: []byte(address)}}}})
}

type onlyFlag struct {
	Users    bool `asn1:"tag:1,optional"`
	CAs      bool `asn1:"tag:2,optional"`
	Indirect bool `asn1:"tag:4,optional"`
	Attr     bool `asn1:"tag:5,optional"`
}

func TestSIG3_UnusualLists(t *testing.T) {
	s := newScene(t, nil)
	leaf := s.leaf(t).Certificate
	odd := asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 1}
	with := func(ext []pkix.Extension) func(*x509.RevocationList) {
		return func(l *x509.RevocationList) { l.ExtraExtensions = ext }
	}
	entry := func(ext pkix.Extension) func(*x509.RevocationList) {
		return func(l *x509.RevocationList) {
			l.RevokedCertificateEntries = []x509.RevocationListEntry{{SerialNumber: big.NewInt(7), RevocationTime: now, ExtraExtensions: []pkix.Extension{ext}}}
		}
	}
	delta, _ := asn1.Marshal(big.NewInt(1))
	for _, c := range []struct {
		name   string
		branch pki.Branch
		change func(*x509.RevocationList)
		want   []string
	}{
		{"as it should be", pki.Service, nil, nil},
		{"of another issuer", pki.Professional, nil, []string{RuleListForeign}},
		{"out of date", pki.Service, func(l *x509.RevocationList) { l.NextUpdate = now.Add(-10 * time.Minute) }, []string{RuleListStale}},
		{"out of date by less than clocks differ", pki.Service, func(l *x509.RevocationList) { l.NextUpdate = now.Add(-4 * time.Minute) }, nil},
		{"of tomorrow", pki.Service, func(l *x509.RevocationList) { l.ThisUpdate = now.AddDate(0, 0, 1) }, []string{RuleListFuture}},
		{"delta", pki.Service, with([]pkix.Extension{{Id: oidDelta, Critical: true, Value: delta}}), []string{RuleListDelta}},
		{"unknown critical extension", pki.Service, with([]pkix.Extension{{Id: odd, Critical: true, Value: []byte{5, 0}}}), []string{RuleListCritical}},
		{"unknown extension", pki.Service, with([]pkix.Extension{{Id: odd, Value: []byte{5, 0}}}), nil},
		{"unknown critical extension of an entry", pki.Service, entry(pkix.Extension{Id: odd, Critical: true, Value: []byte{5, 0}}), []string{RuleListCritical}},
		{"indirect", pki.Service, with(scopeOf(t, onlyFlag{Indirect: true})), []string{RuleListIndirect}},
		{"some reasons only", pki.Service, with(scopeOf(t, struct {
			Reasons asn1.BitString `asn1:"tag:3"`
		}{asn1.BitString{Bytes: []byte{0x40}, BitLength: 2}})), []string{RuleListReasons}},
		{"CA certificates only", pki.Service, with(scopeOf(t, onlyFlag{CAs: true})), []string{RuleListScope}},
		{"attribute certificates only", pki.Service, with(scopeOf(t, onlyFlag{Attr: true})), []string{RuleListScope}},
		{"user certificates only", pki.Service, with(scopeOf(t, onlyFlag{Users: true})), nil},
		{"this partition", pki.Service, with(partition(t, leaf.CRLDistributionPoints[0])), nil},
		{"another partition", pki.Service, with(partition(t, "http://pki.portti.invalid/crl/other.crl")), []string{RuleListScope}},
		{"partition by a relative name", pki.Service, with(scopeOf(t, struct {
			Point struct {
				Relative asn1.RawValue
			} `asn1:"tag:0"`
		}{struct{ Relative asn1.RawValue }{asn1.RawValue{Class: 2, Tag: 1, IsCompound: true}}})), []string{RuleListScope}},
		{"scope garbled", pki.Service, with([]pkix.Extension{{Id: oidScope, Critical: true, Value: []byte{4, 0}}}), []string{RuleListFormat}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, file := range []bool{true, false} {
				st := s.withList(t, file, s.listOf(t, c.branch, c.change))
				for range 2 {
					a := st.Judge(s.query(leaf))
					if file && len(c.want) > 0 { // the list at the address is asked too, where there is none
						if slices.Equal(ruleIDs(a), []string{RuleNoSource}) && c.want[0] == RuleListForeign {
							continue // a file of another issuer is no file of this one
						}
					}
					want(t, a, c.want...)
				}
			}
		})
	}
}

func TestForgedListIsRefused(t *testing.T) {
	s := newScene(t, nil)
	leaf := s.leaf(t).Certificate
	rogue, err := s.ca.Rogue()
	if err != nil {
		t.Fatal(err)
	}
	der, err := rogue.Issuer(pki.Service).CRL(now)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []bool{true, false} {
		want(t, s.withList(t, file, der).Judge(s.query(leaf)), RuleListSignature)
	}
	// beside a proper one it changes nothing
	proper := s.listOf(t, pki.Service, nil, leaf)
	q := s.query(leaf)
	want(t, s.withList(t, true, der, proper).Judge(q), RuleRevoked)
}

func TestListThatIsNone(t *testing.T) {
	s := newScene(t, nil)
	for _, b := range [][]byte{nil, []byte("<html>"), {0x30, 0}} {
		want(t, s.withList(t, false, b).Judge(s.query(s.leaf(t).Certificate)), RuleListFormat)
	}
	file := filepath.Join(t.TempDir(), "x.crl")
	if err := os.WriteFile(file, []byte("<html>"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{Now: s.clock.now, Revocation: Revocation{Mode: Hard, Files: []string{file}}}); err == nil || !strings.Contains(err.Error(), "x.crl") {
		t.Errorf("the error must name the file: %v", err)
	}
}

func TestListThatCannotBeHad(t *testing.T) {
	s := newScene(t, only(Lists))
	s.net.set(pki.Down)
	want(t, s.judge(s.leaf(t).Certificate), RuleListUnreachable)
}

// What a file revokes is revoked, whatever a responder says.
func TestFileThatRevokesWins(t *testing.T) {
	s := newScene(t, nil)
	leaf := s.leaf(t).Certificate
	file := filepath.Join(t.TempDir(), "own.crl")
	if err := os.WriteFile(file, s.listOf(t, pki.Service, nil, leaf), 0o600); err != nil {
		t.Fatal(err)
	}
	st := newStore(t, Options{AnchorCertificates: s.ca.Certificates(), Now: s.clock.now,
		Revocation: Revocation{Mode: Hard, Fetcher: s.net, Order: []Source{OCSP}, Files: []string{file}}})
	want(t, st.Judge(s.query(leaf)), RuleRevoked)
	if s.net.count() > 0 {
		t.Errorf("asked %v", s.net.asked)
	}
}

// The list of one partition does not answer for another's, and all are found.
func TestPartitionedLists(t *testing.T) {
	s := newScene(t, nil)
	leaf := s.leaf(t).Certificate
	part := func(address string, revoked ...*x509.Certificate) []byte {
		return s.listOf(t, pki.Service, func(l *x509.RevocationList) { l.ExtraExtensions = partition(t, address) }, revoked...)
	}
	own, other := leaf.CRLDistributionPoints[0], "http://pki.portti.invalid/crl/service2.crl"
	want(t, s.withList(t, true, part(other), part(own, leaf)).Judge(s.query(leaf)), RuleRevoked)
	want(t, s.withList(t, true, part(other), part(own)).Judge(s.query(leaf)))
	want(t, s.withList(t, true, part(other)).Judge(s.query(leaf)), RuleListScope)
}

// A delta beside a full list is passed over: the full list answers.
func TestDeltaBesideAFullList(t *testing.T) {
	s := newScene(t, nil)
	leaf := s.leaf(t).Certificate
	number, _ := asn1.Marshal(big.NewInt(1))
	delta := s.listOf(t, pki.Service, func(l *x509.RevocationList) {
		l.ExtraExtensions = []pkix.Extension{{Id: oidDelta, Critical: true, Value: number}}
	})
	want(t, s.withList(t, true, delta, s.listOf(t, pki.Service, nil, leaf)).Judge(s.query(leaf)), RuleRevoked)
}

// An entry that takes a revocation back does not revoke; one that tells an earlier
// time of invalidity revokes from then.
func TestEntries(t *testing.T) {
	s := newScene(t, nil)
	leaf := s.leaf(t).Certificate
	entry := func(e x509.RevocationListEntry) []byte {
		return s.listOf(t, pki.Service, func(l *x509.RevocationList) {
			e.SerialNumber = leaf.SerialNumber
			l.RevokedCertificateEntries = []x509.RevocationListEntry{e}
		})
	}
	back := entry(x509.RevocationListEntry{RevocationTime: now.Add(-time.Hour), ReasonCode: int(RemoveFromCRL)})
	want(t, s.withList(t, true, back).Judge(s.query(leaf)))
	since, _ := asn1.MarshalWithParams(now.Add(-3*time.Hour).UTC(), "generalized")
	late := entry(x509.RevocationListEntry{RevocationTime: now.Add(-time.Hour), ReasonCode: int(CessationOfOperation),
		ExtraExtensions: []pkix.Extension{{Id: oidInvalidity, Value: since}}})
	q := s.query(leaf)
	q.Time = now.Add(-2 * time.Hour)
	want(t, s.withList(t, true, late).Judge(q), RuleRevoked)
}

func TestListsForgetExpiredCertificates(t *testing.T) {
	s := newScene(t, nil)
	leaf := s.leaf(t, pki.WithValidity(now.AddDate(-2, 0, 0), now.AddDate(0, -1, 0))).Certificate
	q := s.query(leaf)
	q.Time = now.AddDate(0, -2, 0)
	want(t, s.withList(t, true, s.listOf(t, pki.Service, nil)).Judge(q), RuleTooOld)
	want(t, s.withList(t, true, s.listOf(t, pki.Service, nil, leaf)).Judge(q), RuleRevokedSince) // listed all the same
	kept, _ := asn1.MarshalWithParams(now.AddDate(-9, 0, 0).UTC(), "generalized")
	want(t, s.withList(t, true, s.listOf(t, pki.Service, func(l *x509.RevocationList) {
		l.ExtraExtensions = []pkix.Extension{{Id: oidKeepsExpired, Value: kept}}
	})).Judge(q))
}

// Who can answer in the issuer's place must not take a revocation back by an older
// list that is good still.
func TestOlderListDoesNotReplaceANewer(t *testing.T) {
	s := newScene(t, nil)
	leaf := s.leaf(t).Certificate
	made := func(n int64, revoked ...*x509.Certificate) []byte {
		return s.listOf(t, pki.Service, func(l *x509.RevocationList) {
			l.Number, l.NextUpdate = big.NewInt(n), now.Add(2*time.Hour)
		}, revoked...)
	}
	serve := made(5, leaf)
	st := newStore(t, Options{AnchorCertificates: s.ca.Certificates(), Now: s.clock.now, Revocation: Revocation{
		Mode: Hard, Order: []Source{Lists}, Fetcher: fetcher(func(Request) ([]byte, error) { return serve, nil }),
	}})
	want(t, st.Judge(s.query(leaf)), RuleRevoked)
	serve = made(4)
	s.clock.add(110 * time.Minute)
	want(t, st.Judge(s.query(leaf)), RuleRevoked)
	st.revoker.work.Wait()
	want(t, st.Judge(s.query(leaf)), RuleRevoked)
	s.clock.add(time.Hour) // the newer has run out, and the older is one of then too
	want(t, st.Judge(s.query(leaf)), RuleListStale)
}

func TestListInPEM(t *testing.T) {
	s := newScene(t, nil)
	leaf := s.leaf(t).Certificate
	file := filepath.Join(t.TempDir(), "list.pem")
	b := pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: s.listOf(t, pki.Service, nil, leaf)})
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	st := newStore(t, Options{AnchorCertificates: s.ca.Certificates(), Now: s.clock.now, Revocation: Revocation{Mode: Hard, Files: []string{file}}})
	want(t, st.Judge(s.query(leaf)), RuleRevoked)
}

func TestAddressesThatAreNotHTTP(t *testing.T) {
	s := newScene(t, nil)
	i := s.ca.Issuer(pki.Service)
	leaf := maker{i.Certificate, i.Key}.make(t, "ldap", pki.P256, func(c *x509.Certificate) {
		leafShape(c)
		c.CRLDistributionPoints = []string{"ldap://a.invalid/cn=x", "file:///etc/passwd"}
		c.OCSPServer = []string{"gopher://a.invalid"}
	}).cert
	want(t, s.judge(leaf), RuleAddress, RuleAddress)
	s = newScene(t, only(Lists))
	want(t, s.judge(leaf), RuleAddress)
	if s.net.count() > 0 {
		t.Errorf("asked %v", s.net.asked)
	}
}
