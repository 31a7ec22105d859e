package rules

import (
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"portti/cda"
	"portti/internal/finding"
	"portti/internal/xmltree"
)

// vocabulary is data/xhtml.yaml: what a display form is made of.
type vocabulary struct {
	Elements   []string `yaml:"elements"`
	Forbidden  []string `yaml:"forbidden"`
	Attributes []string `yaml:"attributes"`
	Prefixes   []string `yaml:"prefixes"`
	Classes    []string `yaml:"classes"`
	Picture    int      `yaml:"picture"`

	allowed, forbidden, attributes, classes map[string]bool
}

// xhtmlVocabulary reads the embedded data; it panics where they are broken, which
// a test excludes.
var xhtmlVocabulary = sync.OnceValue(func() *vocabulary {
	v := &vocabulary{}
	if err := decode("data/xhtml.yaml", v); err != nil {
		panic(err)
	}
	v.allowed, v.forbidden = setOf(v.Elements), setOf(v.Forbidden)
	v.attributes, v.classes = setOf(v.Attributes), setOf(v.Classes)
	return v
})

func setOf(words []string) map[string]bool {
	out := make(map[string]bool, len(words))
	for _, w := range words {
		out[w] = true
	}
	return out
}

// maxXHTMLFindings bounds findings about one display form.
const maxXHTMLFindings = 100

// xhtml judges the display form (kanta-interface 6.1, DOC-12): well-formed, in
// its namespace, nothing that runs or is fetched.
func (c *checker) xhtml(p *cda.Part) {
	if !utf8.Valid(p.Bytes) {
		return // told by package cda
	}
	t, err := xmltree.Parse(p.Bytes, xmltree.DefaultLimits())
	if err != nil {
		c.xhtmlSyntax(err)
		return
	}
	x := xhtmlChecker{c: c, t: t, v: xhtmlVocabulary()}
	if t.Space(t.Root()) != "http://www.w3.org/1999/xhtml" {
		x.add(RuleXHTMLNamespace, t.Root(), t.Space(t.Root()))
	}
	if t.Local(t.Root()) != "div" || !slices.Contains(strings.Fields(t.Attr(t.Root(), "class")), "soc-document") {
		x.add(RuleXHTMLRoot, t.Root(), t.Local(t.Root()))
	}
	if id := t.Attr(t.Root(), "id"); id != "" && c.m.ID.Root != "" && id != "OID"+c.m.ID.Root {
		a, _ := t.LookupAttr(t.Root(), "", "id")
		x.addAttr(RuleXHTMLID, t.Root(), a, id)
	}
	for n := t.Root(); n < t.End(t.Root()) && x.count < maxXHTMLFindings; n++ {
		switch t.Kind(n) {
		case xmltree.Element:
			x.element(n)
		case xmltree.ProcInst:
			x.add(RuleXHTMLElement, n, t.Target(n))
		}
	}
	c.displayHetu(t)
}

func (c *checker) xhtmlSyntax(err error) {
	place := finding.Place{Source: finding.SourceXHTML}
	detail := ""
	if e, ok := err.(*xmltree.SyntaxError); ok {
		place.Line, place.Column, detail = e.Line, e.Column, e.Code
	}
	c.out.Add(finding.Finding{Rule: RuleXHTMLSyntax, Place: place, Params: []finding.Param{finding.P("detail", detail)}})
}

type xhtmlChecker struct {
	c     *checker
	t     *xmltree.Tree
	v     *vocabulary
	count int
	told  map[string]bool // remarks made once for each word
}

// once makes a remark about a word once in a display form.
func (x *xhtmlChecker) once(rule, word string) bool {
	if x.told[rule+word] {
		return false
	}
	if x.told == nil {
		x.told = map[string]bool{}
	}
	x.told[rule+word] = true
	return true
}

func (x *xhtmlChecker) add(rule string, n xmltree.Node, value string) {
	x.count++
	x.c.out.Add(finding.Finding{Rule: rule, Place: x.t.Place(n, finding.SourceXHTML), Value: value})
}

