package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"portti/gateway"
	"portti/gateway/pipeline"
	"portti/internal/finding"
	"portti/internal/migrate"
	"portti/internal/xmltree"
	"portti/store/proof"
	"portti/xmldsig/trust"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// migrateFlags are those of plan and build.
type migrateFlags struct {
	mapping, work, out string
	workers            int
	rate               float64
	strict, again      bool
}

func (m *Main) migrateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "migrate", Short: "empties an old system into an archive: plan, build, push, report",
		Long: "Makes signed old documents of an old system's table and files, and sends them to an\n" +
			"archive. Everything stands in the work directory: each step may be stopped or killed\n" +
			"at any moment and goes on where it was. The work directory holds clients' data.\n" +
			"Keep it to the end: documents that are built anew in another are signed anew, and\n" +
			"the archive takes no other octets under an id that it has.",
		Example: "  portti migrate plan --mapping old/mapping.yaml --trust ca.pem\n" +
			"  portti migrate build --mapping old/mapping.yaml --trust ca.pem --work migration\n" +
			"  portti migrate push --work migration --to http://127.0.0.1:8080/soap\n" +
			"  portti migrate report --work migration",
	}
	cmd.AddCommand(m.migratePlan(), m.migrateBuild(), m.migratePush(), m.migrateReport(), m.migrateShow())
	return cmd
}

func (o *migrateFlags) build(m *Main, f *pflag.FlagSet) {
	f.StringVar(&o.mapping, "mapping", "", "`FILE` that maps the old system's words (YAML)")
	f.IntVar(&o.workers, "workers", runtime.GOMAXPROCS(0), "documents made side by side")
	m.trustFlags(f)
	m.ruleFlags(f)
}

func (m *Main) migratePlan() *cobra.Command {
	var o migrateFlags
	cmd := &cobra.Command{
		Use: "plan --mapping FILE", Args: cobra.NoArgs, Short: "dry run: reads and judges everything, keeps nothing; counts, sizes, problems",
		Example: "  portti migrate plan --mapping old/mapping.yaml --trust ca.pem --out plan.html",
		RunE:    func(cmd *cobra.Command, _ []string) error { return m.plan(cmd.Context(), o) },
	}
	f := cmd.Flags()
	o.build(m, f)
	f.StringVar(&o.out, "out", "", "also write the plan as an HTML page to `FILE`")
	f.Float64Var(&o.rate, "rate", 100, "documents a second to reckon the time of sending with")
	f.BoolVar(&o.strict, "strict", false, "end with exit code 1 when a row is refused")
	return cmd
}

// plan builds into a journal that is thrown away.
func (m *Main) plan(ctx context.Context, o migrateFlags) (err error) {
	dir, err := os.MkdirTemp("", "portti-plan-")
	if err != nil {
		return system(err, "")
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	o.work = dir
	return m.withJournal(dir, func(j *migrate.Journal) error {
		if _, err := m.buildInto(ctx, o, j, true); err != nil {
			return err
		}
		s, err := j.Summarise(ctx, m.config.Lang, "portti migrate plan", m.Now())
		if err != nil {
			return system(err, "")
		}
		var documents int64
		refused := s.States["document"]["refused"]
		for _, states := range s.States {
			documents += states["waiting"]
		}
		if o.rate > 0 {
			s.Estimate = time.Duration(float64(documents) / o.rate * float64(time.Second))
		}
		if err := m.printSummary(s, o.out); err != nil {
			return err
		}
		if o.strict && refused > 0 {
			return errInvalid
		}
		return nil
	})
}

func (m *Main) migrateBuild() *cobra.Command {
	var o migrateFlags
	cmd := &cobra.Command{
		Use: "build --mapping FILE --work DIR", Args: cobra.NoArgs, Short: "makes signed documents in the work directory; goes on where it was stopped",
		Example: "  portti migrate build --mapping old/mapping.yaml --trust ca.pem --work migration\n" +
			"  portti migrate build --mapping old/mapping.yaml --trust ca.pem --work migration --again   # refused rows, once mended",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.work == "" {
				return usage(errors.New("build needs --work DIR"), "portti migrate build --mapping old/mapping.yaml --work migration")
			}
			return m.withJournal(o.work, func(j *migrate.Journal) error {
				b, err := m.buildInto(cmd.Context(), o, j, false)
				if errors.Is(err, context.Canceled) {
					return system(errors.New("stopped; nothing is lost"), "go on by the same command")
				}
				if err != nil {
					return err
				}
				fmt.Fprintf(m.Stdout, "%d rows read, %d documents made, %d refused, %d duplicates: %s\n", b.Rows, b.Documents, b.Refused, b.Duplicates, o.work)
				if b.Refused > 0 {
					fmt.Fprintln(m.Stdout, "why rows were refused: portti migrate report --work "+o.work+"; once they are mended: the same command with --again")
				}
				return nil
			})
		},
	}
	o.build(m, cmd.Flags())
	cmd.Flags().StringVar(&o.work, "work", "", "work `DIR`ectory")
	cmd.Flags().BoolVar(&o.again, "again", false, "read rows anew that became no document, after the mapping, the table or the files were mended")
	return cmd
}

