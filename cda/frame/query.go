package frame

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"portti/cda"
	"portti/cda/frame/interactions"
	"portti/internal/finding"
	"portti/internal/xmltree"
)

// Query is queryByParameter or queryContinuation as read (kanta-interface 9).
type Query struct {
	Node xmltree.Node
	// ID is queryId, by which an answer and its continuation are known.
	ID cda.ID
	// Status is statusCode, Priority responsePriorityCode.
	Status, Priority cda.Coded
	// Quantity is initialQuantity or continuationQuantity: how many documents an
	// answer may hold; 0 where not told.
	Quantity int
	// Start is startResultNumber of a continuation, from 1; 0 where not told.
	Start int
	// Parameters are those that the table knows and whose values are right, in order.
	Parameters []Parameter
}

// Parameter is one parameter of a query.
type Parameter struct {
	Entry  *interactions.Parameter
	Values []Value
	Node   xmltree.Node
}

// Value is one value of a parameter, by its form.
type Value struct {
	// Text is the code, the OID, or what a person is found by (cda.ID.PersonKey).
	Text string
	// Root is the root of an identifier that has an extension.
	Root string
	// From and Until bound a span of time: from inclusive, until exclusive, zero is open.
	From, Until time.Time
	Flag        bool
	Node        xmltree.Node
}

// MaxQueryValues bounds the values of one query.
const MaxQueryValues = 500

// Of gives the values of a field, of all its parameters.
func (q *Query) Of(f interactions.Field) []Value {
	var out []Value
	for _, p := range q.Parameters {
		if p.Entry.Field == f {
			out = append(out, p.Values...)
		}
	}
	return out
}

// Texts gives the texts of a field's values.
func (q *Query) Texts(f interactions.Field) []string {
	var out []string
	for _, v := range q.Of(f) {
		out = append(out, v.Text)
	}
	return out
}

// First gives the first value of a field, zero where there is none.
func (q *Query) First(f interactions.Field) Value {
	if vs := q.Of(f); len(vs) > 0 {
		return vs[0]
	}
	return Value{}
}

// Flag gives a flag, or the default where it is not told.
func (q *Query) Flag(f interactions.Field, otherwise bool) bool {
	if vs := q.Of(f); len(vs) > 0 {
		return vs[0].Flag
	}
	return otherwise
}

// queryParts are the children of queryByParameter that are no parameters; true for
// those that hold parameters.
var queryParts = map[string]bool{
	"queryId": false, "statusCode": false, "modifyCode": false, "responseElementGroupId": false,
	"responseModalityCode": false, "responsePriorityCode": false, "initialQuantity": false, "initialQuantityCode": false,
	"executionAndDeliveryTime": false, "sortControl": false, "realmCode": false, "typeId": false, "templateId": false,
	"parameterList": true,
}

// query reads and judges queryByParameter.
func (r *reader) query() {
	q := &r.f.Asked
	q.Node = r.f.Query
	r.queryHead(q)
	values := 0
	r.parameters(q, q.Node, &values)
	if values > MaxQueryValues {
		r.add(RuleQueryValues, q.Node, "", finding.P("limit", number(MaxQueryValues)))
	}
	r.selection(q)
}

// queryHead reads what is no parameter.
func (r *reader) queryHead(q *Query) {
	for n := range r.t.Children(q.Node) {
		if r.t.Space(n) != cda.NamespaceHL7 {
			continue
		}
		switch r.t.Local(n) {
		case "queryId":
			r.id(&q.ID, n)
		case "statusCode":
			r.coded(&q.Status, n)
		case "responsePriorityCode":
			r.coded(&q.Priority, n)
		case "initialQuantity", "continuationQuantity":
			q.Quantity = r.quantity(n, 1)
		case "startResultNumber":
			q.Start = r.quantity(n, 1)
		}
	}
	if !q.ID.HasValue() {
		r.add(RuleQueryID, at(q.ID.Node, q.Node), "")
	}
}

// quantity reads a number of documents.
func (r *reader) quantity(n xmltree.Node, least int) int {
	v := cda.ReadNumber(r.t, n)
	if !v.HasValue() && v.NullFlavor != "" {
		return 0
	}
	if !v.Valid || v.Value < least {
		r.addAttr(RuleQueryQuantity, n, "value", v.Raw)
		return 0
	}
	return v.Value
}

// parameters reads the parameters that are children of n.
func (r *reader) parameters(q *Query, n xmltree.Node, values *int) {
	for x := range r.t.Children(n) {
		if len(r.out) >= finding.Limit {
			return // whoever sends more has been told enough
		}
		if r.t.Space(x) != cda.NamespaceHL7 {
			continue
		}
		name := r.t.Local(x)
		holds, part := queryParts[name]
		switch {
		case holds:
			r.parameters(q, x, values)
		case !part && *values <= MaxQueryValues:
			r.parameter(q, x, name, values)
		}
	}
}

// parameter reads one parameter: an element with one value element or more.
func (r *reader) parameter(q *Query, n xmltree.Node, name string, values *int) {
	e := r.f.table.Parameter(name)
	switch {
	case e == nil:
		r.add(RuleQueryUnknown, n, name, finding.P("known", knownParameters(r.f.table)))
		return
	case !e.Fits(r.f.Operation()):
		r.add(RuleQueryUnfit, n, name, finding.P("operation", string(r.f.Operation())))
		return
	}
	p := Parameter{Entry: e, Node: n}
	for x := range r.t.Children(n) {
		if !r.t.Is(x, cda.NamespaceHL7, "value") {
			continue
		}
		if *values++; *values > MaxQueryValues {
			return
		}
		if v, ok := r.value(e, x); ok {
			p.Values = append(p.Values, v)
		}
	}
	first := r.t.Child(n, cda.NamespaceHL7, "value")
	switch {
	case first == xmltree.None:
		r.add(RuleQueryEmpty, n, "", finding.P("parameter", name))
	case len(p.Values) > 0:
		if !e.Many && len(p.Values)+len(q.Of(e.Field)) > 1 {
			r.add(RuleQueryRepeated, n, "", finding.P("parameter", name))
			return
		}
		if e.Certainty == interactions.Local {
			r.add(RuleQueryAssumed, n, name)
		}
		q.Parameters = append(q.Parameters, p)
	}
}

