package pipeline

import (
	"context"
	"fmt"
	"runtime/debug"
	"strconv"
	"time"

	"portti/cda"
	"portti/cda/codes"
	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/cda/rules"
	"portti/cda/rules/catalogue"
	"portti/cda/rules/pdfcheck"
	"portti/cda/sosmeta"
	"portti/cda/xsd"
	"portti/gateway/soap"
	"portti/internal/finding"
	"portti/internal/xmltree"
	"portti/xmldsig"
)

// World is the switch between testing and real life (design/decisions).
type World = rules.World

// The worlds.
const (
	Test       = rules.Test
	Production = rules.Production
)

// Judge is the engine of the document stages. Its fields are set before first
// use; it is then safe for concurrent use.
type Judge struct {
	Profile catalogue.Profile
	World   World
	// Verifier judges signatures; required.
	Verifier *xmldsig.Verifier
	// Frames reads frames; its profile is Judge's.
	Frames frame.Reader
	// Limits bound a document.
	Limits xmltree.Limits
	// Structures and Codes are what is known of document structures and code
	// systems; the shipped ones where nil.
	Structures *sosmeta.Set
	Codes      *codes.Set
	// Organisations is what is known of organisations; nil where nothing is.
	Organisations *Organisations
	// Book is what documents and frames are held to; the shipped one where nil. Set it by Use.
	Book *rules.Book
	// PDFs reads the structure of PDF bodies; nil leaves it unread.
	PDFs *pdfcheck.Checker
	// PhrasesExact makes another text in the place of a structure's fixed phrase an error.
	PhrasesExact bool
	// Phase1Until is the last moment for new documents of phase I (DOC-2); see rules.Input.
	Phase1Until time.Time
}

// Use takes another book of rules, such as one without local assumptions. It must
// be called before the judge is used.
func (j *Judge) Use(b *rules.Book) {
	j.Book, j.Frames.Table = b, b.Table
}

// Frame reads the frame whose element is root and judges it by its schema. The
// frame is never nil. An error is a failure of ours.
func (j *Judge) Frame(t *xmltree.Tree, root xmltree.Node) (*frame.Frame, []finding.Finding, error) {
	f, fs := j.Frames.Read(t, root)
	if f.Fatal || f.IsHealth() && j.Profile != catalogue.Lenient {
		return f, fs, nil // what it is has been told; its form need not be
	}
	more, err := schemaOf(f.Interaction.Kind, string(j.Profile)).WithRoots(f.Name()).Validate(t, root)
	if err != nil {
		return f, fs, fmt.Errorf("pipeline: frame schema: %w", err)
	}
	return f, once(append(fs, more...), j.Profile), nil
}

// schemaOf gives the schema of a kind of message. The names of messages are the
// table's: one that the schemas do not know is judged as the first of its kind.
func schemaOf(kind, profile string) *xsd.Schema {
	switch kind {
	case interactions.KindQuery:
		return xsd.Query(profile)
	case interactions.KindContinuation:
		return xsd.Continuation(profile)
	default:
		return xsd.Frame(profile)
	}
}

// Input is what a Judge looks at: a document, with or without its frame.
type Input struct {
	// Frame is nil where a document is judged by itself.
	Frame *frame.Frame
	// Document is the document's exact octets.
	Document []byte
	// Arrived is the time that signatures are judged at.
	Arrived time.Time
}

// Judgement is what was found.
type Judgement struct {
	// Document is nil where it could not be parsed.
	Document *cda.Document
	// Body is the decoded body, nil unless valid signatures cover it.
	Body       *cda.Body
	Signatures *xmldsig.Verdict
	Findings   []finding.Finding
	Decision   Decision
	Timings    Timings
	// Failure is an error of ours: the document could not be judged to the end. The
	// decision is then Reject; the findings do not say why.
	Failure error
}

// judging is one run of a Judge.
type judging struct {
	*Judge
	in   Input
	out  *Judgement
	list finding.List
	more map[string]int // counted, not kept
	lap  func(stage string)
}

// Document judges a document. It does not panic.
func (j *Judge) Document(in Input) *Judgement {
	watch := newStopwatch()
	g := &judging{Judge: j, in: in, out: &Judgement{}, more: map[string]int{}, lap: watch.lap}
	g.safely(g.run)
	g.out.Timings = watch.out
	for id, n := range g.list.More() {
		g.more[id] += n
	}
	g.out.Decision = Decide(g.list.Items(), g.more, j.Profile)
	if g.out.Failure != nil {
		g.out.Decision = Reject
	}
	g.out.Findings = withMore(once(g.list.Items(), j.Profile), g.more)
	return g.out
}

