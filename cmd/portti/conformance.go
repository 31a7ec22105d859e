package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"portti/conformance/cases"
	"portti/conformance/report"
	"portti/conformance/run"
	"portti/fixtures"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (m *Main) conformanceCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "conformance", Short: "the joint-test suite: for archives and for the systems that use them",
		Long: "Rehearses joint testing (yhteistestaus), go-live trials (käyttöönottokoe) and\n" +
			"registry-use trials. run plays the client against any archive; observe watches a\n" +
			"client system and leads it through its steps. All persons are of the 900 series.",
	}
	cmd.AddCommand(m.conformanceList(), m.conformanceRun(), m.conformanceObserve(), m.conformanceReport(), m.conformanceVerify(), m.conformanceCompare())
	return cmd
}

// choice are the flags that say which cases are wanted.
type choice struct {
	profile, trial, failed string
	ids, tags, exclude     []string
}

func (c *choice) flags(f *pflag.FlagSet) {
	f.StringVar(&c.profile, "profile", "", "cases of one `PROFILE`: connecting, storing, viewing or archiving (default all)")
	if err := f.SetAnnotation("profile", ownFlag, []string{""}); err != nil {
		panic(err) // the flag was made a line above
	}
	f.StringSliceVar(&c.ids, "id", nil, "cases by `ID`, with * for any letters")
	f.StringSliceVar(&c.tags, "tag", nil, "cases with one of these `TAG`s; areas are tags too")
	f.StringSliceVar(&c.exclude, "exclude", nil, "cases left out, by `ID`")
	f.StringVar(&c.trial, "trial", "", "a trial's cases: connection, go-live or registry-use")
	f.StringVar(&c.failed, "failed", "", "only what failed in this JSON report (`FILE`)")
}

// trialTags are the tags of the cases that belong to a trial.
var trialTags = map[string]string{"connection": "connection", "go-live": "go-live", "registry-use": "registry-use"}

// listHints tell where cases of a mode are shown.
var listHints = map[cases.Mode]string{
	cases.Archive: "portti conformance list shows what there is",
	cases.Client:  "portti conformance list --client shows what there is",
}

// selected gives the wanted cases.
func (c *choice) selected(mode cases.Mode) ([]*cases.Case, error) {
	w := cases.Selection{Mode: mode, Profile: cases.Profile(c.profile), IDs: c.ids, Tags: c.tags, Excluded: c.exclude}
	if c.profile != "" && !slices.Contains(cases.Profiles, w.Profile) {
		return nil, usage(fmt.Errorf("profile is %q", c.profile), "use one of connecting, storing, viewing, archiving")
	}
	if c.trial != "" {
		tag, ok := trialTags[c.trial]
		if !ok {
			return nil, usage(fmt.Errorf("trial is %q", c.trial), "use one of connection, go-live, registry-use")
		}
		w.Tags = append(w.Tags, tag)
	}
	if strays := cases.Default().Strays(w); len(strays) > 0 {
		return nil, usage(fmt.Errorf("no case is called %s", strings.Join(strays, ", ")), listHints[mode])
	}
	if c.failed != "" {
		r, err := readReport(c.failed)
		if err != nil {
			return nil, err
		}
		if w.IDs = r.Failed(); len(w.IDs) == 0 {
			return nil, nil
		}
	}
	list := cases.Default().Select(w)
	if len(list) == 0 {
		return nil, usage(errors.New("no case is selected"), listHints[mode])
	}
	return list, nil
}

func readReport(name string) (*report.Run, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, usage(err, "")
	}
	r, err := report.Parse(b)
	if err != nil {
		return nil, usage(fmt.Errorf("%s: %w", name, err), "reports as JSON are made by --report FILE.json")
	}
	return r, nil
}

