package soap

import (
	"errors"
	"strconv"
	"strings"

	"portti/internal/finding"
	"portti/internal/xmltree"
)

// Read takes the body of an HTTP request to a Request. soapAction is the
// SOAPAction header. A Request that can be worked on comes with the findings
// beside it (some are warnings in some profiles); where nothing can be worked on
// it is nil. The version, where it could be told, is right in both cases.
func Read(contentType, soapAction string, body []byte, o Options) (*Request, Version, []finding.Finding) {
	media, f := ParseMedia(contentType)
	if f != nil {
		return nil, media.Version, []finding.Finding{*f}
	}
	if len(body) == 0 {
		return nil, media.Version, []finding.Finding{{Rule: RuleBodyEmpty, Place: finding.Place{Source: finding.SourceRequest}}}
	}
	tree, fs := parse(&media, body, o.Limits)
	if tree == nil {
		return nil, media.Version, fs
	}
	r := &reader{t: tree, req: &Request{Tree: tree, Action: CleanAction(soapAction)}, findings: fs}
	if media.Action != "" {
		r.req.Action = media.Action
	}
	ok := r.envelope(media.Version, o)
	version := r.req.Version
	if version == Unknown {
		version = media.Version
	}
	if !ok {
		return nil, version, r.findings
	}
	return r.req, version, r.findings
}

// parse gives the tree of the whole envelope, MTOM parts put in.
func parse(media *Media, body []byte, lim xmltree.Limits) (*xmltree.Tree, []finding.Finding) {
	if media.Boundary == "" {
		return parseXML(body, lim)
	}
	msg, f := splitParts(media, body)
	if f != nil {
		return nil, []finding.Finding{*f}
	}
	return msg.assemble(lim)
}

func parseXML(src []byte, lim xmltree.Limits) (*xmltree.Tree, []finding.Finding) {
	t, err := xmltree.Parse(src, lim)
	if err != nil {
		return nil, []finding.Finding{SyntaxFinding(err, finding.SourceRequest, "")}
	}
	return t, nil
}

// SyntaxFinding turns the parser's error into a finding. Rules of another stage
// have the same names under a prefix ("DOC-" for the document).
func SyntaxFinding(err error, src finding.Source, prefix string) finding.Finding {
	f := finding.Finding{Rule: prefix + RuleXMLSyntax, Place: finding.Place{Source: src}}
	var se *xmltree.SyntaxError
	if !errors.As(err, &se) {
		return f
	}
	f.Rule = prefix + syntaxRule(se)
	f.Line, f.Column = se.Line, se.Column
	f.Params = []finding.Param{finding.P("code", se.Code)}
	return f
}

// envelope checks the envelope and finds its parts; false where no Body child
// could be found.
func (r *reader) envelope(mediaVersion Version, o Options) bool {
	root := r.t.Root()
	if r.t.Local(root) != "Envelope" {
		r.add(RuleEnvelopeMissing, root, r.t.Local(root))
		return false
	}
	switch r.t.Space(root) {
	case NS11:
		r.req.Version = V11
	case NS12:
		r.req.Version = V12
	default:
		r.add(RuleVersionUnknown, root, r.t.Space(root))
		return false
	}
	if mediaVersion != Unknown && mediaVersion != r.req.Version {
		r.add(RuleVersionMedia, root, r.req.Version.String(), finding.P("media", mediaVersion.String()))
	}
	header, body := r.parts(root)
	if header != xmltree.None {
		r.header(header)
	}
	r.requireAddressing(root, o)
	return r.body(root, body)
}

// parts finds Header and Body; anything else in the envelope is a finding.
// SOAP 1.1 lets elements of other namespaces follow the Body (4.1.1).
func (r *reader) parts(root xmltree.Node) (header, body xmltree.Node) {
	header, body = xmltree.None, xmltree.None
	ns := r.req.Version.Namespace()
	for n := range r.t.Children(root) {
		switch {
		case header == xmltree.None && body == xmltree.None && r.t.Is(n, ns, "Header"):
			header = n
		case body == xmltree.None && r.t.Is(n, ns, "Body"):
			body = n
		case body != xmltree.None && r.req.Version == V11 && r.t.Space(n) != ns && r.t.Space(n) != "":
			continue
		default:
			r.add(RuleChildUnknown, n, r.t.Local(n))
		}
	}
	return header, body
}

// body finds the one message in the Body.
func (r *reader) body(root, body xmltree.Node) bool {
	if body == xmltree.None {
		r.add(RuleBodyMissing, root, "")
		return false
	}
	r.req.Body = r.t.FirstElement(body)
	if r.req.Body == xmltree.None {
		r.add(RuleBodyNoChild, body, "")
		return false
	}
	r.t.SetBase(r.req.Body)
	if second := r.t.NextElement(r.req.Body); second != xmltree.None {
		r.add(RuleBodyManyChildren, second, r.t.Local(second))
		return false
	}
	r.checkAction()
	return true
}

