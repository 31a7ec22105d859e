package xmldsig

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"portti/internal/finding"
	"portti/internal/xmltree"
)

// codeSystemType is the code system of signatureDescription.
const codeSystemType = "1.2.246.537.5.40127.2006"

// kanta is the judgement of one document under the policy of that name.
type kanta struct {
	judgement
	layout  layout
	items   []item
	targets []target
}

// item is one signature of the collection as read.
type item struct {
	node      xmltree.Node
	typ       int
	timestamp xmltree.Node
	time      time.Time
	timeRead  bool
	list      xmltree.Node // multipleDocumentSignature
	docs      []DocumentHash
	ownFaulty bool // the own entry was refused
	dsig      *dsig
	faults    int // while reading
}

// run reads all signatures, sweeps the tree once, then computes.
func (k *kanta) run() {
	var ok bool
	if k.layout, ok = k.locate(); !ok {
		return
	}
	for _, n := range k.layout.signatures {
		before := k.faults
		it := k.item(n)
		it.faults = k.faults - before
		k.items = append(k.items, it)
	}
	k.wanted()
	k.sweep(&k.layout, k.targets)
	for i := range k.items {
		k.verdict.Signatures = append(k.verdict.Signatures, k.judge(&k.items[i]))
	}
	k.signerBlocks()
	k.cover()
}

// item reads one national signature element.
func (k *kanta) item(n xmltree.Node) item {
	it := item{node: n, timestamp: xmltree.None, list: xmltree.None}
	var first [4]xmltree.Node
	var count [4]int
	for c := range k.t.Children(n) {
		i := -1
		switch {
		case k.t.Is(c, nsFI, "signatureDescription"):
			i = 0
		case k.t.Is(c, nsFI, "signatureTimestamp"):
			i = 1
		case k.t.Is(c, nsFI, "multipleDocumentSignature"):
			i = 2
		case k.t.Is(c, nsDSig, "Signature"):
			i = 3
		default:
			continue
		}
		if count[i] == 0 {
			first[i] = c
		}
		if count[i]++; count[i] == 2 {
			k.add([...]string{RuleTypeRepeated, RuleTimeRepeated, RuleListRepeated, RuleXMLDSigRepeated}[i], c, "")
		}
	}
	k.readType(&it, first[0], count[0])
	k.readTime(&it, first[1], count[1])
	k.readList(&it, first[2], count[2])
	if count[3] == 0 {
		k.add(RuleXMLDSigMissing, n, "")
	} else {
		it.dsig = k.signature(first[3])
	}
	return it
}

func (k *kanta) readType(it *item, n xmltree.Node, count int) {
	if count == 0 {
		k.add(RuleTypeMissing, it.node, "")
		return
	}
	code := k.t.Attr(n, "code")
	if len(code) == 1 && code[0] >= '1' && code[0] <= '4' {
		it.typ = int(code[0] - '0')
	} else {
		k.add(RuleTypeUnknown, n, code)
	}
	if system := k.t.Attr(n, "codeSystem"); system != codeSystemType {
		k.add(RuleTypeCodeSystem, n, system, finding.P("expected", codeSystemType))
	}
}

// readTime reads the signing time and holds it against arrival.
func (k *kanta) readTime(it *item, n xmltree.Node, count int) {
	it.time = k.arrival
	if count == 0 {
		k.add(RuleTimeMissing, it.node, "")
		return
	}
	it.timestamp = n
	text := k.t.Text(n)
	at, fault := parseDateTime(text)
	switch fault {
	case timeBad:
		k.add(RuleTimeFormat, n, text)
		return
	case timeNoZone:
		k.add(RuleTimeZone, n, text)
		return
	}
	it.time, it.timeRead = at, true
	arrival := finding.P("arrival", k.arrival.UTC().Format(time.RFC3339))
	if at.After(k.arrival.Add(k.maxFuture())) {
		k.add(RuleTimeFuture, n, text, arrival)
	} else if age := k.maxAge(); age > 0 && at.Before(k.arrival.Add(-age)) {
		k.add(RuleTimeOld, n, text, arrival)
	}
}

// readList reads the list of a multi-document signature (interface 7.4).
func (k *kanta) readList(it *item, n xmltree.Node, count int) {
	switch {
	case it.typ == TypeMulti && count == 0:
		k.add(RuleListMissing, it.node, "")
	case it.typ != TypeMulti && it.typ != 0 && count > 0:
		k.add(RuleListUnexpected, n, strconv.Itoa(it.typ), finding.P("type", strconv.Itoa(it.typ)))
	case count > 0:
		it.list = n
		k.readRefs(it)
	}
}