func (m *Main) conformanceList() *cobra.Command {
	var c choice
	var client bool
	cmd := &cobra.Command{
		Use: "list [ID…]", Short: "lists the cases; with ids, tells these in full",
		Example: "  portti conformance list --profile archiving\n  portti conformance list VERSION-GAP-PLAN --lang fi",
		RunE: func(_ *cobra.Command, args []string) error {
			c.ids = append(c.ids, args...)
			mode := cases.Archive
			if client {
				mode = cases.Client
			}
			list, err := c.selected(mode)
			if err != nil {
				return err
			}
			switch {
			case m.config.Format == "json":
				err = cases.WriteJSON(m.Stdout, list)
			case len(args) > 0:
				for _, x := range list {
					err = errors.Join(err, cases.Default().WriteCase(m.Stdout, x, m.config.lang()))
				}
			default:
				err = cases.WriteText(m.Stdout, list, m.config.lang())
			}
			return wrapSystem(err)
		},
	}
	c.flags(cmd.Flags())
	cmd.Flags().BoolVar(&client, "client", false, "the cases for client systems (observe)")
	return cmd
}

func wrapSystem(err error) error {
	if err == nil {
		return nil
	}
	return system(err, "")
}

// reporting are the flags of what is written at the end.
type reporting struct {
	files      []string
	sign, name string
}

func (r *reporting) flags(f *pflag.FlagSet) {
	f.StringSliceVar(&r.files, "report", nil, "write a report to this `FILE` too, by its ending: .txt .json .xml (JUnit) .html .csv")
	f.StringVar(&r.sign, "sign", "", "sign the reports by this Ed25519 key `FILE` (made where there is none); the signature of a report is beside it, NAME.sig")
	f.StringVar(&r.name, "target-name", "", "what the system under test is called, with its `VERSION`; stands in the report")
}

var formatOf = map[string]string{".txt": "text", ".json": "json", ".xml": "junit", ".html": "html", ".csv": "csv"}

func (r *reporting) check() error {
	for _, name := range r.files {
		if formatOf[filepath.Ext(name)] == "" {
			return usage(fmt.Errorf("no report format goes with %s", name), "use an ending of .txt .json .xml .html .csv")
		}
	}
	return nil
}

// write writes every report that was asked for.
func (r *reporting) write(m *Main, out *report.Run) error {
	for _, name := range r.files {
		var b bytes.Buffer
		if err := out.Write(&b, formatOf[filepath.Ext(name)], m.config.lang()); err != nil {
			return system(err, "")
		}
		if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
			return system(err, "")
		}
		if r.sign != "" {
			if err := signReport(r.sign, name, out, b.Bytes()); err != nil {
				return system(err, "")
			}
		}
	}
	return nil
}

func signReport(keyFile, name string, out *report.Run, doc []byte) error {
	key, err := report.Key(keyFile)
	if err != nil {
		return err
	}
	s, err := out.Sign(key, doc)
	if err != nil {
		return err
	}
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(name+".sig", append(b, '\n'), 0o600)
}

// suiteVersion is what reports call this program.
func suiteVersion() string {
	if commit == "" {
		return "portti " + version
	}
	return "portti " + version + " " + commit
}

func newReport(mode cases.Mode, began time.Time) *report.Run {
	return &report.Run{Suite: suiteVersion(), Cases: report.Versions{Version: cases.Version, Digest: cases.Default().Digest},
		Rules: report.RulesDigest(), Mode: mode, Started: began}
}

// runFlags are those of run alone.
type runFlags struct {
	choice
	reporting
	connection
	target, world  string
	parallel       int
	failFast       bool
	timeout, limit time.Duration
	slow           time.Duration
	hooks          []string
}

