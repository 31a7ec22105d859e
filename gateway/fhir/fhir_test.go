package fhir

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"portti/cda/rules/catalogue"
	"portti/fixtures"
	"portti/gateway/pipeline"
	"portti/internal/finding"
	"portti/store"
)

// fake is an archive in memory.
type fake struct {
	filed  []store.FiledBundle
	logged []store.Entries
	out    *store.FileOutcome
	err    error
}

func (f *fake) File(_ context.Context, b store.FiledBundle) (store.FileOutcome, error) {
	if f.err != nil {
		return store.FileOutcome{}, f.err
	}
	f.filed = append(f.filed, b)
	if f.out != nil {
		return *f.out, nil
	}
	out := store.FileOutcome{Refused: -1}
	for range b.Notices {
		out.Filed, out.Arrived = append(out.Filed, true), append(out.Arrived, b.Message.Arrived)
	}
	return out, nil
}

func (f *fake) Log(_ context.Context, e store.Entries) error {
	f.logged = append(f.logged, e)
	return f.err
}

const oid = "1.2.246.10.99999901.10.0.95.2026.8.1"

var world = fixtures.Default()

func service(t testing.TB, a *fake) *Service {
	t.Helper()
	s, err := New(Options{Archive: a, Profile: catalogue.Strict, World: pipeline.Test, Lang: catalogue.English, Owner: "unidentified",
		MayActFor: func(p pipeline.Peer, controller string, _ time.Time) bool { return p.Organisation == controller },
		Joined:    func(p pipeline.Peer, _ time.Time) bool { return p.Organisation != "stranger" },
		Parallel:  2, Now: func() time.Time { return world.Now }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func request(body []byte) Request {
	return Request{ID: "r1", Arrived: world.Now, ContentType: mediaJSON, Authorization: "Bearer t", Body: body,
		Peer: pipeline.Peer{Organisation: world.Organisations[0].OID}}
}

// issues gives the rules of an OperationOutcome with their expressions.
func issues(t testing.TB, a Answer) (out []string) {
	t.Helper()
	var o outcome
	if err := json.Unmarshal(a.Body, &o); err != nil || o.ResourceType != "OperationOutcome" || len(o.Issue) == 0 {
		t.Fatalf("no OperationOutcome: %s %v", a.Body, err)
	}
	for _, i := range o.Issue {
		if i.Diagnostics == "" || i.Code == "" || i.Severity == "" {
			t.Errorf("an issue lacks something: %+v", i)
		}
		out = append(out, i.Details.Coding[len(i.Details.Coding)-1].Code+" "+strings.Join(i.Expression, ""))
	}
	return out
}

func TestLUO6_ANoticeBecomesDisclosureRows(t *testing.T) {
	a := &fake{}
	n := world.Notice(oid)
	n.Items = append(n.Items, fixtures.NoticeItem{Document: "1.2.246.10.99999901.95.1", Description: "Suunnitelma", Task: fixtures.TaskChildProtection})
	body := world.Notices(n)
	got := service(t, a).Answer(t.Context(), request(body))
	if got.Status != http.StatusOK || len(a.filed) != 1 {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	var r response
	if err := json.Unmarshal(got.Body, &r); err != nil || r.Type != "transaction-response" || len(r.Entry) != 2 ||
		r.Entry[0].Response.Status != "201 Created" || r.Entry[0].Response.Location != "AuditEvent/"+oid {
		t.Errorf("%s %v", got.Body, err)
	}
	f := a.filed[0]
	if !bytes.Equal(f.Body, body) || f.Authorization != "Bearer t" || f.Owner != world.Organisations[0].OID || len(f.Notices) != 1 || f.Notices[0].ID != oid {
		t.Errorf("kept %+v", f)
	}
	ds := f.Notices[0].Disclosures
	if len(ds) != 2 {
		t.Fatalf("%d rows", len(ds))
	}
	d := ds[1]
	want := store.Disclosure{At: d.At, DataController: world.Organisations[0].OID, LogController: world.Organisations[0].OID, Client: world.Client("child").Hetu,
		Discloser: n.Discloser.Given + " " + n.Discloser.Family, UserName: "Veera Vastaanottaja", Recipient: "Testiviraston toimisto",
		DocumentID: "1.2.246.10.99999901.95.1", Description: "Suunnitelma", Purpose: "4", Ground: "703/2023 55", Detail: d.Detail}
	if fmt.Sprintf("%+v", d) != fmt.Sprintf("%+v", want) || !d.At.Equal(n.At) {
		t.Errorf("got  %+v\nwant %+v", d, want)
	}
	if s := string(d.Detail); !strings.Contains(s, `"tasks":["10"]`) || !strings.Contains(s, `"language":"fi"`) || !strings.Contains(s, `"typeOfDisclosure":"1"`) {
		t.Errorf("detail %s", s)
	}
	if u := f.Usage[0]; u.Action != "notice" || u.Client != world.Client("child").Hetu || u.UserName == "" || u.DataController != world.Organisations[0].OID {
		t.Errorf("usage %+v", u)
	}
}

// edit changes a bundle by way of its JSON.
func edit(t testing.TB, change func(b map[string]any)) []byte {
	t.Helper()
	var b map[string]any
	if err := json.Unmarshal(world.Notices(world.Notice(oid)), &b); err != nil {
		t.Fatal(err)
	}
	change(b)
	out, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func entryOf(b map[string]any, i int) map[string]any { return b["entry"].([]any)[i].(map[string]any) }
func event(b map[string]any) map[string]any          { return entryOf(b, 0)["resource"].(map[string]any) }
func provenance(b map[string]any) map[string]any     { return entryOf(b, 1)["resource"].(map[string]any) }
func member(x any, i int) map[string]any             { return x.([]any)[i].(map[string]any) }

// Each fault is told by its rule alone and at its place.
func TestLUO6_EveryFaultHasItsRuleAndPlace(t *testing.T) {
	const at = "Bundle.entry[0].resource"
	for name, c := range map[string]struct {
		change func(b map[string]any)
		want   []string
	}{
		"batch":               {func(b map[string]any) { b["type"] = "batch" }, []string{RuleBundle + " Bundle"}},
		"patient as an entry": {func(b map[string]any) { entryOf(b, 1)["resource"] = map[string]any{"resourceType": "Patient"} }, []string{RuleResource + " Bundle.entry[1]", RulePair + " " + at}},
		"other target":        {func(b map[string]any) { provenance(b)["target"] = []any{map[string]any{"reference": "urn:oid:1.2.3"}} }, []string{RulePair + " Bundle.entry[1].resource", RulePair + " " + at}},
		"update": {func(b map[string]any) {
			entryOf(b, 0)["request"] = map[string]any{"method": "PUT", "url": "AuditEvent/1"}
		}, []string{RuleCreate + " Bundle.entry[0]"}},
		"other full url":     {func(b map[string]any) { entryOf(b, 0)["fullUrl"] = "urn:oid:1.2.3" }, []string{RuleFullURL + " Bundle.entry[0]"}},
		"no recorded":        {func(b map[string]any) { delete(event(b), "recorded") }, []string{RuleMissing + " " + at}},
		"no language":        {func(b map[string]any) { delete(provenance(b), "language") }, []string{RuleMissing + " Bundle.entry[1].resource"}},
		"bad instant":        {func(b map[string]any) { event(b)["recorded"] = "2.3.2026" }, []string{RuleForm + " " + at + ".recorded"}},
		"bad boolean":        {func(b map[string]any) { member(event(b)["agent"], 2)["requestor"] = "perhaps" }, []string{RuleForm + " " + at + ".agent[2].requestor"}},
		"dangling reference": {func(b map[string]any) { member(event(b)["agent"], 1)["who"] = map[string]any{"reference": "#nobody"} }, []string{RuleReference + " " + at + ".agent[1].who.reference"}},
		"no controller":      {func(b map[string]any) { delete(member(event(b)["contained"], 0), "extension") }, []string{RuleController + " " + at}},
		"no recipient":       {func(b map[string]any) { event(b)["agent"] = event(b)["agent"].([]any)[:2] }, []string{RuleRecipient + " " + at}},
		"undescribed item": {func(b map[string]any) {
			delete(member(event(b)["entity"], 1), "name")
			delete(member(event(b)["entity"], 1), "detail")
		}, []string{RuleItem + " " + at + ".entity[1]"}},
		"no task":     {func(b map[string]any) { delete(member(event(b)["entity"], 1), "extension") }, []string{RuleTask + " " + at + ".entity[1]"}},
		"bad hetu":    {func(b map[string]any) { setPerson(b, "010181-9000") }, []string{RuleIdentity + " " + at + ".entity[0].what.identifier[0]"}},
		"real person": {func(b map[string]any) { setPerson(b, "131052-308T") }, []string{RuleTestPerson + " " + at + ".entity[0].what.identifier[0]", RuleTestPerson + " Bundle"}},
		"no person":   {func(b map[string]any) { setPerson(b, "x")["system"] = "urn:other" }, []string{RuleTask + " " + at + ".entity[0]", RuleItem + " " + at + ".entity[0]", RulePerson + " " + at}},
		"future":      {func(b map[string]any) { event(b)["period"] = map[string]any{"start": "2999-01-01T00:00:00Z"} }, []string{RuleFuture + " " + at + ".period.start"}},
		"several at once": {func(b map[string]any) {
			delete(event(b), "type")
			delete(provenance(b), "recorded")
		}, []string{RuleMissing + " " + at, RuleMissing + " Bundle.entry[1].resource"}},
	} {
		a := &fake{}
		got := service(t, a).Answer(t.Context(), request(edit(t, c.change)))
		var have []string
		for _, i := range issues(t, got) {
			if !strings.HasPrefix(i, RuleUnverified) {
				have = append(have, i)
			}
		}
		slices.Sort(have)
		slices.Sort(c.want)
		if got.Status != http.StatusBadRequest || !slices.Equal(have, c.want) {
			t.Errorf("%s: %d %q, want %q", name, got.Status, have, c.want)
		}
		if len(a.filed) != 0 || len(a.logged) != 1 || a.logged[0].Message.Raw == nil {
			t.Errorf("%s: filed %d, logged %d", name, len(a.filed), len(a.logged))
		}
	}
}

func setPerson(b map[string]any, value string) map[string]any {
	id := member(event(b)["entity"], 0)["what"].(map[string]any)["identifier"].(map[string]any)
	id["value"] = value
	return id
}

// What a national profile does not have is a remark, and so is a missing signature.
func TestLUO6_RemarksDoNotRefuse(t *testing.T) {
	a := &fake{}
	got := service(t, a).Answer(t.Context(), request(edit(t, func(b map[string]any) {
		delete(b, "signature")
		event(b)["outcome"] = "0"
	})))
	if got.Status != http.StatusOK || !slices.Equal(got.Report.Rules, []string{RuleUnwanted, RuleSignature}) {
		t.Errorf("%d %v %s", got.Status, got.Report.Rules, got.Body)
	}
}

func TestLUO6_TwoPersonsInABundle(t *testing.T) {
	other := world.Notice(oid + "2")
	other.Client = world.Client("elder")
	got := service(t, &fake{}).Answer(t.Context(), request(world.Notices(world.Notice(oid), other)))
	if is := issues(t, got); !slices.ContainsFunc(is, func(s string) bool { return strings.HasPrefix(s, RulePersons) }) {
		t.Errorf("%q", is)
	}
	// One temporary code under another root is another person (DOC-10).
	first, stranger := world.Notice(oid), *world.Client("temporary")
	stranger.TemporaryRoot = stranger.TemporaryRoot[:len(stranger.TemporaryRoot)-4] + "2001"
	first.Client, other.Client = world.Client("temporary"), &stranger
	got = service(t, &fake{}).Answer(t.Context(), request(world.Notices(first, other)))
	if is := issues(t, got); !slices.ContainsFunc(is, func(s string) bool { return strings.HasPrefix(s, RulePersons) }) {
		t.Errorf("two roots: %q", is)
	}
	same := world.Notice(oid)
	got = service(t, &fake{}).Answer(t.Context(), request(world.Notices(world.Notice(oid), same)))
	if is := issues(t, got); !slices.ContainsFunc(is, func(s string) bool { return strings.HasPrefix(s, RuleRepeatedID) }) {
		t.Errorf("%q", is)
	}
}

// toXML writes a bundle in FHIR's XML.
func toXML(t testing.TB, body []byte) []byte {
	t.Helper()
	root, f := readJSON(body)
	if f != nil {
		t.Fatal(f)
	}
	var b bytes.Buffer
	var put func(e *element, name string)
	put = func(e *element, name string) {
		b.WriteString("<" + name)
		if name == "Bundle" {
			b.WriteString(` xmlns="` + namespace + `"`)
		}
		rest := e.kids
		if name == "extension" { // url is an attribute
			b.WriteString(` url="` + e.text("url") + `"`)
			rest = slices.DeleteFunc(slices.Clone(rest), func(k *element) bool { return k.name == "url" })
		}
		if e.value != "" {
			b.WriteString(` value="` + strings.ReplaceAll(e.value, "&", "&amp;") + `"`)
		}
		b.WriteString(">")
		if e.kind != "" && e != root {
			b.WriteString("<" + e.kind + ">")
		}
		for _, k := range rest {
			put(k, k.name)
		}
		if e.kind != "" && e != root {
			b.WriteString("</" + e.kind + ">")
		}
		b.WriteString("</" + name + ">")
	}
	put(root, root.kind)
	return b.Bytes()
}

// JSON and XML say the same: the same hash, the same rows, the same findings.
func TestLUO6_XMLIsTheSameAsJSON(t *testing.T) {
	a := &fake{}
	s := service(t, a)
	body := world.Notices(world.Notice(oid))
	r := request(toXML(t, body))
	r.ContentType = mediaXML + "; charset=UTF-8"
	got := s.Answer(t.Context(), r)
	if got.Status != http.StatusOK || !strings.HasPrefix(got.ContentType, mediaXML) || !strings.Contains(string(got.Body), `<status value="201 Created"/>`) {
		t.Fatalf("%d %s %s", got.Status, got.ContentType, got.Body)
	}
	if root, f := readXML(got.Body); f != nil || root.text("type") != "transaction-response" {
		t.Errorf("our own answer: %v", f)
	}
	s.Answer(t.Context(), request(body))
	if a.filed[0].Notices[0].Sum != a.filed[1].Notices[0].Sum || fmt.Sprint(a.filed[0].Notices[0].Disclosures) != fmt.Sprint(a.filed[1].Notices[0].Disclosures) {
		t.Error("the two forms say different things")
	}
	r.Body = bytes.Replace(r.Body, []byte(`<method value="POST">`), []byte(`<method value="PUT">`), 1)
	r.Accept = mediaJSON
	if is := issues(t, s.Answer(t.Context(), r)); !slices.Contains(is, RuleCreate+" Bundle.entry[0]") {
		t.Errorf("%q", is)
	}
}

func TestLUO6_WhoMayFile(t *testing.T) {
	body := world.Notices(world.Notice(oid))
	for peer, want := range map[string]string{"1.2.3": RuleSystem, "stranger": RulePeer} {
		a := &fake{}
		r := request(body)
		r.Peer.Organisation = peer
		got := service(t, a).Answer(t.Context(), r)
		if got.Status != http.StatusForbidden || !slices.Contains(got.Report.Rules, want) {
			t.Errorf("%s: %d %v", peer, got.Status, got.Report.Rules)
		}
		if e := a.logged[0]; !e.Message.Suspicious || len(e.Usage) != 1 || e.Usage[0].Refused != want {
			t.Errorf("%s: logged %+v", peer, e)
		}
	}
	s := service(t, &fake{})
	s.RequireCertificate = true
	r := request(body)
	r.Peer = pipeline.Peer{}
	if got := s.Answer(t.Context(), r); got.Status != http.StatusForbidden {
		t.Errorf("without a certificate: %d", got.Status)
	}
}

func TestLUO6_WhatTheArchiveSays(t *testing.T) {
	body := world.Notices(world.Notice(oid))
	a := &fake{out: &store.FileOutcome{Refused: 0, Findings: []finding.Finding{{Rule: store.RuleNoticeTaken, Value: oid}}}}
	if got := service(t, a).Answer(t.Context(), request(body)); got.Status != http.StatusConflict || issues(t, got)[0] != store.RuleNoticeTaken+" Bundle.entry[0].resource" {
		t.Errorf("%d %s", got.Status, got.Body)
	}
	a = &fake{out: &store.FileOutcome{Refused: -1, Filed: []bool{false}, Arrived: []time.Time{world.Now}}}
	if got := service(t, a).Answer(t.Context(), request(body)); got.Status != http.StatusOK || got.Report.Outcome != "duplicate" || !strings.Contains(string(got.Body), "200 OK") {
		t.Errorf("%d %s", got.Status, got.Body)
	}
	for _, c := range []struct {
		err  error
		want int
	}{{&store.Error{Kind: store.ErrBusy}, http.StatusServiceUnavailable}, {errors.New("x"), http.StatusInternalServerError}} {
		got := service(t, &fake{err: c.err}).Answer(t.Context(), request(body))
		if got.Status != c.want || !errors.Is(got.Report.Failure, c.err) {
			t.Errorf("%v: %d %s", c.err, got.Status, got.Body)
		}
	}
}

// Whatever a message holds, no answer repeats a person's data.
func TestSEC1_AnswersRepeatNothingPersonal(t *testing.T) {
	secrets := []string{world.Client("child").Hetu, "Vastaanottaja", world.Professionals[0].Family}
	for _, b := range [][]byte{world.Notices(world.Notice(oid)), edit(t, func(b map[string]any) {
		setPerson(b, "010181-9000")
		event(b)["recorded"] = "Vastaanottaja"
		delete(event(b), "type")
	})} {
		got := service(t, &fake{}).Answer(t.Context(), request(b))
		for _, s := range append(secrets, "010181") {
			if bytes.Contains(got.Body, []byte(s)) {
				t.Errorf("the answer holds %q: %s", s, got.Body)
			}
		}
	}
}

func TestSyntaxFaultsHaveTheirPlace(t *testing.T) {
	deep := strings.Repeat(`{"a":`, maxDepth+1) + "1" + strings.Repeat("}", maxDepth+1)
	many := `{"resourceType":"Bundle","entry":[` + strings.TrimSuffix(strings.Repeat("1,", maxElements), ",") + `]}`
	for body, want := range map[string]string{
		"": RuleSyntax, "{": RuleSyntax, `[1]`: RuleSyntax, `{"resourceType":"Bundle"} x`: RuleSyntax, `{"a":null}`: RuleSyntax, `{"a":[[1]]}`: RuleSyntax,
		`{"resourceType":"Bundle","a":1,"a":2}`: RuleSyntax, `{"type":"transaction"}`: RuleSyntax, "{\"a\":\"\xff\"}": RuleSyntax, deep: RuleBounds, many: RuleBounds,
	} {
		got := service(t, &fake{}).Answer(t.Context(), request([]byte(body)))
		if got.Status != http.StatusBadRequest || !strings.HasPrefix(issues(t, got)[0], want) {
			t.Errorf("%.40q: %d %s", body, got.Status, got.Body)
		}
	}
	_, f := readJSON([]byte("{\n  \"resourceType\": \"Bundle\",\n  \"ä\": nul\n}"))
	if f == nil || f.Line != 3 || f.Column != 8 {
		t.Errorf("place %+v", f)
	}
	for body, want := range map[string]string{`<Bundle xmlns="http://hl7.org/fhir"><type`: RuleSyntax, `<Bundle/>`: RuleSyntax, `<!DOCTYPE a><a/>`: RuleSyntax,
		`<Bundle xmlns="http://hl7.org/fhir">text</Bundle>`: RuleSyntax, `<Bundle xmlns="http://hl7.org/fhir"><entry><resource/></entry></Bundle>`: RuleSyntax,
		strings.Repeat(`<a xmlns="http://hl7.org/fhir">`, maxDepth+5): RuleBounds} {
		if _, f := readXML([]byte(body)); f == nil || f.Rule != want {
			t.Errorf("%.60q: %v, want %s", body, f, want)
		}
	}
}

// Neither reader panics or hangs on anything, and what both can read they read within bounds.
func FuzzRead(f *testing.F) {
	body := world.Notices(world.Notice(oid))
	f.Add(body)
	f.Add(toXML(f, body))
	f.Add([]byte(`{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"AuditEvent","agent":[{"who":{"reference":"#"}}]}}]}`))
	s := service(f, &fake{})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, media := range []string{mediaJSON, mediaXML} {
			r := request(b)
			r.ContentType = media
			if a := s.Answer(t.Context(), r); a.Status == http.StatusInternalServerError {
				t.Errorf("%s: %v", media, a.Report.Failure)
			}
		}
	})
}
