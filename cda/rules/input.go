package rules

import (
	"time"

	"portti/cda"
	"portti/cda/codes"
	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/cda/organisations"
	"portti/cda/rules/catalogue"
	"portti/cda/rules/pdfcheck"
	"portti/cda/sosmeta"
	"portti/internal/finding"
	"portti/internal/xmltree"
)

// World tells whether real persons may be in the documents.
type World string

// The worlds (design/decisions, Profiles and worlds).
const (
	// Test refuses persons outside the 900 series.
	Test World = "test"
	// Production demands processing code P.
	Production World = "production"
)

// DefaultTolerance is how far in the future a time may lie before it is remarked.
const DefaultTolerance = 5 * time.Minute

// Input is what Check judges.
type Input struct {
	// Frame is the transfer frame; nil where a document is judged alone.
	Frame *frame.Frame
	// Doc is the document; it must be given.
	Doc *cda.Document
	// Body is the decoded body; nil where it is not to be judged.
	Body *cda.Body
	// Profile is strict where it is empty.
	Profile catalogue.Profile
	// World is Test where it is empty.
	World World
	// Now is the time of judging; zero leaves out checks against it.
	Now time.Time
	// Tolerance for clocks; DefaultTolerance where it is zero.
	Tolerance time.Duration
	// Phase1Until is the last moment at which new documents of phase I are taken
	// (DOC-2). Where it is zero, Production has the national end of 2023, and Test
	// none.
	Phase1Until time.Time
	// AcceptHealth lets an archive of the test world take health documents (ARK-12).
	AcceptHealth bool
	// Book is DefaultBook where it is nil.
	Book *Book
	// Structures are the document structures known, sosmeta.Default where nil.
	Structures *sosmeta.Set
	// Codes are the code systems known, codes.Default where nil.
	Codes *codes.Set
	// Directory is what is known of organisations; nil where nothing is, which leaves
	// out what would be held against it.
	Directory *organisations.Directory
	// PDF is what package pdfcheck found of the structure of a PDF body; Unchecked
	// where nobody looked.
	PDF pdfcheck.Verdict
	// PhrasesExact makes another text in the place of a structure's fixed phrase an
	// error (--phrases=exact).
	PhrasesExact bool
}

// nationalPhase1End is the end of 2023 in Finland (DOC-2).
var nationalPhase1End = time.Date(2023, 12, 31, 21, 59, 59, 0, time.UTC)

func (in *Input) complete() {
	if in.Profile == "" {
		in.Profile = catalogue.Strict
	}
	if in.World == "" {
		in.World = Test
	}
	if in.Tolerance == 0 {
		in.Tolerance = DefaultTolerance
	}
	if in.Phase1Until.IsZero() && in.World == Production {
		in.Phase1Until = nationalPhase1End
	}
	if in.Book == nil {
		in.Book = DefaultBook()
	}
	if in.Structures == nil {
		in.Structures = sosmeta.Default()
	}
	if in.Codes == nil {
		in.Codes = codes.Default()
	}
}

// Check judges a document, its frame and its body, and whether they agree.
// Findings come in the order of the checks, within each in that of the document.
// Of what is no CDA document nothing is judged: cda.Read tells that.
func Check(in Input) []finding.Finding {
	in.complete()
	if !in.Doc.Tree.Is(in.Doc.Root, cda.NamespaceHL7, "ClinicalDocument") {
		return nil
	}
	c := &checker{Input: in, t: in.Doc.Tree, m: &in.Doc.Metadata, group: groupOf(in.Doc, in.Book)}
	c.operation = c.operationOf()
	c.health()
	c.groupCode()
	c.phaseWindow()
	c.obligations()
	c.fields()
	c.versions()
	c.persons()
	c.consistency()
	c.organisations()
	if in.Frame != nil && in.Frame.Interaction != nil {
		c.frame()
	}
	c.bodies()
	return c.out.Items()
}

