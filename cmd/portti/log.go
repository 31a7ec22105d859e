package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"portti/cda"
	"portti/cda/rules/catalogue"
	"portti/gateway/control"
	"portti/gateway/logs"
	"portti/store"

	"filippo.io/age"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// actor is who does something in the archive's own name.
type actor struct{ id, name string }

func (a *actor) flags(f *pflag.FlagSet) {
	f.StringVar(&a.id, "by", "", "`ID` of who does this, for the log")
	f.StringVar(&a.name, "by-name", "", "`NAME` of who does this, for the log")
}

func (a *actor) actor() store.Actor { return store.Actor{ID: a.id, Name: a.name} }

func (a *actor) need() error {
	if a.id == "" || a.name == "" {
		return usage(errors.New("what is done here is logged with who does it"), "add --by ID --by-name NAME")
	}
	return nil
}

// logFlags are the flags of a search of the logs.
type logFlags struct {
	actor
	f                       store.LogFilter
	controller, from, until string
	refused, done           bool
	as, out, purpose        string
	recipients              []string
	forClient               bool
}

func (m *Main) logCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "log", Short: "the usage and disclosure logs: search and supply, report, purge",
		Long: "The usage log (käyttöloki) and the disclosure log (luovutusloki) of a controller.\n" +
			"Every look into them is logged itself, before anything of it is shown."}
	cmd.AddCommand(
		m.supplyCommand("usage", store.UsageLog, "search and supply entries of the usage log"),
		m.supplyCommand("disclosures", store.DisclosureLog, "search and supply entries of the disclosure log"),
		m.logReportCommand(), m.logPurgeCommand(),
	)
	return cmd
}

func (m *Main) supplyCommand(name string, log store.LogName, short string) *cobra.Command {
	var l logFlags
	cmd := &cobra.Command{
		Use: name + " --data DIR --controller OID", Short: short, Args: cobra.NoArgs,
		Example: "  portti log " + name + " --data archive --controller 1.2.246.10.… --client 010181-900C --purpose tarkastuspyynto --by 1234 --by-name \"Anna Arkisto\"\n" +
			"  portti log " + name + " --data archive --controller 1.2.246.10.… --from 2026-01-01 --as jsonl --age-recipient age1… --out log.age --purpose valvonta --by 1234 --by-name \"Anna Arkisto\"",
		RunE: func(cmd *cobra.Command, _ []string) error { return m.supplyLog(cmd.Context(), log, &l) },
	}
	f := cmd.Flags()
	f.String("data", "", "the archive's `DIR`ectory")
	m.masterFlags(f)
	l.flags(f)
	f.StringVar(&l.controller, "controller", "", "`OID` of the controller whose log it is")
	f.StringVar(&l.f.Client, "client", "", clientHelp)
	f.StringVar(&l.f.User, "user", "", "`ID` of the user")
	f.StringVar(&l.f.UserName, "user-name", "", "`NAME` of the user (usage log)")
	f.StringVar(&l.f.DocumentID, "document", "", "`OID` of the document")
	f.StringVar(&l.f.DataController, "data-controller", "", "`OID` of the controller whose data")
	if log == store.DisclosureLog {
		f.StringVar(&l.f.Recipient, "recipient", "", "`OID` or name of the organisation that got the data")
	} else {
		f.StringVar(&l.f.System, "system", "", "`OID` of the system that asked")
		f.StringVar(&l.f.Action, "action", "", "`WORD` of what was done: archive, fetch, search …")
	}
	f.StringVar(&l.from, "from", "", "`TIME` from which on: 2026-01-31 or 2026-01-31T12:00:00+02:00")
	f.StringVar(&l.until, "until", "", "`TIME` before which")
	f.BoolVar(&l.refused, "refused", false, "refused attempts only")
	f.BoolVar(&l.done, "done", false, "deeds done only")
	f.StringVar(&l.as, "as", "text", "form: text, csv or jsonl")
	f.StringVar(&l.out, "out", "", "`FILE` to write to (default the terminal); made for its owner alone")
	f.StringArrayVar(&l.recipients, "age-recipient", nil, "encrypt for this age `RECIPIENT` (age1…); may be repeated")
	f.StringVar(&l.purpose, "purpose", "", "`WORD` why, for the log")
	f.BoolVar(&l.forClient, "for-client", false, "for the client's own request: the last two years unless --from is given (law 703/2023, section 11)")
	return cmd
}

// logArgs are what a supplying is asked with.
type logArgs struct {
	Log        store.LogName   `json:"log"`
	Controller string          `json:"controller"`
	Filter     store.LogFilter `json:"filter"`
	Format     logs.Format     `json:"format"`
	Recipients []string        `json:"recipients,omitempty"`
	By         store.Actor     `json:"by"`
	Purpose    string          `json:"purpose"`
	Now        time.Time       `json:"now"`
}

