package xmldsig

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"portti/internal/xmltree"
)

// mutator changes signed documents in the ways that canonicalization and
// verification turn on. It works on the text, by the places that the tree gives.
type mutator struct {
	*rand.Rand
	doc  string
	tree *xmltree.Tree
}

// mutations are the kinds of change; each gives the document unchanged where it
// finds nothing to do.
var mutations = []struct {
	name string
	do   func(m *mutator) string
}{
	{"attributes swapped", (*mutator).swapAttributes},
	{"quotes changed", (*mutator).changeQuotes},
	{"white space in a text", (*mutator).spaceInText},
	{"white space in a tag", (*mutator).spaceInTag},
	{"a comment or instruction", (*mutator).insertAside},
	{"an element moved", (*mutator).moveElement},
	{"an element doubled", (*mutator).doubleElement},
	{"an element taken out", (*mutator).dropElement},
	{"an element wrapped", (*mutator).wrapElement},
	{"a character as reference", (*mutator).characterReference},
	{"a text as CDATA", (*mutator).cdata},
	{"another algorithm", (*mutator).algorithm},
	{"a transform more", (*mutator).addTransform},
	{"another reference", (*mutator).referenceURI},
	{"a declaration", (*mutator).declare},
	{"a prefix changed", (*mutator).rePrefix},
	{"an attribute", (*mutator).addAttribute},
	{"line ends", (*mutator).lineEnds},
	{"a character changed", (*mutator).changeCharacter},
	{"an id changed", (*mutator).changeID},
	{"an empty tag", (*mutator).emptyTags},
	{"a prefix list", (*mutator).prefixList},
	{"spare bits", (*mutator).spareBits},
}

func (m *mutator) pick(words ...string) string { return words[m.IntN(len(words))] }

// nodes gives the nodes of a kind.
func (m *mutator) nodes(kind xmltree.Kind) []xmltree.Node {
	var out []xmltree.Node
	for n := m.tree.Root(); int(n) < m.tree.Len(); n++ {
		if m.tree.Kind(n) == kind {
			out = append(out, n)
		}
	}
	return out
}

// element gives an element; half of the time one in or about the signature, where
// a change matters more.
func (m *mutator) element() xmltree.Node {
	all := m.nodes(xmltree.Element)
	if m.IntN(2) == 0 {
		near := slices.DeleteFunc(slices.Clone(all), func(n xmltree.Node) bool {
			return m.tree.Space(n) != nsDSig && !isBody(m.tree, n) && m.tree.Local(n) != "signatureTimestamp" && m.tree.Local(n) != "a"
		})
		if len(near) > 0 {
			all = near
		}
	}
	return all[m.IntN(len(all))]
}

func (m *mutator) text(n xmltree.Node) string {
	from, to := m.tree.Range(n)
	return m.doc[from:to]
}

// put replaces n's text.
func (m *mutator) put(n xmltree.Node, s string) string {
	from, to := m.tree.Range(n)
	return m.doc[:from] + s + m.doc[to:]
}

// tagEnd gives where the start tag of n ends, before ">" or "/>".
func (m *mutator) tagEnd(n xmltree.Node) int {
	from, _ := m.tree.Range(n)
	quote := byte(0)
	for i := from; ; i++ {
		switch c := m.doc[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			if m.doc[i-1] == '/' {
				return i - 1
			}
			return i
		}
	}
}

func (m *mutator) insert(at int, s string) string { return m.doc[:at] + s + m.doc[at:] }

// attributesOf splits a start tag's attributes as written.
func (m *mutator) attributesOf(n xmltree.Node) (from int, list []string) {
	start, _ := m.tree.Range(n)
	end := m.tagEnd(n)
	i := start + strings.IndexAny(m.doc[start:end+1], " \t\r\n/>")
	from = i
	for i < end {
		j := i
		for j < end && strings.IndexByte(" \t\r\n", m.doc[j]) >= 0 {
			j++
		}
		if j >= end {
			break
		}
		k := j + strings.IndexAny(m.doc[j:end], `"'`)
		k += 1 + strings.IndexByte(m.doc[k+1:], m.doc[k]) + 1
		list = append(list, m.doc[j:k])
		i = k
	}
	return from, list
}