// Accept judges whether an archive may take the document at all: health documents
// are taken only in lenient, in the test world, with AcceptHealth (ARK-12). Its
// finding is of stage access: doors without an archive do not ask.
func Accept(in Input) []finding.Finding {
	in.complete()
	c := &checker{Input: in, t: in.Doc.Tree, m: &in.Doc.Metadata}
	if c.isHealth() && !(in.AcceptHealth && in.World == Test && in.Profile == catalogue.Lenient) {
		c.add(RuleHealthNotAccepted, in.Doc.Root, "")
	}
	return c.out.Items()
}

// checker is one run of Check.
type checker struct {
	Input
	t         *xmltree.Tree
	m         *cda.Metadata
	group     string // key of the document group: "phase2"; "" where unknown
	operation interactions.Operation
	// chosen is the document's structure, nil where it is not known.
	chosen *sosmeta.Structure
	// misfit tells that the structure is not of the document's group or type.
	misfit bool
	out    finding.List
}

func (c *checker) strict() bool { return c.Profile != catalogue.Lenient }

func (c *checker) add(rule string, n xmltree.Node, value string, params ...finding.Param) {
	c.out.Add(finding.Finding{Rule: rule, Place: c.t.Place(n, finding.SourceDocument), Value: value, Params: params})
}

// addAttr points at the value of an attribute of n, or at n where it lacks it.
func (c *checker) addAttr(rule string, n xmltree.Node, attr, value string, params ...finding.Param) {
	a, ok := c.t.LookupAttr(n, "", attr)
	if !ok {
		c.add(rule, n, value, params...)
		return
	}
	c.out.Add(finding.Finding{Rule: rule, Place: c.t.AttrPlace(n, a, finding.SourceDocument), Value: value, Params: params})
}

// groupOf gives the key of the document's group, "" where there is none or it is
// not in the table.
func groupOf(d *cda.Document, b *Book) string {
	if g := b.Table.Group(d.Local.DocumentGroup.Code); g != nil {
		return g.Key
	}
	return ""
}

// operationOf tells what is asked: what the frame says, else what the document shows.
func (c *checker) operationOf() interactions.Operation {
	if c.Frame != nil {
		if op := c.Frame.Operation(); op != "" {
			return op
		}
	}
	if c.m.Version.Value > 1 {
		return interactions.Replace
	}
	return interactions.New
}

func (c *checker) isHealth() bool {
	return c.m.IsHealth() || c.Frame != nil && c.Frame.IsHealth()
}

// health makes the finding that a document is one of health care: an error in
// strict, a warning in lenient (ARK-12).
func (c *checker) health() {
	if c.isHealth() {
		n := c.Doc.Root
		if c.m.Local.Node > 0 {
			n = c.m.Local.Node
		}
		c.add(RuleHealthDocument, n, "")
	}
}

// groupCode judges the document group by itself: unknown, or known only by
// assumption.
func (c *checker) groupCode() {
	g := c.m.Local.DocumentGroup
	if c.isHealth() || !g.HasValue() {
		return
	}
	switch entry := c.Book.Table.Group(g.Code); {
	case entry == nil:
		c.addAttr(RuleGroupUnknown, g.Node, "code", g.Code)
	case entry.Certainty == interactions.Local:
		c.addAttr(RuleGroupAssumed, g.Node, "code", g.Code)
	}
}

// phaseWindow refuses new documents of phase I after their time (DOC-2): by
// arrival; later versions and nullifications of archived ones are always taken.
func (c *checker) phaseWindow() {
	if c.group != "phase1" || c.operation != interactions.New || c.Now.IsZero() || c.Phase1Until.IsZero() || !c.Now.After(c.Phase1Until) {
		return
	}
	g := c.m.Local.DocumentGroup
	c.addAttr(RulePhase1Closed, g.Node, "code", g.Code,
		finding.P("at", c.Now.Format(time.DateOnly)), finding.P("until", c.Phase1Until.Format(time.DateOnly)))
}
