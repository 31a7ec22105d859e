package xmldsig

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"portti/internal/xmltree"
	"portti/xmldsig/bench"
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

// signedSample is a document to mutate, how it is judged, and how a mutated one
// is made right again.
type signedSample struct {
	name  string
	doc   string
	valid func(doc []byte) bool
	again func(doc string) string
}

func signedSamples(t *testing.T) []signedSample {
	t.Helper()
	var out []signedSample
	verifier := &Verifier{Trust: only{}, Now: newVerifier().Now}
	kanta := func(doc []byte) bool {
		tree, err := xmltree.Parse(doc, xmltree.Limits{})
		if err != nil {
			return false
		}
		v := verifier.Document(tree)
		_, body := v.Covered.Body()
		if body != v.Valid {
			t.Errorf("covered %v, valid %v", body, v.Valid)
		}
		return v.Valid
	}
	for name, o := range signingCases(t) {
		m := methods[o.Method]
		if o.Method == "" {
			m = method{rsaPKCS1, crypto.SHA256}
		}
		if m.scheme == rsaPSS || m.scheme == rsaPKCS1 && m.hash != crypto.SHA256 {
			continue // the judge lacks PSS
		}
		doc := mustSign(t, document(o.Type <= TypeMulti && !o.SignerBlock), o)
		verifier.Trust.(only)[string(o.Certificate.Raw)] = true
		out = append(out, signedSample{name, doc, kanta, func(doc string) string { return forger{key: o.Key, method: m, digest: true}.forge(t, doc) }})
	}
	keys := peerKeys(t)
	for _, c := range fewPeerCases() {
		if strings.HasPrefix(c.form, "kanta") {
			continue
		}
		k := keys[c.key]
		v := &Verifier{Trust: only{string(k.cert.Raw): true}} // keys come from the document, as the judge's do
		generic := func(doc []byte) bool {
			tree, err := xmltree.Parse(doc, xmltree.Limits{})
			return err == nil && soundBut(v.GenericAt(tree, testNow), k.key.Public(), RuleKeyUntrusted)
		}
		out = append(out, signedSample{c.String(), sealedTemplate(t, c, k), generic, func(doc string) string { return seal(t, doc, k.key) }})
	}
	return out
}

// only trusts the certificates that it has, by their DER: one that a mutation
// changed is no longer an authority's, and how far it can still be read is not
// what is compared here.
type only map[string]bool

func (o only) Judge(q TrustQuery) TrustAnswer {
	if o[string(q.Certificate.Raw)] {
		return TrustAnswer{}
	}
	return TrustAnswer{Faults: []TrustFault{{Rule: RuleTrustMissing}}}
}

// soundBut tells whether all signatures are right by that key and nothing but
// remarks and that rule was found.
func soundBut(v *Verdict, key crypto.PublicKey, rule string) bool {
	return len(v.Signatures) > 0 &&
		!slices.ContainsFunc(v.Signatures, func(s Signature) bool { return !s.Intact || !sameKey(s.Key, key) }) &&
		!slices.ContainsFunc(rules(v), func(r string) bool { return !IsRemark(r) && r != rule })
}

// sealedTemplate is a peerTemplate signed by the tests' own hand.
func sealedTemplate(tb testing.TB, c peerCase, k peerKey) string {
	tb.Helper()
	text := peerTemplate(tb, c, k)
	text = strings.Replace(text, "<X509Certificate/>", certText(k.cert), 1)
	text = strings.Replace(text, "<KeyValue/>", keyValueText(tb, k.key.Public()), 1)
	text = strings.ReplaceAll(text, "<DigestValue/>", "<DigestValue>"+base64.StdEncoding.EncodeToString(make([]byte, 32))+"</DigestValue>")
	text = strings.Replace(text, "<SignatureValue/>", "<SignatureValue>AAAA</SignatureValue>", 1)
	return seal(tb, text, k.key)
}

// TestNothingIsValidHereThatLibxmlsec1Refuses mutates signed documents of both
// policies; half of them are made right again after the change, by digests and
// values of ours, so that both sides must agree on every octet of the canonical
// form. 1,000 documents, or PORTTI_FUZZ_DOCS.
func TestNothingIsValidHereThatLibxmlsec1Refuses(t *testing.T) {
	j := bench.Start(t)
	samples := signedSamples(t)
	n := fuzzDocs(t)
	count := map[string]int{}
	for i := 0; count["asked"] < n; i++ {
		r := rand.New(rand.NewPCG(uint64(i), 11))
		s := samples[r.IntN(len(samples))]
		doc, names := mutate(r, s.doc)
		if names == nil || peculiar(doc) {
			continue
		}
		if r.IntN(2) == 0 {
			doc, names = s.again(doc), append(names, "made right again")
		}
		ours, theirs := s.valid([]byte(doc)), j.Verify(t, []byte(doc), 0).AllValid()
		count["asked"]++
		count[fmt.Sprintf("here %v, there %v", ours, theirs)]++
		if ours && !theirs {
			t.Errorf("%d: %s, %s: valid here, not there\n%s", i, s.name, strings.Join(names, ", "), doc)
		}
		if t.Failed() && count["here true, there false"] > 2 {
			break
		}
	}
	t.Log(count)
	if count["here true, there true"] < n/20 || count["here false, there false"] < n/20 {
		t.Error("the mutations do not reach far enough to tell anything")
	}
}