func (m *mutator) swapAttributes() string {
	n := m.element()
	from, list := m.attributesOf(n)
	m.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	if len(list) == 0 {
		return m.doc
	}
	return m.doc[:from] + " " + strings.Join(list, m.pick(" ", "\n", "\t ")) + m.doc[m.tagEnd(n):]
}

func (m *mutator) changeQuotes() string {
	n := m.element()
	from, list := m.attributesOf(n)
	if len(list) == 0 {
		return m.doc
	}
	for i, a := range list {
		if !strings.Contains(a, "'") {
			list[i] = strings.ReplaceAll(a, `"`, "'")
		}
	}
	return m.doc[:from] + " " + strings.Join(list, " ") + m.doc[m.tagEnd(n):]
}

func (m *mutator) someText() xmltree.Node {
	texts := m.nodes(xmltree.Text)
	if len(texts) == 0 {
		return xmltree.None
	}
	return texts[m.IntN(len(texts))]
}

// place gives a place in a text that is not within a reference.
func (m *mutator) place(n xmltree.Node) int {
	from, to := m.tree.Range(n)
	for range 20 {
		at := from + m.IntN(to-from+1)
		if i := strings.LastIndexByte(m.doc[from:at], '&'); i >= 0 && !strings.Contains(m.doc[from+i:at], ";") {
			continue
		}
		if at < to && m.doc[at]&0xC0 == 0x80 { // within a character
			continue
		}
		return at
	}
	return from
}

func (m *mutator) spaceInText() string {
	n := m.someText()
	if n == xmltree.None {
		return m.doc
	}
	return m.insert(m.place(n), m.pick(" ", "\n", "\t", "\r\n", "&#13;", "&#32;", "  "))
}

func (m *mutator) spaceInTag() string {
	return m.insert(m.tagEnd(m.element()), m.pick(" ", "\n", "\r\n\t"))
}

func (m *mutator) insertAside() string {
	aside := m.pick("<!-- x -->", "<!---->", "<?x y?>", "<?x?>", "<!-- &amp; < -->")
	if m.IntN(2) == 0 {
		if n := m.someText(); n != xmltree.None {
			return m.insert(m.place(n), aside)
		}
	}
	from, to := m.tree.Range(m.element())
	return m.insert([]int{from, to}[m.IntN(2)], aside)
}

// inside gives a place between the children of an element that is not in n.
func (m *mutator) inside(n xmltree.Node) (int, bool) {
	for range 20 {
		p := m.element()
		if p >= n && p < m.tree.End(n) || m.doc[m.tagEnd(p)] == '/' {
			continue
		}
		if c := m.tree.FirstElement(p); c != xmltree.None && m.IntN(2) == 0 {
			from, to := m.tree.Range(c)
			at := []int{from, to}[m.IntN(2)]
			if a, b := m.tree.Range(n); at <= a || at >= b {
				return at, true
			}
		}
		return m.tagEnd(p) + 1, true
	}
	return 0, false
}

func (m *mutator) moveElement() string {
	n := m.element()
	at, ok := m.inside(n)
	if !ok || n == m.tree.Root() {
		return m.doc
	}
	from, to := m.tree.Range(n)
	text := m.text(n)
	if at <= from {
		return m.doc[:at] + text + m.doc[at:from] + m.doc[to:]
	}
	return m.doc[:from] + m.doc[to:at] + text + m.doc[at:]
}

func (m *mutator) doubleElement() string {
	n := m.element()
	at, ok := m.inside(n)
	if n == m.tree.Root() {
		return m.doc
	}
	if !ok || m.IntN(2) == 0 {
		_, at = m.tree.Range(n)
	}
	return m.insert(at, m.text(n))
}

func (m *mutator) dropElement() string {
	n := m.element()
	if n == m.tree.Root() {
		return m.doc
	}
	return m.put(n, "")
}