func (k *kanta) readRefs(it *item) {
	first := k.t.FirstElement(it.list)
	count := k.count(first)
	if count < 2 {
		k.add(RuleListShort, it.list, strconv.Itoa(count), finding.P("count", strconv.Itoa(count)))
	}
	if count > k.lim.Documents {
		k.add(RuleListTooLong, it.list, strconv.Itoa(count), finding.P("count", strconv.Itoa(count)), finding.P("limit", strconv.Itoa(k.lim.Documents)))
		return
	}
	it.docs = make([]DocumentHash, 0, count)
	seen := make(map[string]bool, count)
	for c := first; c != xmltree.None; c = k.t.NextElement(c) {
		oid := k.t.Attr(c, "OID")
		hash, ok := decodeBase64([]byte(k.t.Attr(c, "hash")), 64)
		if _, known := k.listHash(len(hash)); !ok || !known || oid == "" || !k.t.Is(c, nsFI, "Ref") {
			k.add(RuleListRefFormat, c, k.t.Attr(c, "hash"))
			it.ownFaulty = it.ownFaulty || oid == k.layout.ownID
			continue
		}
		if seen[oid] {
			k.add(RuleListRefTwice, c, oid)
			continue
		}
		seen[oid] = true
		it.docs = append(it.docs, DocumentHash{Node: c, OID: strings.Clone(oid), Hash: hash, Own: oid == k.layout.ownID})
	}
}

// wanted lists the ids that references name, each once.
func (k *kanta) wanted() {
	for i := range k.items {
		if k.items[i].dsig == nil {
			continue
		}
		for _, ref := range k.items[i].dsig.refs {
			if ref.id != "" && !slices.ContainsFunc(k.targets, func(x target) bool { return x.id == ref.id }) {
				k.targets = append(k.targets, target{id: ref.id, node: xmltree.None})
			}
		}
	}
}

// judge computes one signature.
func (k *kanta) judge(it *item) Signature {
	before := k.faults - it.faults
	s := Signature{Type: it.typ, ID: strings.Clone(k.t.Attr(it.node, "ID")), Node: it.node, Documents: it.docs}
	if it.timeRead {
		s.Time = it.time
	}
	if it.dsig != nil {
		s.References = k.references(it)
		k.ownHash(it)
		certs := k.certificates(it.dsig)
		s.Method = it.dsig.uri
		if s.Signer = certs.signer; s.Signer != nil {
			s.Key = k.value(it.dsig, publicKey{s.Signer.PublicKey, certs.node})
		} else {
			k.value(it.dsig)
		}
		s.Intact = k.faults == before && s.Key != nil && allMatch(s.References)
		k.askTrust(it, certs, &s)
	}
	s.Valid = s.Intact && k.faults == before
	return s
}

func (k *kanta) askTrust(it *item, certs certificates, s *Signature) {
	if certs.signer == nil {
		return
	}
	if k.Trust == nil {
		k.add(RuleTrustMissing, certs.node, "")
		return
	}
	answer := k.Trust.Judge(TrustQuery{
		Certificate: certs.signer, Intermediates: certs.others,
		Type: it.typ, Time: it.time, Arrival: k.arrival,
	})
	s.Chain = answer.Chain
	k.trust(answer.Faults, certs.node)
}

// cover works out what the valid signatures cover. One fault anywhere, and
// nothing counts as covered: a document is taken or refused as a whole.
func (k *kanta) cover() {
	if k.faults > 0 || len(k.verdict.Signatures) == 0 || k.layout.body == xmltree.None {
		return
	}
	c := &k.verdict.Covered
	c.t, c.body, c.hasBody = k.t, k.layout.body, true
	for i := range k.verdict.Signatures {
		s := &k.verdict.Signatures[i]
		if !s.Valid {
			*c = Covered{}
			return
		}
		coversBody := false
		for _, ref := range s.References {
			c.add(ref.part)
			coversBody = coversBody || ref.Target == k.layout.body
		}
		if s.Type == TypeMulti { // by the own hash in the covered list
			coversBody = true
			c.add(part{node: k.layout.body, except: xmltree.None})
		}
		c.hasBody = c.hasBody && coversBody
	}
	slices.Sort(c.elements)
}
