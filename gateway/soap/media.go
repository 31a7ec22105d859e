package soap

import (
	"mime"
	"strings"

	"portti/internal/finding"
)

// Media is what the Content-Type of a request says.
type Media struct {
	// Version is what the media type stands for; Unknown for a multipart that
	// does not tell.
	Version Version
	// Action is SOAP 1.2's action parameter.
	Action string
	// Boundary is set for multipart/related alone; Start names its root part by
	// Content-ID ("" means the first part).
	Boundary, Start string
	// XOP tells that the multipart's root is application/xop+xml (MTOM).
	XOP bool
}

// ParseMedia reads a Content-Type header. The finding tells why it is not taken
// (HTTP 415), nil where it is.
func ParseMedia(contentType string) (Media, *finding.Finding) {
	mt, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return Media{}, mediaFinding(RuleMediaUnsupported, contentType)
	}
	if f := charsetFinding(params["charset"]); f != nil {
		return Media{Version: mediaVersion(mt)}, f
	}
	switch mt {
	case Media11, Media12:
		return Media{Version: mediaVersion(mt), Action: params["action"]}, nil
	case "multipart/related":
		return relatedMedia(params, contentType)
	default:
		return Media{}, mediaFinding(RuleMediaUnsupported, mt)
	}
}

// relatedMedia reads the parameters of multipart/related: type
// application/xop+xml with the SOAP type in start-info (MTOM), or the SOAP type
// itself (SOAP with attachments).
func relatedMedia(params map[string]string, whole string) (Media, *finding.Finding) {
	m := Media{Boundary: params["boundary"], Start: cid(params["start"])}
	if m.Boundary == "" {
		return m, mediaFinding(RuleMediaUnsupported, whole)
	}
	root, inner := strings.ToLower(params["type"]), params["start-info"]
	switch root {
	case mediaXOP:
		m.XOP = true
		m.Version, m.Action = startInfo(inner)
		if a := params["action"]; m.Action == "" && a != "" {
			m.Action = a
		}
	case Media11, Media12, "":
		m.Version, m.Action = mediaVersion(root), params["action"]
	default:
		return m, mediaFinding(RuleMediaUnsupported, root)
	}
	return m, nil
}

// startInfo reads a start-info such as `application/soap+xml; action="…"`.
func startInfo(s string) (Version, string) {
	mt, params, err := mime.ParseMediaType(s)
	if err != nil {
		return Unknown, ""
	}
	return mediaVersion(mt), params["action"]
}

func mediaVersion(mt string) Version {
	switch mt {
	case Media11:
		return V11
	case Media12:
		return V12
	default:
		return Unknown
	}
}

// charsets are those that the XML parser knows. The parser goes by the byte order
// mark and the XML declaration; the parameter is only checked to be one it knows.
var charsets = map[string]bool{
	"": true, "utf-8": true, "utf8": true, "us-ascii": true, "iso-8859-1": true,
	"utf-16": true, "utf-16le": true, "utf-16be": true,
}

func charsetFinding(charset string) *finding.Finding {
	if charsets[strings.ToLower(charset)] {
		return nil
	}
	return mediaFinding(RuleCharsetUnsupported, charset)
}

func mediaFinding(rule, value string) *finding.Finding {
	return &finding.Finding{Rule: rule, Place: finding.Place{Source: finding.SourceRequest}, Value: value}
}

// cid takes the angle brackets off a Content-ID.
func cid(s string) string {
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(s), "<"), ">")
}

// CleanAction takes the quotes off a SOAPAction header.
func CleanAction(s string) string { return strings.Trim(strings.TrimSpace(s), `"`) }
