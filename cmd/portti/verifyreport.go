package main

import (
	"fmt"
	"os"
	"strings"

	"portti/conformance/cases"
	"portti/conformance/report"

	"github.com/spf13/cobra"
)

// demands are what a verified report must be besides unchanged.
type demands struct {
	key, target string
	current     bool
}

func (m *Main) conformanceVerify() *cobra.Command {
	var d demands
	cmd := &cobra.Command{
		Use: "verify-report FILE", Args: cobra.ExactArgs(1), Short: "checks a report's signature (FILE.sig) and tells by what it was judged",
		Long: "Checks that report and signature (FILE.sig) are as they were written, and tells the\n" +
			"versions of suite, cases and rules, the target and the result, which are signed too.\n" +
			"Exit code 1 where something was changed, or is not what the flags demand.",
		Example: "  portti conformance verify-report report.html\n  portti conformance verify-report --key FINGERPRINT --current --target-name 'Archive 2.1' report.json",
		RunE: func(_ *cobra.Command, args []string) error {
			doc, err := os.ReadFile(args[0])
			if err != nil {
				return usage(err, "")
			}
			sig, err := os.ReadFile(args[0] + ".sig")
			if err != nil {
				return usage(err, "a signed report is made by portti conformance run --report FILE --sign KEY")
			}
			s, err := report.Verify(doc, sig, d.key)
			if err != nil {
				fmt.Fprintln(m.Stdout, "not valid:", strings.TrimPrefix(err.Error(), "report: "))
				return errInvalid
			}
			return m.tellVerified(s, d)
		},
	}
	f := cmd.Flags()
	f.StringVar(&d.key, "key", "", "the `FINGERPRINT` that the signing key must have")
	f.StringVar(&d.target, "target-name", "", "the target's name and `VERSION` that the report must tell of")
	f.BoolVar(&d.current, "current", false, "suite, cases and rules must be those of this program")
	return cmd
}

// tellVerified tells what a valid report was judged by, and what has changed since.
func (m *Main) tellVerified(s *report.Signature, d demands) error {
	then := []string{s.Suite, s.Cases.Digest, s.Rules}
	now := []string{suiteVersion(), cases.Default().Digest, report.RulesDigest()}
	var changed []string
	mark := make([]string, len(then))
	for i, what := range []string{"suite", "cases", "rules"} {
		if then[i] != now[i] {
			mark[i], changed = " (not those of this program)", append(changed, what)
		}
	}
	other := d.target != "" && d.target != s.Target.Name
	var err error
	if other || d.current && len(changed) > 0 {
		err = errInvalid
	}
	if m.config.Format == "json" {
		if e := m.printJSON(map[string]any{"valid": true, "demanded": err == nil, "signature": s, "counts": s.Counts, "changed": append([]string{}, changed...)}); e != nil {
			return e
		}
		return err
	}
	n := s.Counts
	fmt.Fprintf(m.Stdout, "valid: signed by key %s\nsuite: %s%s\ncases: %s %s%s\nrules: %s%s\ntarget: %s %s %s\n%d cases: %d passed, %d failed, %d with a precondition that failed, %d not judged, %d open\n",
		s.Fingerprint, s.Suite, mark[0], s.Cases.Version, s.Cases.Digest, mark[1], s.Rules, mark[2],
		s.Target.Name, s.Target.URL, s.Target.Peer, n.Cases, n.Passed, n.Failed, n.Blocked, n.NotJudged, n.Open)
	if other {
		fmt.Fprintf(m.Stdout, "not what is demanded: the target is %q, not %q\n", s.Target.Name, d.target)
	}
	if d.current && len(changed) > 0 {
		fmt.Fprintf(m.Stdout, "not what is demanded: another version of %s\n", strings.Join(changed, ", "))
	}
	return err
}
