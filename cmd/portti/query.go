package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"portti/cda"
	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/gateway/pipeline"
	"portti/internal/xmltree"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// queryKind is one kind of query: a subcommand.
type queryKind struct {
	name, alias, short, request string
	operation                   interactions.Operation
}

// queryKinds are the use cases 7 to 11 of kanta-interface 2.2, a client's will (ARK-8)
// and the status of messages (SEC-2).
var queryKinds = []queryKind{
	{"metadata", "metatiedot", "documents' metadata", "SP921", interactions.QueryMetadata},
	{"documents", "asiakirjat", "documents, saved with --save", "SP922", interactions.QueryDocument},
	{"relationship", "asiakkuus", "a client's relationship documents", "SP923", interactions.QueryDocument},
	{"case", "asia", "case documents", "SP924", interactions.QueryDocument},
	{"summary", "kooste", "a client's summary: all that is in force, relationships and cases with their documents", "SP925", interactions.QueryDocument},
	{"will", "tahto", "a client's will: informing, permission and prohibitions in force", "SP927", interactions.QueryWill},
	{"status", "tila", "what became of messages and documents", "SP926", interactions.QueryStatus},
}

// queryOptions are the flags of a query.
type queryOptions struct {
	frameOptions
	to, client, clientRoot, situation, save string
	files                                   clientTLS
	texts                                   map[interactions.Field]*[]string
	from, until, arrivedFrom, arrivedUntil  string
	earlier, nullified, first               bool
	quantity                                int
}

// queryFlags are the flags whose values are texts.
var queryFlags = []struct {
	field      interactions.Field
	name, what string
}{
	{interactions.FieldDocument, "document", "document `OID`"},
	{interactions.FieldSeries, "series", "`OID` of a version series (setId)"},
	{interactions.FieldCase, "case", "`OID` of a case (asiatunnus)"},
	{interactions.FieldRelationship, "relationship", "`OID` of a client relationship"},
	{interactions.FieldController, "controller", "controller `OID`"},
	{interactions.FieldRegister, "register", "register `CODE` (1264)"},
	{interactions.FieldGroup, "group", "document group `CODE` (1505)"},
	{interactions.FieldGeneralType, "type", "general document type `CODE` (1506)"},
	{interactions.FieldSpecificType, "specific-type", "specific document type `CODE` (1506)"},
	{interactions.FieldTask, "task", "service task `CODE` (1221)"},
	{interactions.FieldProcess, "process", "service process `CODE` (1277)"},
	{interactions.FieldUnit, "unit", "service unit `OID`"},
	{interactions.FieldMessage, "message", "message `ID` as ROOT or ROOT:EXTENSION (status)"},
	{interactions.FieldGround, "ground", "ground of a wide search `CODE` (1299)"},
	{interactions.FieldSpecialReason, "special-reason", "special reason `CODE`"},
	{interactions.FieldUserTask, "user-task", "the user's work task `CODE`"},
	{interactions.FieldAuthentication, "authentication", "how the user was identified `CODE` (card)"},
}

func (o *queryOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.to, "to", "", "`URL` of the SOAP door")
	f.StringVar(&o.client, "client", "", "identity code or temporary `ID` of the client")
	f.StringVar(&o.clientRoot, "client-root", cda.RootHetu, "root `OID` of --client")
	o.texts = map[interactions.Field]*[]string{}
	for _, q := range queryFlags {
		o.texts[q.field] = f.StringSlice(q.name, nil, q.what)
	}
	f.StringVar(&o.from, "from", "", "written from this `DAY` (2026-01-31)")
	f.StringVar(&o.until, "until", "", "written until this `DAY`, included")
	f.StringVar(&o.arrivedFrom, "arrived-from", "", "archived from this `DAY`")
	f.StringVar(&o.arrivedUntil, "arrived-until", "", "archived until this `DAY`, included")
	f.BoolVar(&o.earlier, "all-versions", false, "replaced versions too")
	f.BoolVar(&o.nullified, "nullified", false, "nullified documents too")
	f.IntVar(&o.quantity, "quantity", 0, "how many documents a part of the answer may hold")
	f.BoolVar(&o.first, "first", false, "only the first part of a long answer")
	f.StringVar(&o.situation, "situation", "1", "use situation `CODE` (1289)")
	f.StringVar(&o.save, "save", "", "`FOLDER` to save documents and attachments in")
	f.StringVar(&o.sender, "sender", "", "`OID` of the sending system")
	f.StringVar(&o.user, "user", "", "`ID` of the user")
	f.StringVar(&o.userRoot, "user-root", cda.RootHetu, "root `OID` of --user")
	f.StringVar(&o.userName, "user-name", "", "`NAME` of --user, family name last")
	f.StringVar(&o.organisation, "user-organisation", "", "`OID` of the user's unit (default: --sender)")
	o.files.flags(f)
}

func (m *Main) queryCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "query", Short: "metadata and document queries as a client", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	for _, k := range queryKinds {
		var o queryOptions
		sub := &cobra.Command{
			Use: k.name + " --to URL --sender OID --user ID --user-name NAME", Aliases: []string{k.alias}, Short: k.short, Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error { return m.runQuery(cmd.Context(), k, &o) },
		}
		o.flags(sub.Flags())
		cmd.AddCommand(sub)
	}
	return cmd
}

