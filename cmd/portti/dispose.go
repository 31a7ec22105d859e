package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"portti/gateway/control"
	"portti/store"
	"portti/store/retention"

	"github.com/spf13/cobra"
)

// lifeCommands are the archive's duties about the life of data.
func (m *Main) lifeCommands() []*cobra.Command {
	return []*cobra.Command{m.disposeCommand(), m.holdCommand(), m.eventCommand(), m.statsCommand()}
}

// disposeArgs are what a disposal is asked with: a plan to make, or one to apply.
type disposeArgs struct {
	Controller string      `json:"controller,omitempty"`
	Rules      []byte      `json:"rules,omitempty"`
	Plan       []byte      `json:"plan,omitempty"`
	Hash       string      `json:"hash,omitempty"`
	By         store.Actor `json:"by"`
	Second     store.Actor `json:"second"`
	Now        time.Time   `json:"now"`
}

func (m *Main) disposeCommand() *cobra.Command {
	var by, second actor
	var plan, apply, controller, hash, rules string
	cmd := &cobra.Command{
		Use: "dispose --data DIR --plan FILE | --apply FILE", Short: "dispose of documents whose retention has ended, by a reviewed plan", Args: cobra.NoArgs,
		Long: "Disposal (hävittäminen) has two steps. --plan writes what is due now and not held into a file, prints its\n" +
			"hash and how it stands with all the rest, and changes nothing. After the review, --apply takes that file,\n" +
			"its hash and the two people who answer for it: content, index and keys are destroyed for good; a tombstone,\n" +
			"its log row and its proof stay. What has since been held, or is due no longer, stays too (exit code 1).",
		Example: "  portti archive dispose --data archive --controller 1.2.246.10.… --plan plan.jsonl\n" +
			"  portti archive dispose --data archive --apply plan.jsonl --hash 9f86… --by 1234 --by-name \"Anna Arkisto\" --second 5678 --second-name \"Berta Tarkastaja\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			args := disposeArgs{Controller: controller, Hash: hash, By: by.actor(), Second: second.actor(), Now: m.Now()}
			var err error
			if rules != "" {
				if args.Rules, err = os.ReadFile(rules); err != nil {
					return usage(err, "--rules takes a file in the form of store/retention/data/annex.yaml")
				}
			}
			if _, err := retention.Load(args.Rules); err != nil {
				return usage(err, "the form is that of store/retention/data/annex.yaml")
			}
			switch {
			case (plan == "") == (apply == ""):
				return usage(errors.New("either --plan or --apply"), "make a plan first, review it, then apply it")
			case plan != "":
				return m.planDisposal(cmd.Context(), plan, args)
			}
			if args.Plan, err = os.ReadFile(apply); err != nil {
				return usage(err, "")
			}
			return m.onArchiveRun(cmd.Context(), "dispose-apply", args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&plan, "plan", "", "write the plan to this `FILE`")
	f.StringVar(&apply, "apply", "", "carry out the plan in this `FILE`")
	f.StringVar(&controller, "controller", "", "`OID` of the controller whose documents are planned for")
	f.StringVar(&hash, "hash", "", "`HASH` of the plan that was reviewed")
	f.StringVar(&rules, "rules", "", "YAML `FILE` of retention rules, beside the shipped annex")
	by.flags(f)
	f.StringVar(&second.id, "second", "", "`ID` of the second person who answers for it")
	f.StringVar(&second.name, "second-name", "", "`NAME` of the second person")
	return m.onArchive(cmd)
}

// planned is how a plan comes out of the process that owns the archive.
type planned struct {
	Plan    []byte             `json:"plan"`
	Summary *retention.Summary `json:"summary"`
}

func runDisposePlan(ctx context.Context, a control.Archive, raw json.RawMessage, out io.Writer) error {
	var x disposeArgs
	if err := json.Unmarshal(raw, &x); err != nil {
		return err
	}
	p, err := retention.Load(x.Rules)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	s, err := retention.Plan(ctx, a.Store, p, x.Controller, x.Now, &b)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(planned{b.Bytes(), s})
}

func (m *Main) planDisposal(ctx context.Context, file string, args disposeArgs) error {
	if args.Controller == "" {
		return usage(errors.New("a plan is of one controller"), "add --controller OID")
	}
	var b bytes.Buffer
	if err := m.onArchiveTo(ctx, "dispose-plan", args, &b); err != nil {
		return err
	}
	var p planned
	if err := json.Unmarshal(b.Bytes(), &p); err != nil {
		return system(err, "")
	}
	if err := os.WriteFile(file, p.Plan, 0o600); err != nil {
		return usage(err, "name another file with --plan")
	}
	if m.config.Format == "json" {
		return json.NewEncoder(m.Stdout).Encode(p.Summary)
	}
	s := p.Summary
	fmt.Fprintf(m.Stdout, "planned: %d document versions\nhash:    %s\n", s.Planned, s.Hash)
	for _, r := range slices.Sorted(maps.Keys(s.Rules)) {
		fmt.Fprintf(m.Stdout, "  %-24s %d\n", r, s.Rules[r])
	}
	fmt.Fprintln(m.Stdout, "all documents, by how it stands with them:")
	for _, r := range slices.Sorted(maps.Keys(s.Reasons)) {
		fmt.Fprintf(m.Stdout, "  %-24s %d\n", r, s.Reasons[r])
	}
	for _, id := range s.Permanent {
		fmt.Fprintln(m.Stdout, "class says permanently:", id)
	}
	return nil
}

func runDisposeApply(ctx context.Context, a control.Archive, raw json.RawMessage, out io.Writer) error {
	var x disposeArgs
	if err := json.Unmarshal(raw, &x); err != nil {
		return err
	}
	p, err := retention.Load(x.Rules)
	if err != nil {
		return err
	}
	done, err := retention.Apply(ctx, a.Store, p, x.Plan, x.Hash, x.By, x.Second, x.Now)
	if done != nil {
		for _, o := range slices.Sorted(maps.Keys(done.Outcomes)) {
			fmt.Fprintf(out, "%s: %d\n", o, done.Outcomes[o])
		}
		for _, l := range done.Left {
			fmt.Fprintf(out, "left %s: %s\n", l.ID, l.Outcome)
		}
	}
	for _, theirs := range []error{retention.ErrHash, retention.ErrPlan, retention.ErrStale} {
		if errors.Is(err, theirs) {
			return &store.Error{Kind: store.ErrInput, Op: "dispose", Err: err, Hint: "make a plan with --plan, review it, and apply it with the hash that was printed"}
		}
	}
	if err == nil {
		// What was disposed of stands in no file any more, and the replay list knows of it.
		err = errors.Join(a.Store.ForgetWAL(ctx), a.Store.Relist(ctx))
	}
	if err == nil && len(done.Left) > 0 {
		return control.ErrFindings
	}
	return err
}

// holdArgs are what a hold is set, listed or released with.
type holdArgs struct {
	Do          string     `json:"do"`
	Hold        store.Hold `json:"hold"`
	Controllers []string   `json:"controllers"`
	Format      string     `json:"format"`
}

func (m *Main) holdCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "hold", Short: "legal holds: add, list, release",
		Long: "While a legal hold is in force nothing it covers is disposed of: a document, a version series, a case, a client's\n" +
			"documents, or all documents of a controller."}
	for _, do := range []string{"add", "list", "release"} {
		cmd.AddCommand(m.holdDo(do))
	}
	return cmd
}