// checkAction compares the action, where one is told, with the message: it must
// end in the message's name ("urn:hl7-org:v3:RCMR_IN200002FI01"). Dispatch goes
// by the message alone.
func (r *reader) checkAction() {
	name := r.t.Local(r.req.Body)
	if a := r.req.Action; a != "" && !actionNames(a, name) {
		r.add(RuleActionMismatch, r.req.Body, a, finding.P("message", name))
	}
	if a := r.req.Addressing.Action; a != "" && !actionNames(a, name) {
		r.add(RuleAddressingAction, r.req.Body, a, finding.P("message", name))
	}
}

// actionNames tells whether an action stands for a message name.
func actionNames(action, name string) bool {
	i := strings.LastIndexAny(action, ":/#")
	return action[i+1:] == name
}

// header reads the header blocks: addressing is understood, anything else only
// if it need not be understood, or is meant for another node.
func (r *reader) header(header xmltree.Node) {
	seen := map[string]bool{}
	for n := range r.t.Children(header) {
		switch ns := r.t.Space(n); ns {
		case NSAddressing, NSAddressing2004:
			r.addressing(n, ns, seen)
		default:
			if r.mustUnderstand(n) {
				r.add(RuleHeaderNotKnown, n, r.t.Local(n), finding.P("namespace", ns))
			}
		}
	}
}

// mustUnderstand tells whether a block is for us and must be understood.
func (r *reader) mustUnderstand(n xmltree.Node) bool {
	ns := r.req.Version.Namespace()
	must, ok := r.t.LookupAttr(n, ns, "mustUnderstand")
	if !ok {
		return false
	}
	if v := strings.TrimSpace(r.t.AttrValue(must)); v != "1" && v != "true" {
		return false
	}
	name := "actor"
	if r.req.Version == V12 {
		name = "role"
	}
	role, ok := r.t.LookupAttr(n, ns, name)
	return !ok || forUs(strings.TrimSpace(r.t.AttrValue(role)))
}

// forUs tells whether a role or actor is the one that we play.
func forUs(role string) bool {
	switch role {
	case "", NS12 + "/role/next", NS12 + "/role/ultimateReceiver", "http://schemas.xmlsoap.org/soap/actor/next":
		return true
	}
	return false
}

// addressing keeps one addressing header.
func (r *reader) addressing(n xmltree.Node, ns string, seen map[string]bool) {
	a := &r.req.Addressing
	if a.Namespace == "" {
		a.Namespace = ns
	}
	local := r.t.Local(n)
	var into *string
	switch local {
	case "MessageID":
		into = &a.MessageID
	case "To":
		into = &a.To
	case "Action":
		into = &a.Action
	case "ReplyTo":
		r.replyTo(n, ns)
		return
	default:
		return
	}
	if seen[local] || ns != a.Namespace {
		r.add(RuleAddressingDuplicate, n, local)
		return
	}
	seen[local] = true
	*into = strings.TrimSpace(r.t.Text(n))
}

// replyTo takes the anonymous address alone: the answer goes back on the same
// connection.
func (r *reader) replyTo(n xmltree.Node, ns string) {
	address := r.t.Child(n, ns, "Address")
	if address == xmltree.None {
		return
	}
	v := strings.TrimSpace(r.t.Text(address))
	r.req.Addressing.ReplyTo = v
	if v != NSAddressing+"/anonymous" && v != NSAddressing2004+"/role/anonymous" {
		r.add(RuleAddressingReplyTo, address, v)
	}
}

func (r *reader) requireAddressing(root xmltree.Node, o Options) {
	if !o.RequireAddressing {
		return
	}
	for _, h := range []struct{ name, value string }{
		{"Action", r.req.Addressing.Action}, {"MessageID", r.req.Addressing.MessageID},
	} {
		if h.value == "" {
			r.add(RuleAddressingMissing, root, "", finding.P("header", h.name))
		}
	}
}

// partName names a part in a finding: by number, as a Content-ID may be personal.
func partName(i int) finding.Param { return finding.P("part", strconv.Itoa(i+1)) }

// syntaxRule gives the rule for a parser's fault.
func syntaxRule(se *xmltree.SyntaxError) string {
	switch se.Code {
	case xmltree.CodeDTD:
		return RuleXMLDTD
	case xmltree.CodeEncoding, xmltree.CodeMismatch, xmltree.CodeUTF8, xmltree.CodeUTF16:
		return RuleXMLEncoding
	}
	if se.Limit() {
		return RuleXMLLimit
	}
	return RuleXMLSyntax
}