func (m *Main) conformanceRun() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use: "run --target URL", Args: cobra.NoArgs, Short: "plays the client against an archive and judges its answers",
		Long: "Sends every selected case's messages to the archive and judges what comes back,\n" +
			"by nothing but the wire. The archive must trust the test world's certificates\n" +
			"(anchors in WORLD/ca.pem). Over HTTPS each organisation's system connects with a\n" +
			"certificate of its own: the test world's, or those of --cert and --system. A\n" +
			"certificate of another organisation (a joining point's) sends for all without.\n" +
			"Exit code 1 where a case failed, or a precondition of one did: what that case\n" +
			"tests was not reached then.",
		Example: "  portti conformance run --target http://127.0.0.1:8080 --world-dir var/demo/world --report report.html\n" +
			"  portti conformance run --target https://archive.example:8443 --profile storing --tag version --cert c.pem --key c.key --ca ca.pem\n" +
			"  portti conformance run --target https://archive.example:8443 --trial registry-use --cert c.pem --key c.key --system hoivapilvi=p.pem,p.key --ca ca.pem",
		RunE: func(cmd *cobra.Command, _ []string) error { return m.runConformance(cmd.Context(), &f) },
	}
	fs := cmd.Flags()
	f.choice.flags(fs)
	f.reporting.flags(fs)
	f.connection.flags(fs)
	fs.StringVar(&f.target, "target", "", "`URL` of the archive, with the SOAP door's path where it is not /soap")
	fs.StringVar(&f.world, "world-dir", "var/demo/world", "`DIR`ectory of the test world whose keys sign (portti demo makes one)")
	fs.IntVar(&f.parallel, "parallel", 4, "cases at a time")
	fs.BoolVar(&f.failFast, "fail-fast", false, "end at the first case that fails")
	fs.DurationVar(&f.timeout, "timeout", 30*time.Second, "how long to wait for an answer")
	fs.DurationVar(&f.slow, "slow", 10*time.Second, "an answer that takes longer fails its step")
	fs.DurationVar(&f.limit, "limit", 0, "time limit of the whole run; what it cuts off is not judged (0: none)")
	fs.StringArrayVar(&f.hooks, "hook", nil, "control hook `NAME=COMMAND` that some cases need: restart, revocation, or usage-log and disclosure-log, which write the entries of $CASE_CLIENT in the log of $CASE_ORGANISATION as portti log does with --as jsonl")
	return cmd
}

func (m *Main) runConformance(ctx context.Context, f *runFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	list, err := f.selected(cases.Archive)
	if err != nil {
		return err
	}
	r, err := m.runner(f)
	if err != nil {
		return err
	}
	bar := m.bar(len(list))
	r.Progress = func(report.Case) { _ = bar.Add(1) } // a bar that cannot be drawn is no failure
	if f.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.limit)
		defer cancel()
	}
	out := newReport(cases.Archive, time.Now().UTC())
	out.Profile, out.Trial = cases.Profile(f.profile), f.trial
	out.Target = report.Target{URL: f.target, Name: f.name}
	if out.Results, err = r.Run(ctx, list); err != nil {
		return usage(err, "portti conformance run --target http://127.0.0.1:8080")
	}
	out.Ended = time.Now().UTC()
	_ = bar.Finish()
	return m.finish(out, &f.reporting)
}

// finish prints and writes a report; the exit code is 1 where something failed.
func (m *Main) finish(out *report.Run, r *reporting) error {
	if err := out.Write(m.Stdout, m.config.Format, m.config.lang()); err != nil {
		return system(err, "")
	}
	if err := r.write(m, out); err != nil {
		return err
	}
	if !out.OK() {
		return errInvalid
	}
	return nil
}

// bar is the progress bar, drawn on the user's own terminal only.
func (m *Main) bar(n int) *progressbar.ProgressBar {
	var w io.Writer = io.Discard
	if m.Terminal && m.config.Format == "text" {
		w = m.Stderr
	}
	return progressbar.NewOptions(n, progressbar.OptionSetWriter(w), progressbar.OptionShowCount(), progressbar.OptionSetWidth(30),
		progressbar.OptionClearOnFinish(), progressbar.OptionSetDescription("conformance"), progressbar.OptionThrottle(100*time.Millisecond))
}