func (m *Main) holdDo(do string) *cobra.Command {
	var by actor
	x := holdArgs{Do: do}
	h := &x.Hold
	subjects := map[string]*string{}
	cmd := &cobra.Command{
		Use: do + " --data DIR --controller OID", Short: map[string]string{"add": "set a hold", "list": "every hold, those released too", "release": "end a hold"}[do], Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if h.Controller == "" {
				return usage(errors.New("holds are of one controller"), "add --controller OID")
			}
			if do != "list" {
				if err := by.need(); err != nil {
					return err
				}
			}
			for kind, v := range subjects {
				if *v != "" && h.Kind == "" {
					h.Kind, h.Subject = kind, *v
				}
			}
			if do == "add" {
				h.Kind = cmp.Or(h.Kind, "controller")
			}
			h.By, x.Controllers, x.Format = by.actor(), []string{h.Controller}, m.config.Format
			return m.onArchiveRun(cmd.Context(), "hold", x)
		},
	}
	f := cmd.Flags()
	f.StringVar(&h.Controller, "controller", "", "`OID` of the controller")
	if do != "list" {
		by.flags(f)
		f.StringVar(&h.Reason, "reason", "", "`TEXT`: why")
	}
	switch do {
	case "add":
		for _, kind := range []string{"document", "series", "case", "client"} {
			subjects[kind] = f.String(kind, "", "`ID` of the "+kind+" it covers; without any, all of the controller's")
		}
	case "release":
		f.Int64Var(&h.Seq, "hold", 0, "`NUMBER` of the hold")
	}
	return m.onArchive(cmd)
}

func runHold(ctx context.Context, a control.Archive, raw json.RawMessage, out io.Writer) error {
	var x holdArgs
	if err := json.Unmarshal(raw, &x); err != nil {
		return err
	}
	h := x.Hold
	sc := store.Scope{Controllers: x.Controllers, Purpose: "hold"}
	u := store.Usage{DataController: h.Controller, LogController: h.Controller, User: h.By.ID, UserName: h.By.Name, System: "portti", Purpose: "archive"}
	switch x.Do {
	case "add":
		u.Action = "hold"
		n, err := a.Store.AddHold(ctx, h, u)
		if err == nil {
			fmt.Fprintf(out, "hold %d is in force\n", n)
		}
		return err
	case "release":
		u.Action = "hold-release"
		err := a.Store.ReleaseHold(ctx, sc, h.Seq, h.By, h.Reason, u)
		if err == nil {
			fmt.Fprintf(out, "hold %d is released\n", h.Seq)
		}
		return err
	}
	hs, err := a.Store.Holds(ctx, sc)
	if err != nil {
		return err
	}
	if x.Format == "json" {
		enc := json.NewEncoder(out)
		for _, h := range hs {
			if err := enc.Encode(h); err != nil {
				return err
			}
		}
		return nil
	}
	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, h := range hs {
		state := "in force"
		if !h.Released.IsZero() {
			state = "released " + h.Released.Format(time.DateOnly)
		}
		fmt.Fprintf(tw, "%d\t%s\t%s\t%s\t%s\t%s\n", h.Seq, h.Kind, cmp.Or(h.Subject, h.Controller), h.At.Format(time.DateOnly), state, h.Reason)
	}
	return tw.Flush()
}