func (m *mutator) wrapElement() string {
	n := m.element()
	if n == m.tree.Root() {
		return m.doc
	}
	open := m.pick(`<w>`, `<w xmlns="">`, `<w xmlns="urn:w">`, `<w xmlns:p="urn:other">`, `<w xml:lang="sv">`, `<Object xmlns="`+nsDSig+`">`)
	return m.put(n, open+m.text(n)+"</"+strings.FieldsFunc(open, func(r rune) bool { return strings.ContainsRune("< >", r) })[0]+">")
}

func (m *mutator) characterReference() string {
	n := m.someText()
	if n == xmltree.None {
		return m.doc
	}
	at := m.place(n)
	_, to := m.tree.Range(n)
	if at >= to || m.doc[at] == '&' || m.doc[at] >= 0x80 || m.doc[at] == '\r' || m.doc[at] == '\n' {
		return m.doc
	}
	return m.doc[:at] + fmt.Sprintf(m.pick("&#%d;", "&#x%x;", "&#0%d;"), m.doc[at]) + m.doc[at+1:]
}

func (m *mutator) cdata() string {
	n := m.someText()
	if n == xmltree.None || strings.ContainsAny(m.text(n), "&\r") {
		return m.doc
	}
	text := m.text(n)
	at := m.place(n)
	from, _ := m.tree.Range(n)
	return m.put(n, text[:at-from]+"<![CDATA["+text[at-from:]+"]]>")
}

// algorithm changes an Algorithm attribute. PSS is left out: the judge lacks it.
func (m *mutator) algorithm() string {
	uris := []string{AlgRSASHA256, AlgRSASHA384, AlgRSASHA512, AlgECDSASHA256, AlgSHA256, AlgSHA384, AlgSHA512, algSHA1, algRSASHA1, more01 + "hmac-sha256",
		AlgEnveloped, algBase64, "http://www.w3.org/TR/1999/REC-xpath-19991116", "urn:x", ""}
	uris = append(uris, peerCanons...)
	return m.attribute("Algorithm", uris...)
}

// attribute sets one of the attributes of that name to one of the values.
func (m *mutator) attribute(name string, values ...string) string {
	var places []int
	for i := 0; ; {
		j := strings.Index(m.doc[i:], " "+name+`="`)
		if j < 0 {
			break
		}
		i += j + len(name) + 3
		places = append(places, i)
	}
	if len(places) == 0 {
		return m.doc
	}
	at := places[m.IntN(len(places))]
	return m.doc[:at] + m.pick(values...) + m.doc[at+strings.IndexByte(m.doc[at:], '"'):]
}

func (m *mutator) addTransform() string {
	at := strings.Index(m.doc, m.pick("<Transform ", "</Transforms>"))
	if at < 0 {
		return m.doc
	}
	return m.insert(at, `<Transform Algorithm="`+m.pick(append(peerCanons, AlgEnveloped, algBase64)...)+`"/>`)
}

func (m *mutator) referenceURI() string {
	return m.attribute("URI", "", "#a", "#b", "#o", "#m", "#xpointer(/)", "#xpointer(id('a'))", "#OID"+testOID, "#sig3", "#sig3.time", "#nowhere", "x")
}

func (m *mutator) declare() string {
	return m.insert(m.tagEnd(m.element()), " "+m.pick(`xmlns:p="urn:p"`, `xmlns:p="urn:q"`, `xmlns:unused="urn:u"`, `xmlns:xml="http://www.w3.org/XML/1998/namespace"`, `xmlns:hl7fi="urn:hl7finland"`,
		`xmlns:a="urn:a" a:b="c"`, `xmlns:z="urn:z" xmlns:b="urn:b" z:x="1" b:x="2" x="3"`, `xmlns=""`))
}

// rePrefix gives an element a prefix of its own for its namespace.
func (m *mutator) rePrefix() string {
	n := m.element()
	space := m.tree.Space(n)
	if space == "" || m.doc[m.tagEnd(n)] == '/' {
		return m.doc
	}
	text := m.text(n)
	name := text[1:strings.IndexAny(text, " \t\r\n>")]
	end := strings.LastIndex(text, "</")
	return m.put(n, "<zz:"+m.tree.Local(n)+` xmlns:zz="`+space+`"`+text[1+len(name):end]+"</zz:"+m.tree.Local(n)+">")
}