func (m *Main) runner(f *runFlags) (*run.Runner, error) {
	if f.target == "" {
		return nil, usage(errors.New("run needs --target URL"), "portti conformance run --target http://127.0.0.1:8080")
	}
	w, err := readWorld(f.world)
	if err != nil {
		return nil, err
	}
	hooks, err := hooksOf(f.hooks)
	if err != nil {
		return nil, err
	}
	r := &run.Runner{World: w, Target: f.target, Parallel: f.parallel, Timeout: f.timeout, Slow: f.slow,
		FailFast: f.failFast, Hooks: hooks, Now: m.Now}
	return r, f.apply(r)
}

// readWorld makes a demo's world again by its seed and clock.
func readWorld(dir string) (*fixtures.World, error) {
	b, err := os.ReadFile(filepath.Join(dir, "world.json"))
	var d demoFile
	if err == nil {
		err = json.Unmarshal(b, &d)
	}
	if err != nil {
		return nil, usage(fmt.Errorf("no test world in %s: %w", dir, err), "portti demo --data var/demo makes one in var/demo/world; let the archive trust its ca.pem")
	}
	w, err := fixtures.NewWorld(d.Seed, fixtures.Options{Now: d.Now})
	return w, wrapSystem(err)
}

// hooksOf makes control hooks of commands. A command learns from CASE_CLIENT and
// CASE_ORGANISATION whose log is wanted, and writes the entries to its output.
func hooksOf(list []string) (map[string]run.Hook, error) {
	out := map[string]run.Hook{}
	for _, h := range list {
		name, command, ok := strings.Cut(h, "=")
		if !ok {
			return nil, usage(fmt.Errorf("hook is %q", h), "--hook restart='systemctl restart archive'")
		}
		out[name] = func(ctx context.Context, a run.Asked) ([]byte, error) {
			cmd := exec.CommandContext(ctx, "sh", "-c", command)
			cmd.Env = append(os.Environ(), "CASE_CLIENT="+a.Client, "CASE_ORGANISATION="+a.Organisation)
			var told bytes.Buffer
			cmd.Stderr = &told
			b, err := cmd.Output()
			if err != nil {
				return nil, fmt.Errorf("%w: %.200s", err, told.Bytes())
			}
			return b, nil
		}
	}
	return out, nil
}

func (m *Main) conformanceReport() *cobra.Command {
	var r reporting
	cmd := &cobra.Command{
		Use: "report FILE.json", Args: cobra.ExactArgs(1), Short: "prints a JSON report in another format or language",
		Example: "  portti conformance report --format junit report.json\n  portti conformance report --lang fi --report report.html report.json",
		RunE: func(_ *cobra.Command, args []string) error {
			if err := r.check(); err != nil {
				return err
			}
			out, err := readReport(args[0])
			if err != nil {
				return err
			}
			if err := out.Write(m.Stdout, m.config.Format, m.config.lang()); err != nil {
				return system(err, "")
			}
			return r.write(m, out)
		},
	}
	r.flags(cmd.Flags())
	return cmd
}

func (m *Main) conformanceCompare() *cobra.Command {
	return &cobra.Command{
		Use: "compare EARLIER.json LATER.json", Args: cobra.ExactArgs(2), Short: "tells which cases differ between two reports; exit code 1 where one got worse",
		RunE: func(_ *cobra.Command, args []string) error {
			then, err := readReport(args[0])
			if err != nil {
				return err
			}
			now, err := readReport(args[1])
			if err != nil {
				return err
			}
			list := report.Compare(then, now)
			if m.config.Format == "json" {
				err = m.printJSON(list)
			} else {
				err = report.WriteChanges(m.Stdout, list, m.config.lang())
			}
			if err == nil && report.Worse(list) {
				return errInvalid
			}
			return wrapSystem(err)
		},
	}
}
