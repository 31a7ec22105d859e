package mutants

import (
	"slices"

	"portti/conformance/cases"
)

// Client is a client system that is broken in one respect.
type Client struct {
	Name, Why string
	// Twist changes what it does at a step; see run.Player.
	Twist func(c *cases.Case, i int, x *cases.Step)
	// Golden is a case that finds it.
	Golden string
}

// again tells whether the step sends a message once more.
func again(x *cases.Step) bool { return x.Do == "again" }

// other gives a step another kind of document.
func other(from []string, to string) func(*cases.Case, int, *cases.Step) {
	return func(_ *cases.Case, _ int, x *cases.Step) {
		if slices.Contains(from, x.Kind) && !again(x) {
			x.Kind = to
		}
	}
}

func fault(f string) func(*cases.Case, int, *cases.Step) {
	return func(_ *cases.Case, _ int, x *cases.Step) {
		if !again(x) && x.Document.Edit == "" {
			x.Document.Fault = f
		}
	}
}

// first tells whether the step's document is the first of its series.
func first(c *cases.Case, i int) bool { return c.Steps[i].Await.Version == "first" }

// Clients lists the client mutants.
var Clients = []Client{
	{"corrects-without-replacing", "sends a correction as a new document", func(_ *cases.Case, _ int, x *cases.Step) {
		if !x.Nullify {
			x.Replaces = ""
		}
	}, "CLIENT-VERSION-NOTE"},
	{"corrects-the-first", "corrects the first version whatever the newest is", func(_ *cases.Case, _ int, x *cases.Step) {
		if x.Replaces != "" {
			x.Replaces = "one"
		}
	}, "CLIENT-VERSION-PLAN"},
	{"skips-a-version", "counts versions by two", func(_ *cases.Case, _ int, x *cases.Step) {
		if x.Replaces != "" {
			x.Document.Gap = 1
		}
	}, "CLIENT-VERSION-DECISION"},
	{"never-resends", "makes a new document instead of sending again", func(_ *cases.Case, _ int, x *cases.Step) {
		if again(x) {
			x.Do, x.Of = "send", ""
		}
	}, "CLIENT-RETRY-LOST-ANSWER"},
	{"resends-other-bytes", "makes the document anew when it sends again", func(_ *cases.Case, _ int, x *cases.Step) {
		if again(x) {
			x.Do, x.Document.SameID = "send", true
		}
	}, "CLIENT-RETRY-HALF-ANSWER"},
	{"resends-after-refusal", "sends again what was refused", func(c *cases.Case, i int, x *cases.Step) {
		if of := c.Steps[i].Await.Other; of != "" {
			x.Do, x.Of = "again", of
		}
	}, "CLIENT-REFUSED-REFUSAL"},
	{"distrusts-acceptance", "sends again though it was accepted", func(c *cases.Case, i int, x *cases.Step) {
		if i > 0 && c.Steps[i-1].Knob != "" && c.Steps[i].Await.Same == "" && c.Steps[i].Await.Other == "" {
			x.Do, x.Of, x.Replaces = "again", c.Steps[i-1].As, ""
		}
	}, "CLIENT-CALM-MANY-REMARKS"},
	{"nullifies-by-correcting", "sends a correction where it should nullify", func(_ *cases.Case, _ int, x *cases.Step) { x.Nullify = false }, "CLIENT-NULLIFY-NOTE"},
	{"corrects-by-nullifying", "nullifies where it should correct", func(_ *cases.Case, _ int, x *cases.Step) {
		x.Nullify = x.Replaces != ""
	}, "CLIENT-VERSION-PHASE2-PDF"},
	{"knows-old-documents-only", "sends everything as old documents", other([]string{"plan", "decision", "phase2-pdf", "phase2-xhtml", "phase2-structured", "phase1-pdf", "phase1-xhtml"}, "old-xhtml"), "CLIENT-STORE-PLAN"},
	{"sends-pictures-of-text", "sends PDF where text is asked for", other([]string{"phase2-xhtml", "plan", "decision", "phase2-structured"}, "phase2-pdf"), "CLIENT-STORE-DECISION"},
	{"sends-text-of-pictures", "sends XHTML where PDF is asked for", other([]string{"phase2-pdf"}, "phase2-xhtml"), "CLIENT-STORE-PHASE2-PDF"},
	{"old-documents-as-phase-two", "sends old documents as those of phase II", other([]string{"old-pdf", "old-xhtml", "phase1-pdf", "phase1-xhtml"}, "phase2-pdf"), "CLIENT-STORE-OLD-PDF"},
	{"permissions-for-prohibitions", "mixes up statements of will", other([]string{"prohibition"}, "permission"), "CLIENT-STORE-PROHIBITION"},
	{"prohibitions-for-permissions", "mixes up statements of will the other way", other([]string{"permission"}, "prohibition"), "CLIENT-STORE-PERMISSION"},
	{"cases-for-relationships", "sends a case where a relationship is asked for", func(c *cases.Case, i int, x *cases.Step) {
		if first(c, i) && x.Kind == "relationship" {
			x.Kind, x.Document.Edit = "permission", ""
		}
	}, "CLIENT-STORE-RELATIONSHIP"},
	{"no-cases", "sends a permission where a case is asked for", other([]string{"case"}, "permission"), "CLIENT-STORE-CASE"},
	{"breaks-signatures", "sends what it changed after signing", fault("sig-value"), "CLIENT-STORE-NOTE"},
	{"forgets-signatures", "does not sign", fault("sig-missing"), "CLIENT-STORE-OLD-XHTML"},
	{"wrong-frames", "names another document in the frame", func(_ *cases.Case, _ int, x *cases.Step) {
		if !again(x) {
			x.Frame.Fault = "frame-client-other"
		}
	}, "CLIENT-CONNECTION"},
	{"loses-attachments", "leaves attachments behind", func(_ *cases.Case, _ int, x *cases.Step) { x.Document.Attachment = false }, "CLIENT-ATTACHMENT"},
	{"one-client-only", "puts one client into shared documents", func(_ *cases.Case, _ int, x *cases.Step) {
		if len(x.Clients) > 1 {
			x.Clients = x.Clients[:1]
		}
	}, "CLIENT-SHARED"},
	{"adults-only", "has no minors", nil, "CLIENT-SORT-MINOR"},
	{"identity-codes-only", "has no temporary identifiers", nil, "CLIENT-SORT-TEMPORARY"},
	{"soap11-only", "speaks SOAP 1.1 only", func(_ *cases.Case, _ int, x *cases.Step) { x.Transport.SOAP = "" }, "CLIENT-SOAP12"},
	{"asks-for-everything", "asks about nobody", func(_ *cases.Case, _ int, x *cases.Step) { x.Query.Client = "" }, "CLIENT-QUERY-METADATA"},
	{"metadata-only", "asks for metadata where documents are asked for", func(_ *cases.Case, _ int, x *cases.Step) {
		if x.Do == "query" {
			x.Query.For = "metadata"
		}
	}, "CLIENT-QUERY-DOCUMENT"},
	{"documents-only", "asks for documents where metadata are asked for", func(_ *cases.Case, _ int, x *cases.Step) {
		if x.Do == "query" {
			x.Query.For = "document"
		}
	}, "CLIENT-QUERY-CALM-BUSY"},
	{"own-register-only", "writes into its own register only", func(_ *cases.Case, _ int, x *cases.Step) {
		if x.Document.Edit == "provider" {
			x.Document.Edit = ""
		}
	}, "CLIENT-REGISTRY-PROVIDER"},
	{"names-no-provider", "leaves the provider's unit out of the relationship", func(_ *cases.Case, _ int, x *cases.Step) {
		if x.Document.Edit == "provider-unit" {
			x.Document.Edit = ""
		}
	}, "CLIENT-REGISTRY-ORGANISER"},
	{"no-relationship-first", "begins with the case", func(c *cases.Case, i int, x *cases.Step) {
		if c.Steps[i].As == "relationship" {
			x.Kind, x.Document.Edit = "prohibition", ""
		}
	}, "CLIENT-REGISTRY-ORGANISER"},
}

// Adults tells of the mutants whose clients are all of age and known by their codes.
func (c *Client) Adults() bool { return c.Twist == nil }
