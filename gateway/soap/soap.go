// Package soap reads and writes SOAP 1.1 and 1.2 messages over the one tree of
// package xmltree.
//
// Read takes the octets of an HTTP request (plain, MTOM/XOP or a simple SOAP
// with attachments) to a Request: the version, the WS-Addressing headers and the
// one child of the Body, by whose name the interaction is found. Everything that
// is wrong comes back as findings with line and column; WriteFault tells them in
// the version of the request. WriteReply wraps an answer.
//
// WS-Addressing is optional and is answered where the request uses it: 1.0
// (2005/08) and the submission of 2004/08 are known (kanta-interface 4).
package soap

import (
	"portti/internal/finding"
	"portti/internal/xmltree"
)

// Version is a version of SOAP.
type Version uint8

// The versions. Unknown stands for a request that did not get far enough to tell.
const (
	Unknown Version = iota
	V11
	V12
)

// Namespaces of the envelope and of addressing.
const (
	NS11         = "http://schemas.xmlsoap.org/soap/envelope/"
	NS12         = "http://www.w3.org/2003/05/soap-envelope"
	NSAddressing = "http://www.w3.org/2005/08/addressing"
	// NSAddressing2004 is the namespace of the W3C member submission of August 2004.
	NSAddressing2004 = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
	nsXOP            = "http://www.w3.org/2004/08/xop/include"
	nsXML            = "http://www.w3.org/XML/1998/namespace"
)

// Media types of the two versions and of MTOM.
const (
	Media11  = "text/xml"
	Media12  = "application/soap+xml"
	mediaXOP = "application/xop+xml"
)

// Namespace gives the envelope's namespace.
func (v Version) Namespace() string {
	if v == V12 {
		return NS12
	}
	return NS11
}

// ContentType gives the media type of an answer in this version, always UTF-8.
// The action parameter exists in SOAP 1.2 alone; "" leaves it out.
func (v Version) ContentType(action string) string {
	if v != V12 {
		return Media11 + "; charset=utf-8"
	}
	ct := Media12 + "; charset=utf-8"
	if action != "" {
		ct += `; action="` + action + `"`
	}
	return ct
}

// String names the version for logs and metrics.
func (v Version) String() string {
	switch v {
	case V11:
		return "1.1"
	case V12:
		return "1.2"
	default:
		return "unknown"
	}
}

// Request is a SOAP request that was read.
type Request struct {
	Version Version
	// Tree is the whole request; its Source is what was parsed: for MTOM the
	// envelope with its parts put in.
	Tree *xmltree.Tree
	// Body is the one element in the envelope's Body.
	Body xmltree.Node
	// Action is what HTTP told (SOAPAction or the action parameter), without quotes.
	Action     string
	Addressing Addressing
}

// Addressing holds the WS-Addressing headers of a request; the zero value means none.
type Addressing struct {
	// Namespace is NSAddressing or NSAddressing2004, "" where the request has no
	// addressing headers.
	Namespace                      string
	MessageID, To, Action, ReplyTo string
}

// Options tells what Read takes.
type Options struct {
	// Limits of the XML; Limits.Bytes also bounds the envelope after MTOM parts are put in.
	Limits xmltree.Limits
	// RequireAddressing refuses requests without Action and MessageID headers.
	RequireAddressing bool
}

// reader collects findings while it walks one envelope.
type reader struct {
	t        *xmltree.Tree
	req      *Request
	findings []finding.Finding
}

func (r *reader) add(rule string, n xmltree.Node, value string, params ...finding.Param) {
	r.findings = append(r.findings, finding.Finding{
		Rule: rule, Place: r.t.Place(n, finding.SourceRequest), Value: value, Params: params,
	})
}
