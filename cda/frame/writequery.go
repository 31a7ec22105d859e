package frame

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"portti/cda"
	"portti/cda/frame/interactions"
)

// Ask is a query as a client writes it. Of Options those of the wrapper and the control
// act count.
type Ask struct {
	Options
	// QueryID names the query; the message's id by default.
	QueryID cda.ID
	// Quantity is how many documents an answer may hold, 0 for the archive's own choice.
	Quantity int
	// Start, above 0, asks to go on with the answer of QueryID from that document.
	Start  int
	Params []AskParam
}

// AskParam is one value of a field. Of Value and the others those count that the
// field's form has.
type AskParam struct {
	Field interactions.Field
	// Value is a code, an OID, or a person's identifier under Root.
	Value, Root string
	From, Until time.Time
	Flag        bool
}

// WriteQuery writes a query, or the continuation of one. Errors: ErrNoMessageID,
// ErrNoRequest, a field that the table has no parameter for, or those of w.
func WriteQuery(w io.Writer, a Ask) error {
	o := &a.Options
	if !o.MessageID.HasValue() || o.CreationTime.IsZero() || o.Sender == "" {
		return ErrNoMessageID
	}
	if o.Table == nil {
		o.Table = interactions.Default()
	}
	if err := a.completeQuery(); err != nil {
		return err
	}
	x := &xmlWriter{}
	x.head(o)
	x.controlAct(o)
	if err := a.body(x); err != nil {
		return err
	}
	x.end()
	x.end()
	if x.err != nil {
		return x.err
	}
	_, err := w.Write(x.b)
	return err
}

func (a *Ask) completeQuery() error {
	o := &a.Options
	kind := interactions.KindQuery
	if a.Start > 0 {
		kind, o.Interaction = interactions.KindContinuation, ""
	}
	for _, i := range o.Table.Interactions {
		if o.Interaction == "" && i.Kind == kind && (a.Start > 0 || i.Operation == o.Operation) {
			o.Interaction = i.Name
		}
	}
	if s := o.Table.Asking(o.Operation); s != nil && o.Interaction == "" && a.Start == 0 {
		o.Interaction = s.Interactions[0] // a query that has no interaction of its own
		if o.ServiceRequest == "" {
			o.ServiceRequest = s.Code
		}
	}
	if o.Interaction == "" {
		return fmt.Errorf("frame: no interaction for operation %q", o.Operation)
	}
	if o.ServiceRequest == "" && a.Start == 0 {
		s := o.Table.RequestFor(o.Operation, "", o.Interaction)
		if s == nil {
			return ErrNoRequest
		}
		o.ServiceRequest = s.Code
	}
	if !a.QueryID.HasValue() {
		a.QueryID = o.MessageID
	}
	o.simple(&cda.Metadata{})
	if a.Start > 0 { // the query told what it is for
		o.ServiceRequest, o.UseSituation = "", ""
	}
	return nil
}

func (a *Ask) body(x *xmlWriter) error {
	if a.Start > 0 {
		x.start("queryContinuation")
		x.id("queryId", a.QueryID)
		x.empty("startResultNumber", "value", strconv.Itoa(a.Start))
		if a.Quantity > 0 {
			x.empty("continuationQuantity", "value", strconv.Itoa(a.Quantity))
		}
		x.empty("statusCode", "code", "waitContinuedQueryResponse")
		x.end()
		return nil
	}
	x.start("queryByParameter")
	x.id("queryId", a.QueryID)
	x.empty("statusCode", "code", "new")
	x.empty("responsePriorityCode", "code", "I")
	if a.Quantity > 0 {
		x.empty("initialQuantity", "value", strconv.Itoa(a.Quantity))
	}
	for i := 0; i < len(a.Params); {
		p := a.Options.Table.ParameterFor(a.Params[i].Field)
		if p == nil {
			return fmt.Errorf("frame: no parameter of queries for %q", a.Params[i].Field)
		}
		x.start(p.Name)
		for ; i < len(a.Params) && a.Params[i].Field == p.Field; i++ {
			x.askValue(p, &a.Params[i])
		}
		x.end()
	}
	x.end()
	return nil
}

func (x *xmlWriter) askValue(p *interactions.Parameter, v *AskParam) {
	switch p.Form {
	case interactions.FormID:
		if v.Root == "" {
			x.empty("value", "root", v.Value)
			return
		}
		x.empty("value", "root", v.Root, "extension", v.Value)
	case interactions.FormOID:
		x.empty("value", "root", v.Value)
	case interactions.FormCode:
		x.empty("value", "code", v.Value, "codeSystem", p.System)
	case interactions.FormFlag:
		x.empty("value", "value", strconv.FormatBool(v.Flag))
	case interactions.FormTime:
		x.start("value")
		if !v.From.IsZero() {
			x.empty("low", "value", cda.FormatTS(v.From))
		}
		if !v.Until.IsZero() { // the last second of the span is in it
			x.empty("high", "value", cda.FormatTS(v.Until.Add(-time.Second)))
		}
		x.end()
	}
}