func (x *xhtmlChecker) addAttr(rule string, n xmltree.Node, a xmltree.Attr, value string, params ...finding.Param) {
	x.count++
	x.c.out.Add(finding.Finding{Rule: rule, Place: x.t.AttrPlace(n, a, finding.SourceXHTML), Value: value, Params: params})
}

func (x *xhtmlChecker) element(n xmltree.Node) {
	switch name := x.t.Local(n); {
	case x.v.forbidden[strings.ToLower(name)]:
		x.add(RuleXHTMLElement, n, name)
	case !x.v.allowed[name] && x.once(RuleXHTMLUnknownElement, name):
		x.add(RuleXHTMLUnknownElement, n, name)
	case name == "style" && fetches(x.t.Text(n)):
		x.add(RuleXHTMLStyle, n, "")
	}
	first, end := x.t.Attrs(n)
	for a := first; a < end; a++ {
		x.attribute(n, a)
	}
}

// fetches tells of a style that loads or runs something.
func fetches(style string) bool {
	l := strings.ToLower(style)
	return strings.Contains(l, "url(") || strings.Contains(l, "expression(") || strings.Contains(l, "@import")
}

// known judges an attribute's name and, of class, its words.
func (x *xhtmlChecker) known(n xmltree.Node, a xmltree.Attr, name string) {
	if name == "class" {
		for _, w := range strings.Fields(x.t.AttrValue(a)) {
			if strings.HasPrefix(w, "soc-") && !x.v.classes[w] && x.once(RuleXHTMLClass, w) {
				x.addAttr(RuleXHTMLClass, n, a, w)
			}
		}
		return
	}
	isPrefix := func(p string) bool { return strings.HasPrefix(name, p) }
	if !x.v.attributes[name] && !slices.ContainsFunc(x.v.Prefixes, isPrefix) && x.once(RuleXHTMLAttribute, name) {
		x.addAttr(RuleXHTMLAttribute, n, a, name)
	}
}

func (x *xhtmlChecker) attribute(n xmltree.Node, a xmltree.Attr) {
	name := strings.ToLower(x.t.AttrLocal(a))
	if strings.HasPrefix(name, "on") {
		x.addAttr(RuleXHTMLEvent, n, a, name)
		return
	}
	x.known(n, a, name)
	v := x.t.AttrValue(a)
	switch name {
	case "src", "background", "poster", "srcset", "data", "codebase":
		switch {
		case !dataImage(v):
			x.addAttr(RuleXHTMLExternal, n, a, scheme(v))
		case len(v) > x.v.Picture:
			x.addAttr(RuleXHTMLPicture, n, a, "", finding.P("size", itoa(len(v))), finding.P("limit", itoa(x.v.Picture)))
		}
	case "href", "action", "cite", "longdesc":
		if s := scheme(v); s != "" && s != "http" && s != "https" && s != "mailto" && s != "tel" {
			x.addAttr(RuleXHTMLScript, n, a, s)
		}
	case "style":
		if fetches(v) {
			x.addAttr(RuleXHTMLStyle, n, a, "")
		}
	}
}

// dataImage tells of an image that stands in the document itself.
func dataImage(v string) bool {
	v = strings.TrimLeft(v, " \t\r\n")
	return len(v) > 11 && strings.EqualFold(v[:11], "data:image/") && !strings.HasPrefix(strings.ToLower(v[11:min(len(v), 14)]), "svg")
}

// scheme gives a URL's scheme in small letters, as browsers read it: control
// characters and spaces inside it do not count. Empty for a relative one.
func scheme(v string) string {
	var b strings.Builder
	for _, r := range v[:min(len(v), 64)] {
		switch {
		case r <= ' ':
		case r == ':':
			return strings.ToLower(b.String())
		case r == '/' || r == '?' || r == '#':
			return ""
		default:
			b.WriteRune(r)
		}
	}
	return ""
}