// Bounds of the heap while a migration runs: what passes through is short-lived, so
// little collecting will do until the heap is near the bound.
const (
	migrateGrowth = 300
	migrateHeap   = 128 << 20
)

// withJournal opens a work directory's journal for f.
func (m *Main) withJournal(dir string, f func(*migrate.Journal) error) (err error) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(migrateHeap))
	defer debug.SetGCPercent(debug.SetGCPercent(migrateGrowth))
	j, err := migrate.OpenJournal(dir)
	if err != nil {
		return system(err, "one run at a time works in a work directory")
	}
	defer func() {
		if e := j.Close(); e != nil && err == nil {
			err = system(e, "")
		}
	}()
	return f(j)
}

// buildInto runs the build; a plan keeps no documents.
func (m *Main) buildInto(ctx context.Context, o migrateFlags, j *migrate.Journal, plan bool) (migrate.Built, error) {
	if o.mapping == "" {
		return migrate.Built{}, usage(errors.New("--mapping FILE is missing"), "see portti help migrate")
	}
	mapping, err := migrate.LoadMapping(o.mapping)
	if err != nil {
		return migrate.Built{}, usage(err, "")
	}
	key, certificate, err := signingKey(mapping)
	if err != nil {
		return migrate.Built{}, usage(err, "key and certificate in the mapping name PEM files of the system's signature")
	}
	check, err := m.checker()
	if err != nil {
		return migrate.Built{}, err
	}
	bar := m.newProgress(plan)
	b, err := migrate.Build(ctx, migrate.BuildOptions{
		Mapping: mapping, Journal: j, Key: key, Certificate: certificate, Check: check, Now: m.Now, Workers: o.workers, Limit: m.config.Document,
		DropBodies: plan, Again: o.again, Production: pipeline.World(m.config.World) == pipeline.Production, Progress: bar.built,
	})
	bar.done()
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return b, err
	case errors.Is(err, migrate.ErrTable), errors.Is(err, migrate.ErrChanged), errors.Is(err, os.ErrNotExist):
		return b, usage(err, "")
	default:
		return b, system(err, "")
	}
}

func signingKey(mapping *migrate.Mapping) (crypto.Signer, *x509.Certificate, error) {
	keyFile, certFile := mapping.KeyFiles()
	if keyFile == "" || certFile == "" {
		return nil, nil, errors.New("the mapping names no key and certificate")
	}
	key, err := readKey(keyFile)
	if err != nil {
		return nil, nil, err
	}
	certs, err := trust.Load(certFile)
	if err != nil {
		return nil, nil, err
	}
	return key, certs[0], nil
}

// checker is the gateway's own engine, so that a plan says what the archive would.
func (m *Main) checker() (migrate.Checker, error) {
	trusted, err := m.trust()
	if err != nil {
		return nil, err
	}
	book, err := m.book()
	if err != nil {
		return nil, err
	}
	judge := gateway.NewJudge(m.config.profile(), pipeline.World(m.config.World), trusted, m.config.Document, m.Now)
	judge.Use(book)
	judge.PhrasesExact = m.config.Phrases == "exact"
	return func(document, framed []byte) ([]migrate.Finding, bool, error) {
		t, err := xmltree.Parse(framed, xmltree.Limits{Bytes: int(gateway.MessageLimit(m.config.Document))})
		if err != nil {
			return nil, false, err
		}
		f, fs, err := judge.Frame(t, t.Root())
		if err != nil {
			return nil, false, err
		}
		j := judge.Document(pipeline.Input{Frame: f, Document: document, Arrived: m.Now()})
		if j.Failure != nil {
			return nil, false, j.Failure
		}
		rejected := j.Decision == pipeline.Reject || pipeline.Decide(fs, nil, judge.Profile) == pipeline.Reject
		return m.migrateFindings(append(fs, j.Findings...)), rejected, nil
	}, nil
}

