package soap

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime/multipart"
	"net/url"
	"slices"
	"strings"

	"portti/internal/finding"
	"portti/internal/xmltree"
)

// maxParts bounds the parts of a multipart request.
const maxParts = 64

// multipartMessage is a request of several parts: the envelope and its attachments.
type multipartMessage struct {
	root  []byte
	parts []part
}

type part struct {
	id   string
	data []byte
	used bool
}

// splitParts takes a multipart/related body apart. The octets are not copied more
// than once.
func splitParts(media *Media, body []byte) (*multipartMessage, *finding.Finding) {
	parts, f := readParts(media.Boundary, body)
	if f != nil {
		return nil, f
	}
	i := 0
	if media.Start != "" {
		i = slices.IndexFunc(parts, func(p part) bool { return p.id == media.Start })
	}
	if i < 0 || i >= len(parts) {
		return nil, mtomFinding(RuleMTOMNoRoot)
	}
	root := parts[i].data
	return &multipartMessage{root: root, parts: slices.Delete(parts, i, i+1)}, nil
}

func readParts(boundary string, body []byte) ([]part, *finding.Finding) {
	var parts []part
	ids := map[string]bool{}
	mr := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		p, err := mr.NextRawPart()
		if errors.Is(err, io.EOF) {
			return parts, nil
		}
		if err != nil {
			return nil, mtomFinding(RuleMTOMBroken)
		}
		if len(parts) == maxParts {
			return nil, mtomFinding(RuleMTOMTooMany)
		}
		data, err := io.ReadAll(p)
		if err != nil {
			return nil, mtomFinding(RuleMTOMBroken)
		}
		if data, err = decode(p.Header.Get("Content-Transfer-Encoding"), data); err != nil {
			return nil, mtomFinding(RuleMTOMPartEncoding, partName(len(parts)))
		}
		id := cid(p.Header.Get("Content-ID"))
		if id != "" && ids[id] {
			return nil, mtomFinding(RuleMTOMPartTwice, partName(len(parts)))
		}
		ids[id] = true
		parts = append(parts, part{id: id, data: data})
	}
}

// errTransferEncoding is an encoding of a part that is not taken.
var errTransferEncoding = errors.New("transfer encoding of a part is not supported")

func decode(encoding string, data []byte) ([]byte, error) {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "binary", "8bit", "7bit":
		return data, nil
	case "base64":
		out := make([]byte, base64.StdEncoding.DecodedLen(len(data)))
		n, err := base64.StdEncoding.Decode(out, data)
		return out[:n], err
	}
	return nil, errTransferEncoding
}

// assemble puts the attachments into the envelope where xop:Include stands, as
// base64, and parses the result: the complete message as the standard means it
// (XOP 1.0, 3.2). The envelope with its includes is parsed by the same parser
// first, only to learn the byte ranges of the includes; nothing is read from that
// tree. A message without attachments is parsed once.
func (m *multipartMessage) assemble(lim xmltree.Limits) (*xmltree.Tree, []finding.Finding) {
	t, fs := parseXML(m.root, lim)
	if t == nil {
		return nil, fs
	}
	src, f := m.fill(t, lim)
	if f != nil {
		return nil, []finding.Finding{*f}
	}
	if i := slices.IndexFunc(m.parts, func(p part) bool { return !p.used }); i >= 0 {
		return nil, []finding.Finding{*mtomFinding(RuleMTOMPartUnused, partName(i))}
	}
	if src == nil {
		return t, nil
	}
	return parseXML(src, lim)
}

// fill gives the envelope with every include replaced, nil where there is none.
func (m *multipartMessage) fill(t *xmltree.Tree, lim xmltree.Limits) ([]byte, *finding.Finding) {
	var out []byte
	done := 0
	wide := strings.HasPrefix(t.Encoding(), "UTF-16") // octets of base64 cannot be put in as they are
	for n := t.Root(); int(n) < t.Len(); n++ {
		if t.Kind(n) != xmltree.Element || !t.Is(n, nsXOP, "Include") {
			continue
		}
		if wide {
			f := includeFinding(t, n, RuleXMLEncoding)
			return nil, &f
		}
		p, f := m.target(t, n)
		if f != nil {
			return nil, f
		}
		start, end := t.Range(n)
		grown := len(out) + start - done + base64.StdEncoding.EncodedLen(len(p.data))
		if limit := lim.Bytes; limit > 0 && grown+len(m.root)-end > limit {
			f := includeFinding(t, n, RuleMTOMSize)
			return nil, &f
		}
		out = append(out, m.root[done:start]...)
		out = base64.StdEncoding.AppendEncode(out, p.data)
		done = end
	}
	if done == 0 {
		return nil, nil
	}
	return append(out, m.root[done:]...), nil
}

// target finds the part that an include names. One part serves one include: two
// includes of the same part would let a small message grow without bound.
func (m *multipartMessage) target(t *xmltree.Tree, n xmltree.Node) (*part, *finding.Finding) {
	href := t.Attr(n, "href")
	id, ok := strings.CutPrefix(href, "cid:")
	if !ok {
		f := includeFinding(t, n, RuleMTOMHref)
		return nil, &f
	}
	if plain, err := url.PathUnescape(id); err == nil {
		id = plain
	}
	for i := range m.parts {
		if p := &m.parts[i]; p.id == id && !p.used {
			p.used = true
			return p, nil
		}
	}
	f := includeFinding(t, n, RuleMTOMPartMissing)
	return nil, &f
}

func includeFinding(t *xmltree.Tree, n xmltree.Node, rule string) finding.Finding {
	return finding.Finding{Rule: rule, Place: t.Place(n, finding.SourceRequest)}
}

func mtomFinding(rule string, params ...finding.Param) *finding.Finding {
	return &finding.Finding{Rule: rule, Place: finding.Place{Source: finding.SourceRequest}, Params: params}
}