// peculiar tells of a document on which libxmlsec1 1.2 goes its own way: its
// base64 transform does not see CDATA sections, which are text (XML Signature
// 6.6.2: the string value of the node set), and it refuses a document with a
// namespace name that is relative or no URI even where no canonical form has it.
func peculiar(doc string) bool {
	if strings.Contains(doc, algBase64+`"`) && strings.Contains(doc, "<![CDATA[") {
		return true
	}
	tree, err := xmltree.Parse([]byte(doc), xmltree.Limits{})
	if err != nil {
		return true
	}
	for n := tree.Root(); int(n) < tree.Len(); n++ {
		first, end := tree.NSDecls(n)
		for i := first; i < end; i++ {
			if u, err := url.Parse(tree.NSURI(i)); tree.NSURI(i) != "" && (err != nil || !u.IsAbs() || strings.ContainsAny(tree.NSURI(i), "[]{}|\\^`<>\" ")) {
				return true
			}
		}
	}
	return false
}

// fuzzDocs is how many mutations the test judges.
func fuzzDocs(tb testing.TB) int {
	tb.Helper()
	s := os.Getenv("PORTTI_FUZZ_DOCS")
	if s == "" {
		return 1000
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

// FuzzVerify: no panic, and nothing covered beside a fault, whatever the bytes.
func FuzzVerify(f *testing.F) {
	for _, typ := range []int{TypeProfessional, TypeMulti, TypeSystem} {
		f.Add([]byte(signed(f, typ)))
	}
	f.Add([]byte(mustSign(f, signed(f, TypeSystem), options(f, TypeArchive))))
	for _, c := range genericCases(f) {
		f.Add([]byte(seal(f, c.doc(f, testRSA()), testRSA())))
	}
	v := &Verifier{Trust: anyone{}, Keys: []crypto.PublicKey{testRSA().Public()}, Legacy: true}
	f.Fuzz(func(t *testing.T, doc []byte) {
		tree, err := xmltree.Parse(doc, xmltree.Limits{})
		if err != nil {
			return
		}
		for _, verdict := range []*Verdict{v.DocumentAt(tree, testNow), v.GenericAt(tree, testNow)} {
			checkVerdict(t, tree, verdict)
		}
	})
}

// checkVerdict holds what must be true of every verdict: what counts as covered
// was digested anew here and has the digest that stands in the document.
func checkVerdict(t *testing.T, tree *xmltree.Tree, v *Verdict) {
	t.Helper()
	faults := slices.ContainsFunc(rules(v), func(r string) bool { return !IsRemark(r) })
	if v.Valid == faults {
		t.Fatalf("valid %v, findings %v", v.Valid, rules(v))
	}
	if !v.Valid && len(v.Covered.Elements()) > 0 {
		t.Fatal("something is covered beside faults")
	}
	for n := xmltree.Node(0); int(n) < tree.Len(); n++ {
		if v.Covered.Contains(n) && !v.Valid {
			t.Fatal("covered, not valid")
		}
	}
	for _, s := range v.Signatures {
		if s.Valid && !s.Intact || s.Intact && s.Key == nil {
			t.Fatalf("%+v", s)
		}
		for _, r := range s.References {
			if s.Intact && !r.Matches || r.Matches && r.Target == xmltree.None {
				t.Fatalf("%+v", r)
			}
		}
	}
}

// FuzzCanonicalize: no panic, and the canonical form of a document is its own
// canonical form.
func FuzzCanonicalize(f *testing.F) {
	for i := range 20 {
		f.Add(genDoc(rand.New(rand.NewPCG(uint64(i), 3))), uint8(i))
	}
	f.Fuzz(func(t *testing.T, doc []byte, apex uint8) {
		tree, err := xmltree.Parse(doc, xmltree.Limits{})
		if err != nil {
			return
		}
		for _, c := range canonicalizers {
			var element bytes.Buffer
			c.Prefixes = []string{"#default", "p"}[apex%3%2:]
			_ = c.Write(&element, tree, xmltree.Node(int(apex)%tree.Len()), xmltree.Node(int(apex/2)%tree.Len()))
			c.Prefixes = nil
			var once, twice bytes.Buffer
			if c.Write(&once, tree, xmltree.Doc) != nil {
				continue
			}
			again, err := xmltree.Parse(once.Bytes(), xmltree.Limits{Depth: 1 << 20, Bytes: 1 << 30, Attrs: 1 << 20})
			if err != nil {
				t.Fatalf("%+v: the canonical form does not parse: %v\n%q", c, err, once.Bytes())
			}
			if err := c.Write(&twice, again, xmltree.Doc); err != nil || !bytes.Equal(once.Bytes(), twice.Bytes()) {
				t.Fatalf("%+v: %v\n%q\n%q", c, err, once.Bytes(), twice.Bytes())
			}
		}
	})
}
