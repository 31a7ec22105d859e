package main

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"time"

	"portti/cda/rules/catalogue"
	"portti/cda/rules/report"
	"portti/internal/finding"
	"portti/internal/xmltree"
	"portti/xmldsig"
	"portti/xmldsig/trust"

	"github.com/spf13/cobra"
)

func (m *Main) verifyCommand() *cobra.Command {
	var o verifyFlags
	cmd := &cobra.Command{
		Use: "verify DOCUMENT.xml…", Short: "signatures only: type, signer, references, digest, value, chain", Args: cobra.MinimumNArgs(1),
		Example: "  portti verify --trust ca.pem document.xml",
		RunE: func(_ *cobra.Command, args []string) error {
			trust, err := m.trust()
			if err != nil {
				return err
			}
			judge, err := m.judgeOf(o, trust)
			if err != nil {
				return err
			}
			invalid := false
			for _, name := range args {
				t, err := m.parseFile(name)
				if err != nil {
					return err
				}
				ok, err := m.verifyOne(name, t, judge(t))
				if err != nil {
					return err
				}
				invalid = invalid || !ok
			}
			if invalid {
				return errInvalid
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.policy, "policy", "kanta", "kanta: documents as the gateway takes them; generic: any XML signature with sound algorithms")
	f.StringVar(&o.keys, "key", "", "generic: PEM `FILE` of public keys (or certificates, for their keys) that are trusted by themselves")
	f.StringVar(&o.certificates, "certificates", "", "generic: PEM `FILE` or folder of certificates that a signature may name without holding them")
	f.BoolVar(&o.legacy, "legacy-sha1", false, "take SHA-1 too, which is broken: to look at old material only")
	m.trustFlags(f)
	return cmd
}

// verifyFlags are the flags of verify.
type verifyFlags struct {
	policy, keys, certificates string
	legacy                     bool
}

// judgeOf gives what judges a document under the policy asked for.
func (m *Main) judgeOf(o verifyFlags, t xmldsig.Trust) (func(*xmltree.Tree) *xmldsig.Verdict, error) {
	v := &xmldsig.Verifier{Trust: t, Now: m.Now, Legacy: o.legacy}
	switch {
	case o.policy == "kanta" && (o.keys != "" || o.certificates != ""):
		return nil, usage(errors.New("--key and --certificates belong to the policy generic"), "add --policy generic")
	case o.policy == "kanta":
		return v.Document, nil
	case o.policy != "generic":
		return nil, usage(fmt.Errorf("policy is %q", o.policy), "use one of kanta, generic")
	}
	var err error
	if o.keys != "" {
		if v.Keys, err = readPublicKeys(o.keys); err != nil {
			return nil, usage(err, "--key takes PEM: PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE")
		}
	}
	if o.certificates != "" {
		if v.Certificates, err = trust.Load(o.certificates); err != nil {
			return nil, usage(err, "--certificates takes PEM or DER")
		}
	}
	return v.Generic, nil
}

// readPublicKeys reads all public keys of a PEM file.
func readPublicKeys(name string) ([]crypto.PublicKey, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var out []crypto.PublicKey
	for p, rest := pem.Decode(b); p != nil; p, rest = pem.Decode(rest) {
		key, err := publicKey(p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out = append(out, key)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: no public key in it", name)
	}
	return out, nil
}

func publicKey(p *pem.Block) (crypto.PublicKey, error) {
	switch p.Type {
	case "PUBLIC KEY":
		return x509.ParsePKIXPublicKey(p.Bytes)
	case "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(p.Bytes)
	case "CERTIFICATE":
		c, err := x509.ParseCertificate(p.Bytes)
		if err != nil {
			return nil, err
		}
		return c.PublicKey, nil
	}
	return nil, fmt.Errorf("%s is no public key", p.Type)
}

// verification is the JSON output of verify: one line for each document.
type verification struct {
	File       string               `json:"file"`
	Valid      bool                 `json:"valid"`
	Signatures []signature          `json:"signatures"`
	Findings   []catalogue.Resolved `json:"findings"`
}

type signature struct {
	Type       int         `json:"type"`
	ID         string      `json:"id,omitempty"`
	Line       int         `json:"line"`
	Signer     string      `json:"signer,omitempty"`
	Issuer     string      `json:"issuer,omitempty"`
	Serial     string      `json:"serial,omitempty"`
	Time       string      `json:"time,omitempty"`
	Intact     bool        `json:"intact"`
	Trusted    bool        `json:"trusted"`
	References []reference `json:"references"`
	Chain      []string    `json:"chain,omitempty"`
}

type reference struct {
	URI     string `json:"uri"`
	Target  string `json:"target,omitempty"`
	Matches bool   `json:"matches"`
}

func (m *Main) verifyOne(name string, t *xmltree.Tree, v *xmldsig.Verdict) (bool, error) {
	valid := v.Valid
	out := verification{File: name, Valid: valid, Findings: m.resolve(v.Findings), Signatures: []signature{}}
	for i := range v.Signatures {
		out.Signatures = append(out.Signatures, describe(t, &v.Signatures[i]))
	}
	if m.config.Format == "json" {
		return valid, m.printJSON(out)
	}
	source := map[finding.Source][]byte{finding.SourceDocument: t.Source()}
	if err := report.Findings(m.Stdout, m.config.lang(), name, out.Findings, source); err != nil {
		return valid, system(err, "")
	}
	for i, s := range out.Signatures {
		m.printSignature(i+1, s)
	}
	word := "no valid signatures"
	if valid {
		word = "valid"
	}
	fmt.Fprintf(m.Stdout, "%s: %s\n", name, word)
	return valid, nil
}

func describe(t *xmltree.Tree, s *xmldsig.Signature) signature {
	out := signature{Type: s.Type, ID: s.ID, Line: t.Pos(s.Node).Line, Intact: s.Intact, Trusted: s.Valid, References: []reference{}}
	if c := s.Signer; c != nil {
		out.Signer, out.Issuer, out.Serial = c.Subject.String(), c.Issuer.String(), c.SerialNumber.String()
	}
	if !s.Time.IsZero() {
		out.Time = s.Time.Format(time.RFC3339)
	}
	for _, r := range s.References {
		ref := reference{URI: r.URI, Matches: r.Matches}
		if r.Target != xmltree.None {
			ref.Target = t.XPath(r.Target)
		}
		out.References = append(out.References, ref)
	}
	for _, c := range s.Chain {
		out.Chain = append(out.Chain, c.Subject.String())
	}
	return out
}

func (m *Main) printSignature(n int, s signature) {
	fmt.Fprintf(m.Stdout, "signature %d: type %d, line %d, intact %t, trusted %t\n", n, s.Type, s.Line, s.Intact, s.Trusted)
	for _, x := range []struct{ name, value string }{
		{"signer", s.Signer}, {"issuer", s.Issuer}, {"serial", s.Serial}, {"time", s.Time},
	} {
		if x.value != "" {
			fmt.Fprintf(m.Stdout, "    %-9s %s\n", x.name, x.value)
		}
	}
	for _, r := range s.References {
		fmt.Fprintf(m.Stdout, "    reference %s: %s (digest matches: %t)\n", r.URI, r.Target, r.Matches)
	}
}