// safely runs the stages; a panic or an error of ours becomes Failure.
func (g *judging) safely(run func() error) {
	defer func() {
		if p := recover(); p != nil {
			g.fail(&PanicError{Value: p, Stack: debug.Stack()})
		}
	}()
	if err := run(); err != nil {
		g.fail(err)
	}
}

func (g *judging) fail(err error) {
	g.out.Failure = err
	g.out.Body = nil
}

// PanicError is a panic of a stage.
type PanicError struct {
	Value any
	Stack []byte
}

// Error tells where it happened. The panic's value is left out: it may hold
// content.
func (e *PanicError) Error() string {
	return fmt.Sprintf("panic (%T) at:\n%s", e.Value, e.Stack)
}

// run goes through the stages.
func (g *judging) run() error {
	tree := g.parse()
	g.lap("document")
	if tree == nil {
		return nil
	}
	doc, fs := cda.Read(tree)
	g.out.Document = doc
	g.list.Add(fs...)
	g.lap("metadata")
	if err := g.schema(tree); err != nil {
		return err
	}
	g.lap("xsd")
	g.signatures(tree)
	g.signers(tree, doc)
	g.lap("signature")
	body := g.body(doc)
	structure, err := g.pdf(body)
	if err != nil {
		return err
	}
	g.rules(doc, body, structure)
	g.lap("rules")
	return nil
}

// pdf reads the structure of a PDF body. An error is ours.
func (g *judging) pdf(body *cda.Body) (pdfcheck.Verdict, error) {
	if g.PDFs == nil || body == nil || body.Display == nil || body.Display.Recognised != cda.PDF {
		return pdfcheck.Unchecked, nil
	}
	v, err := g.PDFs.Check(context.Background(), body.Display.Bytes)
	if err != nil {
		return v, fmt.Errorf("pipeline: PDF: %w", err)
	}
	return v, nil
}

// parse gives the one tree of the document.
func (g *judging) parse() *xmltree.Tree {
	if limit := g.Limits.Bytes; limit > 0 && len(g.in.Document) > limit {
		g.list.Add(finding.Finding{
			Rule: RuleDocumentSize, Place: finding.Place{Source: finding.SourceDocument},
			Params: []finding.Param{finding.P("size", strconv.Itoa(len(g.in.Document))), finding.P("limit", strconv.Itoa(limit))},
		})
		return nil
	}
	tree, err := xmltree.Parse(g.in.Document, g.Limits)
	if err != nil {
		g.list.Add(soap.SyntaxFinding(err, finding.SourceDocument, docPrefix))
		return nil
	}
	return tree
}

func (g *judging) schema(tree *xmltree.Tree) error {
	fs, err := xsd.Document(string(g.Profile)).Validate(tree, tree.Root())
	if err != nil {
		return fmt.Errorf("pipeline: document schema: %w", err)
	}
	g.list.Add(fs...)
	return nil
}

func (g *judging) signatures(tree *xmltree.Tree) {
	v := g.Verifier.DocumentAt(tree, g.in.Arrived)
	g.out.Signatures = v
	g.list.Add(v.Findings...)
	for id, n := range v.More {
		g.more[id] += n
	}
}

// body decodes the body: what valid signatures cover is given out, what they do
// not is only judged.
func (g *judging) body(doc *cda.Document) *cda.Body {
	covered, ok := g.out.Signatures.Covered.Body()
	if !ok {
		seen, fs := doc.JudgeBody()
		g.list.Add(fs...)
		return seen
	}
	body, fs := doc.BodyContent(covered)
	g.list.Add(fs...)
	g.out.Body = body
	return body
}

func (g *judging) rules(doc *cda.Document, body *cda.Body, structure pdfcheck.Verdict) {
	g.list.Add(rules.Check(rules.Input{
		Frame: g.in.Frame, Doc: doc, Body: body, Profile: g.Profile, World: g.World, Now: g.in.Arrived, Book: g.Book,
		Structures: g.Structures, Codes: g.Codes, Directory: g.Organisations.Directory(), PhrasesExact: g.PhrasesExact, Phase1Until: g.Phase1Until, PDF: structure,
	})...)
}

// Package unpacks a frame's package, with what is found in it beside the document.
func (j *Judge) Package(f *frame.Frame) (*frame.Package, []finding.Finding) {
	p, fs := f.Package()
	return p, append(fs, rules.Attachments(j.World, p)...)
}
