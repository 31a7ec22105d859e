package main

import (
	"fmt"
	"time"

	"portti/cda/rules/catalogue"
	"portti/cda/rules/report"
	"portti/internal/finding"
	"portti/internal/xmltree"
	"portti/xmldsig"

	"github.com/spf13/cobra"
)

func (m *Main) verifyCommand() *cobra.Command {
	var policy string
	cmd := &cobra.Command{
		Use: "verify DOCUMENT.xml…", Short: "signatures only: type, signer, references, digest, value, chain", Args: cobra.MinimumNArgs(1),
		Example: "  portti verify --trust ca.pem document.xml",
		RunE: func(_ *cobra.Command, args []string) error {
			trust, err := m.trust()
			if err != nil {
				return err
			}
			v := &xmldsig.Verifier{Trust: trust, Now: m.Now}
			judge := map[string]func(*xmltree.Tree) *xmldsig.Verdict{"kanta": v.Document, "generic": v.Generic}[policy]
			if judge == nil {
				return usage(fmt.Errorf("policy is %q", policy), "use one of kanta, generic")
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
	cmd.Flags().StringVar(&policy, "policy", "kanta", "kanta: documents as the gateway takes them; generic: any XML signature with sound algorithms")
	m.trustFlags(cmd.Flags())
	return cmd
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