func (m *Main) eventCommand() *cobra.Command {
	var by actor
	var e store.Event
	var kind, on string
	var withdraw bool
	cmd := &cobra.Command{
		Use: "event --data DIR --controller OID --kind KIND --subject ID --on DAY", Short: "record what starts a retention period: a death, the end of a decision …", Args: cobra.NoArgs,
		Long: "Retention periods run from events. The closing of cases and births are taken from documents; the rest is recorded\n" +
			"here: death and need-ended (a client), decision-end (a version series), and, where no document tells them,\n" +
			"case-closed and birth. What is recorded last counts; --withdraw takes an event back.",
		Example: "  portti archive event --data archive --controller 1.2.246.10.… --kind death --subject 010181-900C --on 2026-02-01 --source \"Väestötietojärjestelmä\" --by 1234 --by-name \"Anna Arkisto\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := by.need(); err != nil {
				return err
			}
			if e.Kind = store.EventKind(kind); !slices.Contains(store.EventKinds, e.Kind) {
				return usage(fmt.Errorf("event %q", kind), fmt.Sprintf("use one of %v", store.EventKinds))
			}
			if e.Controller == "" || e.Subject == "" || (on == "") != withdraw {
				return usage(errors.New("whose event, and when?"), "add --controller OID --subject ID, and --on DAY or --withdraw")
			}
			if !withdraw {
				day, err := time.Parse(time.DateOnly, on)
				if err != nil {
					return usage(fmt.Errorf("%q is no day", on), "write 2026-01-31")
				}
				if day.After(m.Now()) && e.Kind != store.DecisionEnd {
					return usage(errors.New("the day is in the future"), "record what has happened")
				}
				e.Day = day
			}
			e.By = by.actor()
			return m.onArchiveRun(cmd.Context(), "event", e)
		},
	}
	f := cmd.Flags()
	f.StringVar(&e.Controller, "controller", "", "`OID` of the controller")
	f.StringVar(&kind, "kind", "", "`KIND`: case-closed, death, birth, decision-end or need-ended")
	f.StringVar(&e.Subject, "subject", "", "`ID`: the case, the client (identity code, or \"ROOT ID\" of a temporary one), or the decision's first version")
	f.StringVar(&on, "on", "", "`DAY` of the event")
	f.BoolVar(&withdraw, "withdraw", false, "take back what was recorded")
	f.StringVar(&e.Source, "source", "", "`TEXT`: where it is known from")
	by.flags(f)
	return m.onArchive(cmd)
}

func runEvent(ctx context.Context, a control.Archive, raw json.RawMessage, out io.Writer) error {
	var e store.Event
	if err := json.Unmarshal(raw, &e); err != nil {
		return err
	}
	u := store.Usage{DataController: e.Controller, LogController: e.Controller, User: e.By.ID, UserName: e.By.Name, System: "portti",
		Action: "event", Purpose: string(e.Kind)}
	switch e.Kind {
	case store.Death, store.Birth, store.NeedEnded:
		u.Client = e.Subject
	case store.DecisionEnd:
		u.DocumentID = e.Subject
	}
	err := a.Store.RecordEvents(ctx, []store.Event{e}, []store.Usage{u})
	if err == nil {
		fmt.Fprintln(out, "recorded")
	}
	return err
}

func (m *Main) statsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "stats --data DIR", Short: "statistics without personal data", Args: cobra.NoArgs,
		Long: "Numbers of documents and of log entries by controller, document group and month, for planning (ARK-14). They hold no\n" +
			"personal data, and numbers below 5 are told as \"<5\".",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return m.onArchiveRun(cmd.Context(), "stats", formatArgs{m.config.Format})
		},
	}
	return m.onArchive(cmd)
}

func runStats(ctx context.Context, a control.Archive, raw json.RawMessage, out io.Writer) error {
	var x formatArgs
	if err := json.Unmarshal(raw, &x); err != nil {
		return err
	}
	s, err := a.Store.Statistics(ctx, store.Scope{All: true, Purpose: "statistics"})
	if err != nil {
		return err
	}
	if x.Format == "json" {
		return json.NewEncoder(out).Encode(s)
	}
	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, l := range s.Lines {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\n", l.What, l.Controller, l.Group, l.Month, l.Count)
	}
	return tw.Flush()
}
