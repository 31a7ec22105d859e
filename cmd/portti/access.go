package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"portti/cda"
	"portti/cda/frame"
	"portti/cda/organisations"
	"portti/gateway/access"
	"portti/gateway/pipeline"
	"portti/store"

	"github.com/spf13/cobra"
)

func (m *Main) accessCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "access", Short: "who may see or store what, and why; informing, registry-use rights",
		Long: "What the archive knows of a client (relationships, cases, registry-use rights,\n" +
			"permission, prohibitions, informing), and what follows from it. Beside a running\n" +
			"gateway they go through its socket, and what they record counts at once.",
	}
	cmd.AddCommand(m.accessExplain(), m.accessState(), m.accessInform(), m.accessRight(store.OrderSuspend), m.accessRight(store.OrderResume))
	for _, c := range cmd.Commands() {
		c.Flags().String("data", "", "the archive's `DIR`ectory")
	}
	return cmd
}

// asked are the flags that tell who asks.
type asked struct {
	client, document, at               string
	organisation, unit, as, use        string
	specialReason, wideSearch          string
	profile                            string
	tasks, serviceTasks, services      []string
	public, strong, nullified, storing bool
}

// clientHelp tells how a client is named: as cda.ID.PersonKey gives it.
const clientHelp = "`ID` of the client: identity code, or \"ROOT ID\" of a temporary one"

func (a *asked) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&a.client, "client", "", clientHelp+" (default: the document's)")
	f.StringVar(&a.document, "document", "", "`OID` of the document")
	f.StringVar(&a.at, "at", "", "`TIME` of the question: a date, or RFC 3339 (default now)")
	f.String("access-settings", "", "`FILE` of settings: closing delays, calendar, codes")
	f.StringVar(&a.organisation, "organisation", "", "`OID` of the requester's organisation (default: by the unit)")
	f.StringVar(&a.unit, "unit", "", "`OID` of the service unit that the user works in")
	f.StringVar(&a.as, "as", "professional", "who looks: `WHO` is professional, client or guardian")
	f.StringVar(&a.use, "use", "any", "use situation: `USE` is any, own, right or disclosure")
	f.StringVar(&a.specialReason, "special-reason", "", "`CODE` of the special reason")
	f.StringVar(&a.wideSearch, "wide-search", "", "`CODE` of the ground of a wide search (1299)")
	f.StringVar(&a.profile, "system-profile", "", "the system's `PROFILE`: connecting, storing, viewing or archiving")
	f.StringSliceVar(&a.tasks, "work-task", nil, "the professional's work `TASK` (decree 457/2024), such as arranging")
	f.StringSliceVar(&a.serviceTasks, "service-task", nil, "service task `CODE` (1221) that the professional works in")
	f.StringSliceVar(&a.services, "service", nil, "social service `CODE` (1222) that the professional works in")
	f.BoolVar(&a.public, "public", false, "the organisation is an authority (default: by the register of organisations)")
	f.BoolVar(&a.strong, "strong", false, "the user is strongly authenticated")
	f.BoolVar(&a.nullified, "nullified", false, "nullified documents are asked for too")
	f.BoolVar(&a.storing, "store", false, "may the requester store into the document's register?")
}

var (
	audienceWords = map[string]access.Audience{"professional": access.Professional, "client": access.Citizen, "guardian": access.Guardian}
	useWords      = map[string]access.Use{"any": access.AnyUse, "own": access.OwnUse, "right": access.ForOrganiser, "disclosure": access.Disclosed}
)

// requester gives who asks by flags and register.
func (a *asked) requester(d *organisations.Directory) (access.Requester, error) {
	audience, ok := audienceWords[a.as]
	if !ok {
		return access.Requester{}, usage(fmt.Errorf("--as is %q", a.as), "professional, client or guardian")
	}
	use, ok := useWords[a.use]
	if !ok {
		return access.Requester{}, usage(fmt.Errorf("--use is %q", a.use), "any, own, right or disclosure")
	}
	q := access.Requester{
		Audience: audience, Organisation: a.organisation, Unit: a.unit, Public: a.public, Profile: access.Profile(a.profile),
		ServiceTasks: a.serviceTasks, Services: a.services, Use: use, SpecialReason: a.specialReason, WideSearch: a.wideSearch,
		Strong: a.strong, Nullified: a.nullified,
	}
	for _, t := range a.tasks {
		if !access.WorkTasks().Knows(access.WorkTask(t)) {
			return q, usage(fmt.Errorf("--work-task is %q", t), "one of "+strings.Join(access.WorkTasks().Names(), ", "))
		}
		q.Tasks = append(q.Tasks, access.WorkTask(t))
	}
	if q.Organisation == "" && a.unit != "" {
		q.Organisation = d.Organisation(a.unit)
	}
	if s, o := d.Find(q.Organisation, time.Time{}); s == organisations.Known {
		q.Public = q.Public || o.Sector == organisations.Public
	}
	return q, nil
}

