package interactions

import (
	"fmt"
	"slices"
	"strings"
)

// Form is a form of nullification (kanta-interface 10.2).
type Form string

// The forms: a new version that nullifies, a frame without package, and a status in
// the frame.
const (
	ByDocument Form = "document"
	ByFrame    Form = "frame"
	ByStatus   Form = "status"
)

// Nullification tells whether a form is recognised.
type Nullification struct {
	Form    Form `yaml:"form"`
	Enabled bool `yaml:"enabled"`
	// Statuses are the status codes of the form ByStatus, whatever their case.
	Statuses  []string  `yaml:"statuses"`
	Certainty Certainty `yaml:"certainty"`
	Source    string    `yaml:"source"`
}

// Nullifies tells whether a form is recognised.
func (t *Table) Nullifies(form Form) bool {
	n := t.nullification(form)
	return n != nil && n.Enabled
}

// Assumed tells that a form is recognised by a local assumption.
func (t *Table) Assumed(form Form) bool {
	n := t.nullification(form)
	return n != nil && n.Certainty == Local
}

// NullifiedStatus tells whether a frame's status code nullifies by itself.
func (t *Table) NullifiedStatus(code string) bool {
	n := t.nullification(ByStatus)
	return n != nil && n.Enabled && slices.ContainsFunc(n.Statuses, func(s string) bool { return strings.EqualFold(s, code) })
}

func (t *Table) nullification(form Form) *Nullification {
	return find(t.Nullifications, func(n *Nullification) bool { return n.Form == form })
}

// Field is what a parameter of a query says. Those named here narrow the search;
// any other is handed to the decision on access.
type Field string

// The fields that narrow a search.
const (
	FieldClient       Field = "client"
	FieldController   Field = "controller"
	FieldRegister     Field = "register"
	FieldDocument     Field = "document"
	FieldSeries       Field = "series"
	FieldCase         Field = "case"
	FieldRelationship Field = "relationship"
	FieldGroup        Field = "group"
	FieldGeneralType  Field = "general-type"
	FieldSpecificType Field = "specific-type"
	FieldTask         Field = "task"
	FieldProcess      Field = "process"
	FieldService      Field = "service"
	FieldUnit         Field = "unit"
	FieldAuthor       Field = "author"
	FieldEffective    Field = "effective"
	FieldArrived      Field = "arrived"
	FieldNewest       Field = "newest"
	FieldNullified    Field = "nullified"
	// FieldMessage is a message's id, for a query of status.
	FieldMessage Field = "message"
)

// Fields of the decision on access that have a name here.
const (
	FieldUse             Field = "use"
	FieldGround          Field = "ground"
	FieldSpecialReason   Field = "special-reason"
	FieldUserTask        Field = "user-task"
	FieldUserServiceTask Field = "user-service-task"
	FieldUserService     Field = "user-service"
	FieldUserRole        Field = "user-role"
	FieldAuthentication  Field = "authentication"
)

// ValueForm is the form of a parameter's values.
type ValueForm string

// The forms: an identifier of a person, an OID, a code, a span of time, true or false.
const (
	FormID   ValueForm = "id"
	FormOID  ValueForm = "oid"
	FormCode ValueForm = "code"
	FormTime ValueForm = "time"
	FormFlag ValueForm = "flag"
)

var valueForms = []ValueForm{FormID, FormOID, FormCode, FormTime, FormFlag}

// formOf are the forms that the fields of a search need.
var formOf = map[Field]ValueForm{
	FieldClient: FormID, FieldController: FormOID, FieldRegister: FormCode, FieldDocument: FormOID, FieldSeries: FormOID,
	FieldCase: FormOID, FieldRelationship: FormOID, FieldGroup: FormCode, FieldGeneralType: FormCode, FieldSpecificType: FormCode,
	FieldTask: FormCode, FieldProcess: FormCode, FieldService: FormCode, FieldUnit: FormOID, FieldAuthor: FormID,
	FieldEffective: FormTime, FieldArrived: FormTime, FieldNewest: FormFlag, FieldNullified: FormFlag,
	FieldMessage: FormID,
}

// Parameter is one parameter of queries.
type Parameter struct {
	// Name is the element's name in queryByParameter.
	Name  string    `yaml:"name"`
	Field Field     `yaml:"field"`
	Form  ValueForm `yaml:"form"`
	// Many tells that more than one value may be given.
	Many bool `yaml:"many"`
	// System is the code system of its codes; another is refused where one is given.
	System string `yaml:"system"`
	// Operations are the queries that take it; none means all.
	Operations []Operation `yaml:"operations"`
	Certainty  Certainty   `yaml:"certainty"`
	Source     string      `yaml:"source"`
}

// Fits tells whether a query of that operation takes the parameter.
func (p *Parameter) Fits(op Operation) bool {
	return len(p.Operations) == 0 || slices.Contains(p.Operations, op)
}

// Parameter gives the parameter of that name, or nil.
func (t *Table) Parameter(name string) *Parameter {
	return find(t.Parameters, func(p *Parameter) bool { return p.Name == name })
}

// ParameterFor gives the first parameter of a field, or nil: what a client would use.
func (t *Table) ParameterFor(f Field) *Parameter {
	return find(t.Parameters, func(p *Parameter) bool { return p.Field == f })
}

// Named gives the names of the interactions of a kind.
func (t *Table) Named(kind string) []string {
	var out []string
	for _, i := range t.Interactions {
		if i.Kind == kind {
			out = append(out, i.Name)
		}
	}
	return out
}

// checkQueries refuses entries that could not be carried out.
func (t *Table) checkQueries() error {
	for _, i := range t.Interactions {
		if i.Kind == KindQuery && i.Response == "" {
			return fmt.Errorf("query %q lacks the name of its response", i.Name)
		}
	}
	for _, n := range t.Nullifications {
		if !slices.Contains([]Form{ByDocument, ByFrame, ByStatus}, n.Form) {
			return fmt.Errorf("nullification %q is no form that is known", n.Form)
		}
	}
	for _, p := range t.Parameters {
		if p.Name == "" || p.Field == "" || !slices.Contains(valueForms, p.Form) {
			return fmt.Errorf("parameter %q lacks name, field or a form that is known", p.Name)
		}
		if form, ok := formOf[p.Field]; ok && form != p.Form {
			return fmt.Errorf("parameter %q: field %s needs the form %s", p.Name, p.Field, form)
		}
	}
	return nil
}

// Narrows tells that the field narrows a search; the others are for the decision on
// access.
func (f Field) Narrows() bool { return formOf[f] != "" }