// runLog supplies entries, in the process that owns the archive.
func runLog(ctx context.Context, a control.Archive, raw json.RawMessage, out io.Writer) error {
	var x logArgs
	if err := json.Unmarshal(raw, &x); err != nil {
		return err
	}
	rs, err := ageRecipients(x.Recipients)
	if err != nil {
		return err
	}
	s := logs.Supply{Log: x.Log, Controller: x.Controller, Filter: x.Filter, Format: x.Format, Recipients: rs, By: x.By, Purpose: x.Purpose, Now: x.Now}
	_, err = s.Write(ctx, a.Store, out)
	return err
}

// supplyLog searches and supplies.
func (m *Main) supplyLog(ctx context.Context, log store.LogName, l *logFlags) error {
	x, err := m.logArgs(log, l)
	if err != nil {
		return err
	}
	out, done, err := m.output(l.out)
	if err != nil {
		return err
	}
	err = m.onArchiveTo(ctx, "log", x, out)
	if e := done(err == nil); err == nil && e != nil {
		err = system(e, "")
	}
	if err == nil {
		fmt.Fprintln(m.Stderr, "portti: the supplying is logged")
		m.hintLaw(l, x)
	}
	return err
}

// logArgs makes what the flags ask for.
func (m *Main) logArgs(log store.LogName, l *logFlags) (*logArgs, error) {
	if err := l.need(); err != nil {
		return nil, err
	}
	if l.controller == "" || l.purpose == "" {
		return nil, usage(errors.New("the log of which controller, and why?"), "add --controller OID --purpose WORD")
	}
	if l.refused && l.done {
		return nil, usage(errors.New("--refused and --done leave nothing"), "give one of them, or none for all")
	}
	if !slices.Contains(logs.Formats, logs.Format(l.as)) {
		return nil, usage(fmt.Errorf("--as %s", l.as), "use text, csv or jsonl")
	}
	if _, err := ageRecipients(l.recipients); err != nil {
		return nil, err
	}
	x := &logArgs{Log: log, Controller: l.controller, Filter: l.f, Format: logs.Format(l.as), Recipients: l.recipients, By: l.actor.actor(), Purpose: l.purpose, Now: m.Now()}
	switch {
	case l.refused:
		x.Filter.Attempts = store.RefusedAttempts
	case l.done:
		x.Filter.Attempts = store.DeedsDone
	}
	var err error
	x.Filter.From, x.Filter.Until, err = l.period()
	if l.forClient && x.Filter.From.IsZero() {
		x.Filter.From = m.Now().AddDate(-2, 0, 0)
	}
	return x, err
}

func ageRecipients(texts []string) ([]age.Recipient, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	rs, err := age.ParseRecipients(strings.NewReader(strings.Join(texts, "\n")))
	if err != nil {
		return nil, usage(err, "an age recipient begins with age1; age-keygen -y prints that of a key")
	}
	return rs, nil
}

// parseMoment reads a day (in Finland) or a time.
func parseMoment(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, s, cda.Helsinki())
	if err != nil {
		return t, usage(fmt.Errorf("%q is no time", s), "write 2026-01-31 or 2026-01-31T12:00:00+02:00")
	}
	return t, nil
}

// period reads --from and --until.
func (l *logFlags) period() (from, until time.Time, err error) {
	if from, err = parseMoment(l.from); err != nil {
		return from, until, err
	}
	if until, err = parseMoment(l.until); err == nil && !from.IsZero() && !until.IsZero() && !from.Before(until) {
		err = usage(fmt.Errorf("nothing lies between --from %s and --until %s", l.from, l.until), "--until is the first moment that no longer counts")
	}
	return from, until, err
}

// output gives where to write: the terminal, or a new file that appears whole.
func (m *Main) output(name string) (w io.Writer, done func(ok bool) error, err error) {
	if name == "" {
		return m.Stdout, func(bool) error { return nil }, nil
	}
	f, err := os.OpenFile(name+".part", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, nil, usage(err, "name another file with --out")
	}
	return f, func(ok bool) error {
		err := errors.Join(f.Sync(), f.Close())
		if !ok || err != nil {
			return errors.Join(err, os.Remove(name+".part"))
		}
		return os.Rename(name+".part", name)
	}, nil
}

// hintLaw tells what section 11 of law 703/2023 says of supplying to a client.
func (m *Main) hintLaw(l *logFlags, s *logArgs) {
	if !l.forClient {
		return
	}
	hint := lawHints[m.config.Lang]
	fmt.Fprintln(m.Stderr, "hint:", hint[0])
	if s.Filter.From.Before(m.Now().AddDate(-2, 0, 0)) {
		fmt.Fprintln(m.Stderr, "hint:", hint[1])
	}
	if len(s.Recipients) == 0 {
		fmt.Fprintln(m.Stderr, "hint:", hint[2])
	}
}

