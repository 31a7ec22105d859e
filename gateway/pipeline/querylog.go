package pipeline

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"portti/cda/frame/interactions"
	"portti/cda/rules/catalogue"
	"portti/gateway/access"
	"portti/gateway/logs"
	"portti/internal/finding"
	"portti/store"
)

// queryLogs gathers what a query's log rows tell beside what it gives.
type queryLogs struct {
	hidden  []hiddenRow
	refused *given
	// informings are those that were told of by another than their recorder.
	informings []given
}

// hiddenRow counts documents that were left out for one reason.
type hiddenRow struct {
	rule, controller, client string
	count                    int
}

func (l *queryLogs) refuse(g *given) { l.refused = g }

// hide counts a document that is left out. A nullified one is no attempt on anything.
func (l *queryLogs) hide(g *given) {
	row := hiddenRow{rule: g.ruling.Rule, controller: g.Controller, client: g.Client()}
	i := slices.IndexFunc(l.hidden, func(h hiddenRow) bool {
		return h.rule == row.rule && h.controller == row.controller && h.client == row.client
	})
	if i < 0 {
		l.hidden = append(l.hidden, row)
		i = len(l.hidden) - 1
	}
	l.hidden[i].count++
}

// rows gives the log rows of a query that is answered (refused: "") or refused.
func (m *message) queryRows(refused string) store.Entries {
	row := m.messageRow()
	e := store.Entries{Message: &row}
	q := m.query
	if q == nil || q.asker.Operation == "" {
		q = &query{session: session{asker: m.asker()}}
	}
	if refused != "" {
		e.Usage = []store.Usage{m.refusedSearch(q, refused)}
		return e
	}
	if q.asker.Operation == interactions.QueryStatus {
		return e // it tells of messages, not of anybody's data
	}
	e.Usage = m.searches(q)
	for i := range q.part {
		g := &q.part[i]
		if g.document != nil {
			u := m.queryUsage(q, g.Controller, g.Client(), "fetch")
			u.DocumentID, u.Detail = g.ID, m.detailOf(q, g)
			e.Usage = append(e.Usage, u)
		}
		if g.ruling.Disclosed {
			d := m.disclosure(q, g.Controller, g.Client())
			d.DocumentID, d.Ground, d.Description, d.Detail = g.ID, g.ruling.Ground, what(g), m.detailOf(q, g)
			e.Disclosures = append(e.Disclosures, d)
		}
	}
	for _, g := range q.logs.informings {
		d := m.disclosure(q, g.Controller, q.asker.Client)
		d.Ground, d.Description = g.ruling.Ground, string(access.Informing)
		e.Disclosures = append(e.Disclosures, d)
	}
	for _, h := range q.logs.hidden {
		d := m.disclosure(q, h.controller, h.client)
		d.Refused, d.Description = h.rule, strconv.Itoa(h.count)
		e.Disclosures = append(e.Disclosures, d)
	}
	return e
}

// what tells what was disclosed: the document itself or its metadata, and its type.
func what(g *given) string {
	out := "metadata"
	if g.document != nil {
		out = "document"
	}
	kind := g.Summary.Type
	if l := g.Summary.Local; l != nil && l.Specific.Code != "" {
		kind = l.Specific
	}
	return strings.TrimSpace(out + " " + kind.Code + " " + kind.Display)
}

// detailOf is the detail of a row about one document.
func (m *message) detailOf(q *query, g *given) []byte {
	d := m.queryDetail(q, nil)
	x := &g.Index
	d.Case, d.Group, d.GeneralType, d.SpecificType, d.Tasks = x.Case, x.Group, x.GeneralType, x.SpecificType, x.Tasks
	d.Organiser, d.Provider = x.Organiser, x.Provider
	if cs := g.Summary.Clients; len(cs) > 0 {
		d.ClientName = cmp.Or(strings.Join(append(slices.Clone(cs[0].Given), cs[0].Family...), " "), cs[0].Raw)
	}
	return d.JSON()
}

// searches gives one row for each controller and client of whom something was given;
// of a search that gives nothing, one row under the asker's own controller.
func (m *message) searches(q *query) []store.Usage {
	type whose struct{ controller, client string }
	var order []whose
	ids := map[whose][]string{}
	for i := range q.part {
		w := whose{q.part[i].Controller, q.part[i].Client()}
		if ids[w] == nil {
			order = append(order, w)
		}
		ids[w] = append(ids[w], q.part[i].ID)
	}
	if len(order) == 0 {
		order = []whose{{firstOf(q.asker.Own), q.asker.Client}}
	}
	var out []store.Usage
	for _, w := range order {
		u := m.queryUsage(q, w.controller, w.client, "search")
		u.Detail = m.detail(q, ids[w])
		out = append(out, u)
	}
	return out
}