// moment reads --at.
func (m *Main) moment(s string) (time.Time, error) {
	if s == "" {
		return m.Now(), nil
	}
	for _, f := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.ParseInLocation(f, s, cda.Helsinki()); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usage(fmt.Errorf("%q is no time", s), "such as 2026-03-02 or 2026-03-02T12:00:00+02:00")
}

// accessSettings reads a file of settings; none gives those of the running gateway,
// or the defaults.
func (m *Main) accessSettings(file string) (access.Settings, error) {
	switch {
	case file == "" && m.settings != nil:
		return *m.settings, nil
	case file == "":
		return access.Settings{}, nil
	}
	s, err := access.LoadSettings(file)
	if err != nil {
		return s, usage(err, "closing_delay, closing_delay_by_controller, calendar, codes")
	}
	return s, nil
}

// engine decides with the state in an open archive.
func (m *Main) engine(ctx context.Context, st *store.Store, settings string) (*access.Engine, *organisations.Directory, error) {
	chosen, err := m.accessSettings(settings)
	if err != nil {
		return nil, nil, err
	}
	e := &access.Engine{State: st, Settings: chosen}
	o := new(pipeline.Organisations)
	if err := o.LoadOrganisations(ctx, st); err != nil {
		return nil, nil, err
	}
	pipeline.NewStateAccess(pipeline.KnownAccess{Organisations: o}, e)
	return e, o.Directory(), nil
}

func (m *Main) accessExplain() *cobra.Command {
	var a asked
	cmd := &cobra.Command{
		Use: "explain --data DIR --document OID", Short: "why a document would or would not be given, or stored",
		Long: "Asks what a query would ask, with the state that the archive has: each question,\n" +
			"what was found, the requirement and the law. Exit code 0 where the document would\n" +
			"be given, 1 where not. Nothing is logged as use: nothing is shown of the document.",
		Example: "  portti access explain --data archive --document 1.2.246.10.99999901.95901.2026.1.310 \\\n" +
			"    --unit 1.2.246.10.99999911.10.201 --strong --special-reason 1",
		Args: cobra.NoArgs,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if a.document == "" {
			return usage(errors.New("whose document is missing"), "add --document OID")
		}
		return m.inArchive(cmd.Context(), false, func(st *store.Store) error {
			d, err := m.decide(cmd.Context(), st, &a)
			if err != nil {
				return err
			}
			return m.tellDecision(&d)
		})
	}
	a.flags(cmd)
	return cmd
}

func (m *Main) tellDecision(d *access.Decision) (err error) {
	if m.config.Format == "json" {
		err = m.printJSON(d.Explain(m.config.lang()))
	} else {
		_, err = fmt.Fprint(m.Stdout, d.Text(m.config.lang()))
	}
	if err == nil && d.Outcome != access.Given {
		return errInvalid
	}
	return err
}

// decide asks about one document of an open archive.
func (m *Main) decide(ctx context.Context, st *store.Store, a *asked) (none access.Decision, err error) {
	e, directory, err := m.engine(ctx, st, m.config.AccessSettings)
	if err != nil {
		return none, err
	}
	at, err := m.moment(a.at)
	if err != nil {
		return none, err
	}
	q, err := a.requester(directory)
	if err != nil {
		return none, err
	}
	hits, err := st.Lookup(ctx, store.Scope{All: true, Purpose: "explain"}, []string{a.document}, store.Filter{Earlier: true, Nullified: true})
	if err != nil {
		return none, err
	}
	if len(hits) == 0 {
		return none, usage(fmt.Errorf("no document %s in the archive", a.document), "--document takes the id of one version")
	}
	s, err := frame.ReadSummary(hits[0].Index.Summary)
	if err != nil {
		return none, system(err, "")
	}
	client := a.client
	if client == "" && len(s.Clients) > 0 {
		client = s.Clients[0].Key()
	}
	d := access.DocumentOf(&hits[0], firstCode(s.MinorConsents), restriction(&s))
	if a.storing {
		return e.Storing(ctx, []string{client}, at, q, d)
	}
	asking, err := e.Client(ctx, client, at, q)
	if err != nil {
		return none, err
	}
	return asking.Document(d), nil
}

func firstCode(codes []string) string {
	if len(codes) == 0 {
		return ""
	}
	return codes[0]
}

func restriction(s *frame.Summary) string {
	if s.Local == nil {
		return ""
	}
	return s.Local.Restriction.Code
}

