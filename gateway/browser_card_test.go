package gateway

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portti/gateway/web"
	"portti/internal/browser"
	"portti/internal/judge"
	"portti/xmldsig/pki"
	"portti/xmldsig/trust"

	"github.com/chromedp/chromedp"
)

// UI-2: the archivist logs in with a real browser, whose certificate store holds the
// card's key; a browser without one is told that it may not.
func TestUI2_BrowserLoginByCertificate(t *testing.T) {
	const card = "99900000101"
	// The browser looks at certificates by the clock of the machine.
	ca, err := pki.New(pki.Options{Seed: "browser cards", Now: time.Now(), AuthorityAlgorithm: pki.P256, Algorithm: pki.P256})
	if err != nil {
		t.Fatal(err)
	}
	anchors, err := trust.New(trust.Options{AnchorCertificates: ca.Certificates(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(anchors.Close)
	files := tlsFiles(t, OptionalClientCertificates)
	files.Trust = anchors
	if err := os.WriteFile(files.ClientCA, pki.EncodeCertificates(ca.Certificates()...), 0o600); err != nil {
		t.Fatal(err)
	}
	own := world().Organisations[0].OID
	g := start(t, func(c *Config) {
		c.Now, c.TLSListen, c.TLS = time.Now, "127.0.0.1:0", files
		c.Archivists = []web.Archivist{{Card: card, Name: "Arja Arkisto", Controllers: []string{own}}}
	})
	leaf, err := ca.Card(pki.Person{Number: card, Given: "Arja", Family: "Arkisto"})
	if err != nil {
		t.Fatal(err)
	}
	base := "https://" + g.TLSAddr().String()
	b := browser.OpenWith(t, base, browserHome(t, leaf, base)...)
	b.Look("/archive?lang=en")
	b.Wants("Log in by certificate")
	b.Click(`form[action="/archive/login"] button`)
	b.Wants("Arja Arkisto", own)
	b.Sound("logged in by certificate")
	b.Click(`form[role=search] button`)
	b.Wants("Hits: 0")
	b.Click(`form.who button`)
	b.Wants("Log in by certificate")

	none := browser.Open(t, base) // its home has no certificate
	none.Look("/archive?lang=en")
	none.Click(`form[action="/archive/login"] button`)
	none.Wants("not in the list")
}

// browserHome makes a browser's home, whose certificate store holds the key of a leaf,
// and a profile that offers it to the address without asking: what an
// organisation sets by the policy AutoSelectCertificateForUrls.
func browserHome(t *testing.T, leaf *pki.Leaf, address string) []chromedp.ExecAllocatorOption {
	t.Helper()
	home, profile := t.TempDir(), t.TempDir()
	key, err := pki.EncodeKey(leaf.Key)
	if err != nil {
		t.Fatal(err)
	}
	pem, p12 := filepath.Join(home, "card.pem"), filepath.Join(home, "card.p12")
	chosen, err := json.Marshal(map[string]any{"pattern": address, "filter": map[string]any{}})
	if err != nil {
		t.Fatal(err)
	}
	preferences, err := json.Marshal(map[string]any{"profile": map[string]any{"managed_auto_select_certificate_for_urls": []string{string(chosen)}}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{pem: append(pki.EncodeCertificates(leaf.Chain()...), key...),
		filepath.Join(profile, "Default", "Preferences"): preferences} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	openssl, certutil, pk12util := judge.Need(t, "openssl"), judge.Need(t, "certutil"), judge.Need(t, "pk12util")
	do := func(program string, args ...string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
		}
	}
	do(openssl, "pkcs12", "-export", "-in", pem, "-out", p12, "-passout", "pass:card", "-name", "card")
	// Browsers of different ages look in different places.
	for _, store := range []string{filepath.Join(home, ".pki", "nssdb"), filepath.Join(home, ".local", "share", "pki", "nssdb")} {
		if err := os.MkdirAll(store, 0o700); err != nil {
			t.Fatal(err)
		}
		do(certutil, "-N", "-d", "sql:"+store, "--empty-password")
		do(pk12util, "-i", p12, "-d", "sql:"+store, "-W", "card")
	}
	return []chromedp.ExecAllocatorOption{chromedp.Env("HOME="+home, "XDG_DATA_HOME="+filepath.Join(home, ".local", "share")), chromedp.UserDataDir(profile)}
}