func firstOf(s []string) string {
	if len(s) == 0 {
		return ""
	}
	return s[0]
}

func (m *message) refusedSearch(q *query, rule string) store.Usage {
	// A joining point that asks for one that it does not send for has no register of its
	// own; its attempt is told to the organisation of its certificate.
	controller, client := cmp.Or(firstOf(q.asker.Own), m.req.Peer.Organisation, q.asker.Sender), q.asker.Client
	document := ""
	if g := q.logs.refused; g != nil {
		controller, client, document = g.Controller, g.Client(), g.ID
	}
	u := m.queryUsage(q, controller, client, "search")
	u.Refused, u.DocumentID = rule, document
	return u
}

func (m *message) queryUsage(q *query, controller, client, action string) store.Usage {
	a := &q.asker
	u := store.Usage{
		At: m.req.Arrived, DataController: controller, LogController: m.logController(a.User.Organization.ID.Root, cmp.Or(firstOf(a.Own), controller)),
		Client: client, User: a.User.ID.PersonKey(), UserName: a.User.Name.Full(), System: a.Sender,
		Action: action, Purpose: a.Situation, Detail: m.detail(q, nil),
	}
	if u.Client == "" {
		u.Client = a.Client
	}
	return u
}

func (m *message) disclosure(q *query, controller, client string) store.Disclosure {
	a := &q.asker
	d := store.Disclosure{
		At: m.req.Arrived, DataController: controller, LogController: controller, Client: client,
		Discloser: m.Root, User: a.User.ID.PersonKey(), UserName: a.User.Name.Full(),
		Recipient: a.User.Organization.ID.Root, Purpose: a.Situation, Detail: m.detail(q, nil),
	}
	if d.Recipient == "" {
		d.Recipient = firstOf(a.Own)
	}
	return d
}

func (m *message) detail(q *query, documents []string) []byte {
	return m.queryDetail(q, documents).JSON()
}

func (m *message) queryDetail(q *query, documents []string) logs.Detail {
	d := logs.Detail{
		Message: m.frame.ID.String(), Query: m.frame.Asked.ID.String(), ServiceRequest: q.asker.ServiceRequest,
		Unit: q.asker.User.Organization.ID.Root, Case: q.selection.filter.Case,
		SpecialReason: q.asker.Param(interactions.FieldSpecialReason), Documents: documents,
	}
	if len(q.asker.Params) > 0 {
		d.Asked = map[string][]string{}
		for f, vs := range q.asker.Params {
			d.Asked[string(f)] = vs
		}
	}
	return d
}

// accessRule gives the rule by which access refuses, "" where it does not: what an
// earlier stage refused used nobody's data.
func (m *message) accessRule() string {
	for _, f := range m.findings {
		r := catalogue.Default().Rule(f.Rule)
		if r != nil && r.Stage == finding.StageAccess && r.Severity.In(m.Judge.Profile) == finding.Error {
			return f.Rule
		}
	}
	return ""
}

// queryAtFault tells that the query itself is wrong, not what its asker may.
func (m *message) queryAtFault(fs []finding.Finding) bool {
	for _, f := range fs {
		r := catalogue.Default().Rule(f.Rule)
		if r != nil && r.Stage == finding.StageAccess && r.Severity.In(m.Judge.Profile) == finding.Error {
			return false
		}
	}
	return true
}

// commitQuery writes the log of a query, durably, and only then answers it.
func (m *message) commitQuery(ctx context.Context) Answer {
	verdict, refused := Accepted, ""
	if m.decision == Reject || m.query == nil {
		verdict, refused = m.rejection(), m.accessRule()
	}
	e := m.queryRows(refused)
	if verdict != Accepted {
		e.Message.Raw = m.soap.Tree.Source()
		if refused == "" {
			e.Usage, e.Disclosures = nil, nil
		}
	}
	// The answer itself holds documents and is not kept: what was given, the log tells.
	e.Message.Answer = store.Answer{Verdict: string(responseVerdict(verdict)), Findings: packFindings(m.findings)}
	body := m.ack(verdict, m.findings)
	err := m.Archive.Log(ctx, e)
	m.watch.lap("commit")
	if err != nil {
		return m.notNow(err)
	}
	if q := m.query; verdict == Accepted && q.asker.Operation != interactions.QueryStatus {
		if q.open() || m.frame.Interaction.Kind == interactions.KindContinuation {
			q.reached = max(q.reached, q.given)
			m.sessions.keep(q.key, q.session, m.Now())
		}
	}
	return m.reply(verdict, body, m.findings)
}