var lawHints = map[string][3]string{
	"fi": {"asiakkaalle annetaan lokitiedot kirjallisesta pyynnöstä, maksutta ja viimeistään kahdessa kuukaudessa; epäämisestä tehdään kirjallinen päätös (703/2023 11 §)",
		"kahta vuotta vanhempia lokitietoja annetaan vain erityisestä syystä (703/2023 11 §)",
		"tiedot eivät ole salattuja: käytä --age-recipient, kun ne lähetetään"},
	"sv": {"klienten får logguppgifter på skriftlig begäran, avgiftsfritt och inom två månader; om vägran fattas ett skriftligt beslut (703/2023 11 §)",
		"logguppgifter äldre än två år ges endast av särskilda skäl (703/2023 11 §)",
		"uppgifterna är inte krypterade: använd --age-recipient när de sänds"},
	"en": {"a client gets log entries on written request, free of charge and within two months; a refusal is a written decision (law 703/2023, section 11)",
		"entries older than two years are given only for a special reason (law 703/2023, section 11)",
		"the entries are not encrypted: use --age-recipient where they are sent"},
}

func (m *Main) logReportCommand() *cobra.Command {
	var l logFlags
	var rules string
	var show bool
	cmd := &cobra.Command{
		Use: "report --data DIR --controller OID", Short: "look for unusual use by the rules of active monitoring", Args: cobra.NoArgs,
		Long:    "Looks through a controller's usage log by the rules of active monitoring (LOG-6).\nThe rules are data: --show prints them, --rules changes thresholds or adds others.",
		Example: "  portti log report --data archive --controller 1.2.246.10.… --from 2026-02-01 --by 1234 --by-name \"Anna Arkisto\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			rs, err := readRules(cmp.Or(rules, m.config.UsageRules))
			if err != nil {
				return err
			}
			if show {
				return m.showRules(rs)
			}
			return m.logReport(cmd.Context(), &l, rs)
		},
	}
	f := cmd.Flags()
	f.String("data", "", "the archive's `DIR`ectory")
	m.masterFlags(f)
	l.flags(f)
	f.StringVar(&l.controller, "controller", "", "`OID` of the controller whose log it is")
	f.StringVar(&l.from, "from", "", "`TIME` from which on")
	f.StringVar(&l.until, "until", "", "`TIME` before which")
	f.StringVar(&rules, "rules", "", "YAML `FILE` of rules, beside the shipped ones (gateway/logs/data/rules.yaml); default usage_rules of the configuration")
	f.BoolVar(&show, "show", false, "print the rules that would be used, in the form of --rules, and look at nothing")
	return cmd
}

// showRules prints rules as a file that --rules takes.
func (m *Main) showRules(rs []logs.Rule) error {
	if m.config.Format == "json" {
		return m.printJSON(rs)
	}
	b, err := logs.WriteRules(rs)
	if err == nil {
		_, err = m.Stdout.Write(b)
	}
	return err
}

func readRules(name string) ([]logs.Rule, error) {
	var file []byte
	if name != "" {
		var err error
		if file, err = os.ReadFile(name); err != nil {
			return nil, usage(err, "")
		}
	}
	rs, err := logs.Rules(file)
	if err != nil {
		return nil, usage(err, "the form is that of gateway/logs/data/rules.yaml")
	}
	return rs, nil
}

func (m *Main) logReport(ctx context.Context, l *logFlags, rs []logs.Rule) error {
	if err := l.need(); err != nil {
		return err
	}
	if l.controller == "" {
		return usage(errors.New("the log of which controller?"), "add --controller OID")
	}
	from, until, err := l.period()
	if err != nil {
		return err
	}
	return m.onArchiveRun(ctx, "log-report", reportArgs{l.controller, rs, from, until, l.actor.actor(), m.Now(), m.config.Format, m.config.lang()})
}

// reportArgs are what a report is asked with.
type reportArgs struct {
	Controller string         `json:"controller"`
	Rules      []logs.Rule    `json:"rules"`
	From       time.Time      `json:"from"`
	Until      time.Time      `json:"until"`
	By         store.Actor    `json:"by"`
	Now        time.Time      `json:"now"`
	Format     string         `json:"format"`
	Lang       catalogue.Lang `json:"lang"`
}

func runLogReport(ctx context.Context, a control.Archive, raw json.RawMessage, out io.Writer) error {
	var x reportArgs
	if err := json.Unmarshal(raw, &x); err != nil {
		return err
	}
	r, err := logs.Watch(ctx, a.Store, x.Controller, x.Rules, x.From, x.Until, x.By, x.Now)
	if err != nil {
		return err
	}
	if x.Format == "json" {
		return json.NewEncoder(out).Encode(r)
	}
	return r.WriteText(out, x.Lang)
}

func (m *Main) logPurgeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "purge --data DIR", Short: "end the retention of log entries: 12 years, of the message log 30 days", Args: cobra.NoArgs,
		Long: "Removes log entries whose retention has ended. What must be kept cannot be removed, and each\n" +
			"purge leaves its record. portti serve does the same by itself once a day.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return m.onArchiveRun(cmd.Context(), "log-purge", nil)
		},
	}
	return m.onArchive(cmd)
}

func runLogPurge(ctx context.Context, a control.Archive, _ json.RawMessage, out io.Writer) error {
	for _, log := range store.LogNames {
		n, err := a.Store.Purge(ctx, log, time.Now()) // at most what the archive's own clock allows
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s log: %d rows removed\n", log, n)
	}
	return nil
}