func knownParameters(t *interactions.Table) string {
	var names []string
	for _, p := range t.Parameters {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// value reads a value by its form; false where it is wrong, which has been told.
func (r *reader) value(e *interactions.Parameter, n xmltree.Node) (Value, bool) {
	v, ok := Value{Node: n}, false
	shown := ""
	switch e.Form {
	case interactions.FormOID:
		shown = r.t.Attr(n, "root")
		v.Text = shown
		ok = cda.ValidOID(v.Text) && r.t.Attr(n, "extension") == ""
	case interactions.FormID:
		// What a person is found by may be personal: it is not shown.
		id := cda.ReadID(r.t, n)
		v.Text, v.Root = id.PersonKey(), id.Root
		ok = cda.ValidOID(id.Root)
	case interactions.FormCode:
		c := cda.ReadCoded(r.t, n)
		shown, v.Text = c.Code, c.Code
		ok = c.Code != ""
		if ok && e.System != "" && c.System != "" && !interactions.SameSystem(c.System, e.System) {
			r.addAttr(RuleQueryCodeSystem, n, "codeSystem", c.System, finding.P("parameter", e.Name), finding.P("expected", e.System))
			return v, false
		}
		ok = ok && r.listed(e, n, c.Code)
	case interactions.FormFlag:
		shown = r.t.Attr(n, "value")
		v.Flag, ok = shown == "true", shown == "true" || shown == "false"
	case interactions.FormTime:
		return r.span(e, n)
	}
	if !ok {
		r.add(RuleQueryValue, n, shown, finding.P("parameter", e.Name), finding.P("form", string(e.Form)))
	}
	return v, ok
}

// listed tells whether a code stands in the table, for the lists that it holds.
func (r *reader) listed(e *interactions.Parameter, n xmltree.Node, code string) bool {
	switch e.Field {
	case interactions.FieldGroup:
		return r.f.table.Group(code) != nil
	case interactions.FieldUse:
		return r.f.table.UseSituation(code) != nil
	}
	return true
}

// span reads a span of time: low and high, both included to their precision, or one
// value, which stands for all of it (a day, say).
func (r *reader) span(e *interactions.Parameter, n xmltree.Node) (Value, bool) {
	i := cda.ReadInterval(r.t, n)
	low, high := i.Low, i.High
	if i.Value.HasValue() {
		low, high = i.Value, i.Value
	}
	v := Value{Node: n}
	for _, t := range []cda.Timestamp{low, high} {
		if t.HasValue() && !t.Valid() {
			r.add(RuleQueryTime, at(t.Node, n), t.Raw, finding.P("parameter", e.Name), finding.P("fault", t.Fault.String()))
			return v, false
		}
	}
	if !low.HasValue() && !high.HasValue() {
		r.add(RuleQueryValue, n, "", finding.P("parameter", e.Name), finding.P("form", string(e.Form)))
		return v, false
	}
	v.From, v.Until = low.Time, After(high)
	if !v.Until.IsZero() && !v.Until.After(v.From) {
		r.add(RuleQueryTimeOrder, n, "", finding.P("parameter", e.Name))
		return v, false
	}
	return v, true
}

// After gives the first moment after a time stamp of its precision: the day after a
// day, the second after a second. Zero for no value.
func After(t cda.Timestamp) time.Time {
	x := t.Time
	switch t.Precision {
	case cda.PrecisionYear:
		return x.AddDate(1, 0, 0)
	case cda.PrecisionMonth:
		return x.AddDate(0, 1, 0)
	case cda.PrecisionDay:
		return x.AddDate(0, 0, 1)
	case cda.PrecisionHour:
		return x.Add(time.Hour)
	case cda.PrecisionMinute:
		return x.Add(time.Minute)
	case cda.PrecisionSecond:
		return x.Add(time.Second)
	case cda.PrecisionFraction:
		return x.Add(time.Microsecond)
	}
	return time.Time{}
}

// selective are the fields of which a query must have one: the archive answers
// about clients and documents, it does not list registers.
var selective = []interactions.Field{
	interactions.FieldClient, interactions.FieldDocument, interactions.FieldSeries,
	interactions.FieldCase, interactions.FieldRelationship, interactions.FieldMessage,
}

func (r *reader) selection(q *Query) {
	if len(r.out) > 0 && slices.ContainsFunc(r.out, func(f finding.Finding) bool { return strings.HasPrefix(f.Rule, "QUERY-") && f.Rule != RuleQueryAssumed }) {
		return // what is wrong has been told; it may be the very parameter that is missing
	}
	if r.f.Operation() == interactions.QueryWill {
		if len(q.Of(interactions.FieldClient)) == 0 {
			r.add(RuleQueryWillClient, q.Node, "")
		}
		return
	}
	for _, f := range selective {
		if len(q.Of(f)) > 0 {
			return
		}
	}
	r.add(RuleQuerySelection, q.Node, "")
}

// continuation reads and judges queryContinuation.
func (r *reader) continuation() {
	q := &r.f.Asked
	q.Node = r.f.Query
	r.queryHead(q)
}

func number(n int) string { return strconv.Itoa(n) }
