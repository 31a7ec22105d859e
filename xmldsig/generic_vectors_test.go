//go:debug rsa1024min=0
package xmldsig

import (
	"bytes"
	"cmp"
	"crypto"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"portti/internal/shared"
)

var update = flag.Bool("update", false, "write golden files anew")

// The vectors of the XML Signature 1.1 interoperability test, of three makers:
// every one with RSA or ECDSA and SHA-2 is right, and the others are refused by
// name. RSA keys of 512 bits are refused for their size; that such a signature is
// right all the same is told by the second verdict, and the third tells it of SHA-1.
func TestGeneric_VectorsOfXMLDSig11(t *testing.T) {
	dir := shared.Path(t, "samples/signatures/xmldsig11")
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "vector\tverdict\tsmall keys let in\tSHA-1 too\treasons")
	n := 0
	for _, name := range sharedXML(t, "samples/signatures/xmldsig11") {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		strict, why := vectorVerdict(t, src, &Verifier{})
		small, _ := vectorVerdict(t, src, &Verifier{Limits: Limits{MinRSA: 512}})
		lax, _ := vectorVerdict(t, src, &Verifier{Legacy: true, Limits: Limits{MinRSA: 512}})
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", filepath.ToSlash(rel), strict, small, lax, cmp.Or(why, "-"))
		soundVector(t, rel, string(src), strict, why, small, lax)
		n++
	}
	if n != 89 {
		t.Errorf("%d vectors", n)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	golden(t, "xmldsig11.golden", table.Bytes())
}

// vectorVerdict judges a vector whose key, if it holds any, is trusted. A vector
// without a key in it is offered a key that is not its own.
func vectorVerdict(t *testing.T, src []byte, v *Verifier) (verdict, reason string) {
	t.Helper()
	tree := parse(t, src)
	first := v.GenericAt(tree, testNow)
	for _, s := range first.Signatures {
		if s.Key != nil {
			v.Keys = append(v.Keys, s.Key)
		}
	}
	if len(v.Keys) == 0 {
		v.Keys = []crypto.PublicKey{systemLeaf(t).Certificate.PublicKey}
	}
	again := v.GenericAt(tree, testNow)
	verdict = "refused"
	if again.Valid {
		verdict = "valid"
	}
	if again.Valid != (len(again.Covered.Elements()) > 0) {
		t.Error("validity and what is covered differ")
	}
	return verdict, strings.Join(rules(again), " ")
}

// soundVector holds a vector's verdicts against what its text says of its algorithms.
func soundVector(t *testing.T, name, text, strict, why, small, lax string) {
	t.Helper()
	sha1 := strings.Contains(text, algSHA1+`"`) || strings.Contains(text, "-sha1\"")
	other := strings.Contains(text, "hmac-sha") || strings.Contains(text, "#dsa-sha")
	if !other && lax != "valid" || !other && !sha1 && small != "valid" {
		t.Errorf("%s: %s, %s", name, small, lax)
	}
	for rule, needed := range map[string]bool{
		RuleAlgorithmHMAC: strings.Contains(text, "hmac-sha"), RuleAlgorithmDSA: strings.Contains(text, "#dsa-sha"), RuleAlgorithmSHA1: sha1,
		RuleKeySize: !sha1 && !other && strings.Contains(text, ">AQAB<") && !strings.Contains(name, "2048"),
	} {
		if needed && (strict != "refused" || !slices.Contains(strings.Fields(why), rule)) {
			t.Errorf("%s: %s %s, not %s", name, strict, why, rule)
		}
	}
}

// golden compares with testdata/name, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; with -update it becomes:\n%s", file, got)
	}
}