func (m *mutator) addAttribute() string {
	return m.insert(m.tagEnd(m.element()), " "+m.pick(`new="1"`, `xml:lang="sv"`, `xml:space="preserve"`, `xml:base="http://h/a/"`, `xml:base="c/d"`, `xml:id="n`+strconv.Itoa(m.IntN(1e9))+`"`,
		`Id="a"`, `ID="OID`+testOID+`"`, `id="x"`, `new="a&#9;b&#10;&#13;&lt;&quot;'"`, "new=\"a\tb\nc\""))
}

func (m *mutator) lineEnds() string {
	if m.IntN(2) == 0 {
		return strings.ReplaceAll(strings.ReplaceAll(m.doc, "\r\n", "\n"), "\n", "\r\n")
	}
	return strings.ReplaceAll(strings.ReplaceAll(m.doc, "\r\n", "\n"), "\n", "\r")
}

func (m *mutator) changeCharacter() string {
	at := m.IntN(len(m.doc))
	c := m.doc[at]
	if c >= 0x80 || strings.IndexByte("<>&\"'", c) >= 0 {
		return m.doc
	}
	return m.doc[:at] + string(rune('!'+m.IntN(90))) + m.doc[at+1:]
}

func (m *mutator) changeID() string {
	name := m.pick(" ID=", " Id=", " id=")
	if !strings.Contains(m.doc, name) {
		return m.doc
	}
	return strings.Replace(m.doc, name, m.pick(" ID=", " Id=", " id=", " iD=", " name="), 1)
}

func (m *mutator) emptyTags() string {
	n := m.element()
	text := m.text(n)
	switch at := m.tagEnd(n); {
	case m.doc[at] == '/':
		name := text[1:strings.IndexAny(text, " \t\r\n/")]
		return m.doc[:at] + "></" + name + ">" + m.doc[at+2:]
	case m.tree.FirstChild(n) == xmltree.None:
		from, to := m.tree.Range(n)
		return m.doc[:from] + m.doc[from:at] + "/>" + m.doc[to:]
	}
	return m.doc
}

func (m *mutator) prefixList() string {
	for _, mark := range []string{"></Transform>", "></CanonicalizationMethod>", `c14n#"/>`} {
		if i := strings.Index(m.doc, mark); i >= 0 && m.IntN(2) == 0 {
			list := `<InclusiveNamespaces xmlns="` + nsExc + `" PrefixList="` + m.pick("#default", "p", "hl7fi xsi", "unknown", "#default p hl7fi", "") + `"/>`
			if strings.HasSuffix(mark, "/>") {
				at := i + len(`c14n#"`)
				name := "Transform"
				if strings.LastIndex(m.doc[:i], "<CanonicalizationMethod") > strings.LastIndex(m.doc[:i], "<Transform ") {
					name = "CanonicalizationMethod"
				}
				return m.doc[:at] + ">" + list + "</" + name + ">" + m.doc[at+2:]
			}
			return m.insert(i+1, list)
		}
	}
	return m.doc
}

// spareBits changes the bits of base64 that decode to nothing.
func (m *mutator) spareBits() string {
	at := strings.LastIndex(m.doc[:1+m.IntN(len(m.doc)-1)], "=<")
	if at < 1 {
		return m.doc
	}
	return m.doc[:at-1] + m.pick("A", "B", "R", "/", "=") + m.doc[at:]
}

// mutate makes one to three changes, and tells which. What does not parse any
// more is given up.
func mutate(r *rand.Rand, doc string) (string, []string) {
	var names []string
	for range 1 + r.IntN(3) {
		tree, err := xmltree.Parse([]byte(doc), xmltree.Limits{})
		if err != nil {
			return doc, nil
		}
		x := mutations[r.IntN(len(mutations))]
		next := x.do(&mutator{r, doc, tree})
		if next != doc {
			names = append(names, x.name)
		}
		doc = next
	}
	if _, err := xmltree.Parse([]byte(doc), xmltree.Limits{}); err != nil {
		return doc, nil
	}
	return doc, names
}