func (m *Main) accessState() *cobra.Command {
	var client, at string
	cmd := &cobra.Command{
		Use: "state --data DIR --client ID", Short: "a client's units, registry-use rights, informing, permission and prohibitions", Args: cobra.NoArgs,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if client == "" {
			return usage(errors.New("whose state is missing"), "add --client ID")
		}
		return m.inArchive(cmd.Context(), false, func(st *store.Store) error {
			e, _, err := m.engine(cmd.Context(), st, m.config.AccessSettings)
			if err != nil {
				return err
			}
			t, err := m.moment(at)
			if err != nil {
				return err
			}
			a, err := e.Client(cmd.Context(), client, t, access.Requester{})
			if err != nil {
				return err
			}
			if m.config.Format == "json" {
				return m.printJSON(a.Known())
			}
			return m.tellState(a.Known())
		})
	}
	cmd.Flags().StringVar(&client, "client", "", clientHelp)
	cmd.Flags().StringVar(&at, "at", "", "`TIME` of the question (default now)")
	cmd.Flags().String("access-settings", "", "`FILE` of settings")
	return cmd
}

// tellState lists a client's state, one fact a line.
func (m *Main) tellState(s access.Known) error {
	w := tabwriter.NewWriter(m.Stdout, 0, 4, 2, ' ', 0)
	day := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return t.In(cda.Helsinki()).Format("2006-01-02 15:04")
	}
	fmt.Fprintf(w, "informed\t%s\n", day(s.Informed))
	if p := s.Permission; p != nil {
		fmt.Fprintf(w, "permission\t%s\t%s\n", map[bool]string{true: "given", false: "denied: all data prohibited"}[p.Positive], p.ID)
	}
	for _, p := range s.Prohibitions {
		fmt.Fprintf(w, "prohibition\t%s\t%s\t%s\n", p.Level, p.Target, p.ID)
	}
	for _, u := range s.Units {
		fmt.Fprintf(w, "unit\t%s\ttask %s\torganiser %s\t%s – %s\n", u.Unit, cmp.Or(u.Task, "-"), u.Organiser, day(u.From), day(u.Until))
	}
	for _, r := range s.Rights {
		fmt.Fprintf(w, "right\t%s\ttask %s\torganiser %s\t%s – %s\t%s\t%d open cases\n", r.Unit, r.Task, r.Organiser, day(r.From), day(r.Until), r.Status, len(r.Cases))
	}
	return w.Flush()
}

func (m *Main) accessInform() *cobra.Command {
	o := store.Order{Kind: store.OrderInform}
	var at string
	cmd := &cobra.Command{
		Use: "inform --data DIR --client ID --recorder OID", Short: "records that a client was informed (Kanta-informointi)",
		Long: "The informing is no document of this archive; it is recorded by date and\n" +
			"recorder, here or by a message (service request SP931). A permission has effect\n" +
			"only after it.", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return m.putOrder(cmd.Context(), &o, at) },
	}
	m.orderFlags(cmd, &o, &at)
	return cmd
}

func (m *Main) accessRight(kind string) *cobra.Command {
	o := store.Order{Kind: kind}
	var at string
	cmd := &cobra.Command{
		Use: kind + " --data DIR --client ID --organiser OID --recorder OID", Args: cobra.NoArgs,
		Short: map[string]string{store.OrderSuspend: "suspends a registry-use right", store.OrderResume: "lets a suspended registry-use right go on"}[kind],
		RunE:  func(cmd *cobra.Command, _ []string) error { return m.putOrder(cmd.Context(), &o, at) },
	}
	f := cmd.Flags()
	f.StringVar(&o.Organiser, "organiser", "", "`OID` of the organiser whose register it is")
	f.StringVar(&o.Task, "task", "", "`CODE` of the service task (default every one)")
	f.StringVar(&o.Unit, "unit", "", "`OID` of the provider's unit (default every one)")
	f.StringVar(&o.Reason, "reason", "", "`TEXT` that says why")
	m.orderFlags(cmd, &o, &at)
	return cmd
}

func (m *Main) orderFlags(cmd *cobra.Command, o *store.Order, at *string) {
	f := cmd.Flags()
	f.StringVar(&o.Client, "client", "", clientHelp)
	f.StringVar(&o.Recorder, "recorder", "", "`OID` of the organisation that records it")
	f.StringVar(at, "at", "", "the `TIME` of it (default now)")
	m.byFlag(cmd, &o.User)
}

func (m *Main) putOrder(ctx context.Context, o *store.Order, at string) (err error) {
	if o.Client == "" || o.Recorder == "" {
		return usage(errors.New("client or recorder is missing"), "add --client ID and --recorder OID")
	}
	if o.At, err = m.moment(at); err != nil {
		return err
	}
	if o.Kind == store.OrderInform && o.At.After(m.Now()) {
		return usage(errors.New("the informing lies in the future"), "--at takes the day on which the client was informed")
	}
	return m.inArchive(ctx, false, func(st *store.Store) error {
		if err := st.PutOrder(ctx, *o); err != nil {
			return err
		}
		_, err := fmt.Fprintf(m.Stdout, "recorded: %s, %s\n", o.Kind, o.At.In(cda.Helsinki()).Format(time.DateOnly))
		return err
	})
}