func (m *Main) runQuery(ctx context.Context, k queryKind, o *queryOptions) error {
	if o.to == "" || o.sender == "" || o.user == "" {
		return usage(errors.New("query needs --to URL, --sender OID and --user ID"), "who asks stands in the usage log")
	}
	params, err := o.params()
	if err != nil {
		return err
	}
	c, err := newArchiveClient(o.to, o.files)
	if err != nil {
		return usage(err, "")
	}
	ask := m.asking(k, o)
	ask.Params = params
	return m.askAll(ctx, c, ask, o)
}

// asking begins the query's frame.
func (m *Main) asking(k queryKind, o *queryOptions) frame.Ask {
	organisation := o.organisation
	if organisation == "" {
		organisation = o.sender
	}
	now := m.Now()
	code := "" // D
	if pipeline.World(m.config.World) == pipeline.Production {
		code = "P"
	}
	return frame.Ask{
		Quantity: o.quantity,
		Options: frame.Options{
			MessageID:    cda.ID{Root: o.sender, Extension: messageNumber(now, 0)},
			CreationTime: now, ProcessingCode: code, Sender: o.sender, Operation: k.operation, ServiceRequest: k.request, UseSituation: o.situation,
			User: frame.User{
				ID: cda.ID{Root: o.userRoot, Extension: o.user}, Name: personName(o.userName),
				Organization: cda.Organization{ID: cda.ID{Root: organisation}},
			},
		},
	}
}

// params turns the flags into parameters.
func (o *queryOptions) params() ([]frame.AskParam, error) {
	var out []frame.AskParam
	if o.client != "" {
		out = append(out, frame.AskParam{Field: interactions.FieldClient, Root: o.clientRoot, Value: o.client})
	}
	for _, q := range queryFlags {
		for _, v := range *o.texts[q.field] {
			p := frame.AskParam{Field: q.field, Value: v}
			if root, extension, ok := strings.Cut(v, ":"); ok && q.field == interactions.FieldMessage {
				p.Root, p.Value = root, extension
			}
			out = append(out, p)
		}
	}
	for _, s := range []struct {
		field       interactions.Field
		from, until string
	}{{interactions.FieldEffective, o.from, o.until}, {interactions.FieldArrived, o.arrivedFrom, o.arrivedUntil}} {
		p, err := spanParam(s.field, s.from, s.until)
		if err != nil {
			return nil, err
		}
		if p != nil {
			out = append(out, *p)
		}
	}
	if o.earlier {
		out = append(out, frame.AskParam{Field: interactions.FieldNewest})
	}
	if o.nullified {
		out = append(out, frame.AskParam{Field: interactions.FieldNullified, Flag: true})
	}
	return out, nil
}

// spanParam reads two days; nil where neither is given.
func spanParam(field interactions.Field, from, until string) (*frame.AskParam, error) {
	p := frame.AskParam{Field: field}
	for _, d := range []struct {
		text string
		to   *time.Time
		days int
	}{{from, &p.From, 0}, {until, &p.Until, 1}} {
		if d.text == "" {
			continue
		}
		day, err := time.ParseInLocation(time.DateOnly, d.text, cda.Helsinki())
		if err != nil {
			return nil, usage(fmt.Errorf("%q is no day", d.text), "write days as 2026-01-31")
		}
		*d.to = day.AddDate(0, 0, d.days)
	}
	if p.From.IsZero() && p.Until.IsZero() {
		return nil, nil
	}
	return &p, nil
}

// askAll asks, and goes on until the answer is whole.
func (m *Main) askAll(ctx context.Context, c *archiveClient, ask frame.Ask, o *queryOptions) error {
	queryID, next := ask.MessageID, 1
	for n := 1; ; n++ {
		a, err := m.askOnce(ctx, c, ask)
		if err != nil {
			return sendError(o.to, err)
		}
		if err := m.printFound(a, o, next); err != nil {
			return err
		}
		if code := a.exitCode(); code != exitOK {
			return &exitError{code: code}
		}
		next += a.found.Current
		if o.first || a.found.Remaining == 0 {
			return nil
		}
		ask.QueryID, ask.Start, ask.Params = queryID, next, nil
		ask.MessageID.Extension = messageNumber(m.Now(), n)
		ask.Interaction, ask.ServiceRequest = "", ""
	}
}

func (m *Main) askOnce(ctx context.Context, c *archiveClient, ask frame.Ask) (*answer, error) {
	var b bytes.Buffer
	if err := frame.WriteQuery(&b, ask); err != nil {
		return nil, usage(err, "")
	}
	t, err := xmltree.Parse(b.Bytes(), xmltree.Limits{Bytes: b.Len()})
	if err != nil {
		return nil, err
	}
	a, err := c.send(ctx, t)
	if err == nil && a.ack != nil && a.found == nil {
		err = errNoAnswer
	}
	return a, err
}
