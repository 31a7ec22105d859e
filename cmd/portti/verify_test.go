package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"portti/internal/judge"
)

// unsigned is a template for xmlsec1: an enveloped signature without KeyInfo.
const unsigned = `<letter><text>hyvää päivää</text><Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo>
<CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>
<SignatureMethod Algorithm="%s"/>
<Reference URI=""><Transforms><Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>
<Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></Transforms>
<DigestMethod Algorithm="%s"/><DigestValue/></Reference></SignedInfo><SignatureValue/></Signature></letter>
`

// TestSIG4_GenericTakesGivenKeys: a signature by another program that holds no key is
// valid by the key that the user trusts, by no other, and SHA-1 only by the switch.
func TestSIG4_GenericTakesGivenKeys(t *testing.T) {
	xmlsec := judge.Need(t, "xmlsec1")
	dir := t.TempDir()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	file := func(name string, b []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	public := func(name string, key any) string {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return file(name, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	}
	private := file("private.pem", pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	sign := func(name, method, digest string) string {
		in := file(name+".template", fmt.Appendf(nil, unsigned, method, digest))
		out := filepath.Join(dir, name)
		if b, err := exec.Command(xmlsec, "--sign", "--privkey-pem", private, "--output", out, in).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, b)
		}
		return out
	}
	good := sign("sha256.xml", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2001/04/xmlenc#sha256")
	old := sign("sha1.xml", "http://www.w3.org/2000/09/xmldsig#rsa-sha1", "http://www.w3.org/2000/09/xmldsig#sha1")
	own, foreign := public("own.pem", key.Public()), public("foreign.pem", other.Public())
	pkcs1 := file("pkcs1.pem", pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&key.PublicKey)}))

	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--policy", "generic", "--key", own, good}, exitOK, "valid"},
		{[]string{"--policy", "generic", "--key", pkcs1, good}, exitOK, "valid"},
		{[]string{"--policy", "generic", "--key", foreign, good}, exitInvalid, "no valid signatures"},
		{[]string{"--policy", "generic", good}, exitInvalid, "no valid signatures"},
		{[]string{"--policy", "generic", "--key", own, old}, exitInvalid, "SHA-1"},
		{[]string{"--policy", "generic", "--key", own, "--legacy-sha1", old}, exitOK, "valid"},
		{[]string{"--key", own, good}, exitUsage, "add --policy generic"},
		{[]string{"--policy", "generic", "--key", private, good}, exitUsage, "is no public key"},
		{[]string{"--policy", "generic", "--key", good, good}, exitUsage, "no public key in it"},
		{[]string{"--policy", "generic", "--certificates", own, good}, exitUsage, "--certificates takes PEM or DER"},
	} {
		var out bytes.Buffer
		m := NewMain()
		m.Stdout, m.Stderr, m.Environ = &out, &out, nil
		code := m.Run(t.Context(), append([]string{"verify"}, c.args...))
		if code != c.code || !strings.Contains(out.String(), c.says) {
			t.Errorf("verify %v: code %d, want %d with %q\n%s", c.args, code, c.code, c.says, out.String())
		}
	}
}