// migrateFindings leaves out mere remarks.
func (m *Main) migrateFindings(fs []finding.Finding) []migrate.Finding {
	out := []migrate.Finding{}
	for _, r := range m.resolve(fs) {
		if r.Severity != finding.Info {
			out = append(out, migrate.Finding{Rule: r.Rule, Severity: r.Severity.String(), Text: r.Message, Hint: r.Hint})
		}
	}
	return out
}

func (m *Main) printSummary(s *migrate.Summary, page string) error {
	if m.config.Format == "json" {
		if err := m.printJSON(s); err != nil {
			return err
		}
	} else if err := s.Text(m.Stdout, m.config.Lang); err != nil {
		return system(err, "")
	}
	if page == "" {
		return nil
	}
	var b bytes.Buffer
	if err := s.HTML(&b, m.config.Lang); err != nil {
		return system(err, "")
	}
	if err := os.MkdirAll(filepath.Dir(page), 0o700); err != nil {
		return system(err, "")
	}
	if err := os.WriteFile(page, b.Bytes(), 0o600); err != nil {
		return system(err, "")
	}
	return nil
}

func (m *Main) migrateReport() *cobra.Command {
	var work, out string
	var o witnessFlags
	cmd := &cobra.Command{
		Use: "report --work DIR", Args: cobra.NoArgs, Short: "what became of every row: CSV, JSON lines, HTML; --reconcile asks the archive",
		Example: "  portti migrate report --work migration --out report\n  portti migrate report --work migration --reconcile http://127.0.0.1:8080/soap",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := os.Stat(filepath.Join(work, "journal.db")); work == "" || err != nil {
				return usage(fmt.Errorf("no migration stands in %q", work), "portti migrate build makes one")
			}
			if out == "" {
				out = filepath.Join(work, "report")
			}
			return m.withJournal(work, func(j *migrate.Journal) error { return m.writeReport(cmd.Context(), j, out, o) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&work, "work", "", "work `DIR`ectory")
	f.StringVar(&out, "out", "", "`DIR`ectory of documents.csv, documents.jsonl and summary.html (default WORK/report)")
	o.flags(m, f)
	return cmd
}

func (m *Main) writeReport(ctx context.Context, j *migrate.Journal, out string, o witnessFlags) (err error) {
	if err := os.MkdirAll(out, 0o700); err != nil {
		return system(err, "")
	}
	s, err := j.Summarise(ctx, m.config.Lang, "portti migrate report", m.Now())
	if err != nil {
		return system(err, "")
	}
	if o.asked() {
		w, done, err := m.witness(ctx, j, o)
		if err != nil {
			return err
		}
		s.Reconciled, err = j.Reconcile(ctx, w)
		if err = errors.Join(err, done()); err != nil {
			return system(err, reconcileHint(err))
		}
	}
	if err := m.writeRecords(ctx, j, out); err != nil {
		return system(err, "")
	}
	if err := m.printSummary(s, filepath.Join(out, "summary.html")); err != nil {
		return err
	}
	if s.Reconciled != nil && !s.Reconciled.Complete() {
		return errInvalid
	}
	return nil
}

func reconcileHint(err error) string {
	switch {
	case errors.Is(err, errNoProofs):
		return "--by query or --by resend needs none"
	case errors.Is(err, errHistory):
		return "keep the reports and the work directory: they show what the archive had signed; ask its keeper"
	case errors.Is(err, proof.ErrInvalid):
		return "is --checkpoint-key this archive's?"
	default:
		return "is the archive there, and may this system ask it? --by resend needs no queries"
	}
}

func (m *Main) writeRecords(ctx context.Context, j *migrate.Journal, out string) (err error) {
	create := func(name string) (*os.File, error) {
		return os.OpenFile(filepath.Join(out, name), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	}
	table, err := create("documents.csv")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, table.Close()) }()
	lines, err := create("documents.jsonl")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lines.Close()) }()
	return j.WriteRecords(ctx, m.config.Lang, table, lines)
}

func (m *Main) migrateShow() *cobra.Command {
	var work string
	cmd := &cobra.Command{
		Use: "show --work DIR ID", Args: cobra.ExactArgs(1), Short: "a built document, to stdout",
		Example: "  portti migrate show --work migration 1.2.246.10.99999901.95908.2019.1 > document.xml",
		RunE: func(cmd *cobra.Command, args []string) error {
			return m.withJournal(work, func(j *migrate.Journal) error {
				b, err := j.Document(cmd.Context(), args[0])
				if err != nil {
					return usage(err, "portti migrate report lists the ids")
				}
				_, err = m.Stdout.Write(b)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&work, "work", "", "work `DIR`ectory")
	return cmd
}
