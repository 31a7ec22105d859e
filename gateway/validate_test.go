package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"portti/cda/rules/catalogue"
	"portti/cda/rules/report"
	"portti/fixtures"
	"portti/gateway/validation"
	"portti/internal/shared"
)

// fiveKeys is what the public client sends: five keys, five string values
// (kanta-interface 1.1).
func fiveKeys(request string, frame, document []byte) map[string]any {
	return map[string]any{
		"messageId": "5b0e1c7e-6a34-4f53-9a3a-0c3f5c6b7d10", "palveluPyynto": request, "level": "1",
		"siirtokehysXml": withDeclaration(frame), "asiakirjaXml": string(document),
	}
}

func withDeclaration(frame []byte) string {
	return `<?xml version="1.0" encoding="UTF-8"?>` + string(withoutDeclaration(frame))
}

func requestOf(frame []byte) string {
	m := regexp.MustCompile(`reasonCode code="(SP[0-9]+)"`).FindSubmatch(frame)
	if m == nil {
		return "SP1"
	}
	return string(m[1])
}

// told is an answer of the validation API.
type told struct {
	status      int
	header      http.Header
	body        string
	Code        string `json:"code"`
	Description string `json:"description"`
	Type        string `json:"type"`
	Status      int    `json:"status"`
	report.Result
}

func (a *told) rules() []string {
	var out []string
	for _, f := range a.Findings {
		out = append(out, f.Rule)
	}
	return out
}

// validate posts a value as JSON, or octets as they are.
func (g *gate) validate(content any, change ...func(*http.Request)) *told {
	g.t.Helper()
	body, ok := content.([]byte)
	if !ok {
		var err error
		if body, err = json.Marshal(content); err != nil {
			g.t.Fatal(err)
		}
	}
	r, err := http.NewRequest("POST", g.URL+validation.Path, bytes.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for _, f := range change {
		f(r)
	}
	res, err := g.http.Do(r)
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	a := &told{status: res.StatusCode, header: res.Header, body: string(b)}
	if len(b) > 0 {
		if err := json.Unmarshal(b, a); err != nil {
			g.t.Fatalf("HTTP %d is not JSON: %v\n%s", res.StatusCode, err, b)
		}
	}
	return a
}

func detailed(r *http.Request) { r.URL.RawQuery = "detail=1" }

func inLang(lang string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Accept-Language", lang) }
}

func TestValidDocumentsAreAnsweredByAnEmpty200(t *testing.T) {
	g := start(t, nil)
	for _, d := range world().Documents {
		for name, frame := range map[string][]byte{
			"package":     world().Frame(d),
			"placeholder": world().FrameWith(d, fixtures.FrameOptions{Placeholder: true}),
		} {
			a := g.validate(fiveKeys(requestOf(frame), frame, d.Bytes))
			if a.status != 200 || a.body != "" {
				t.Errorf("%s with %s: HTTP %d %s", d.Name, name, a.status, a.body)
			}
		}
	}
}

// asASCII writes JSON as the public client's library does: what is not ASCII as
// \u escapes, beyond the basic plane as pairs.
func asASCII(t *testing.T, content any) []byte {
	t.Helper()
	b, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, r := range string(b) {
		switch high, low := utf16.EncodeRune(r); {
		case r < utf8.RuneSelf:
			out.WriteRune(r)
		case high != utf8.RuneError:
			fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.Bytes()
}

func TestEscapedTextIsTheSameText(t *testing.T) {
	g := start(t, nil)
	d := world().Doc("plan")
	content := fiveKeys("SP17", world().Frame(d), d.Bytes)
	content["messageId"] = "ääkkösiä 😀"
	if a := g.validate(asASCII(t, content)); a.status != 200 || a.body != "" {
		t.Errorf("HTTP %d %s", a.status, a.body)
	}
}

func TestSharedRealDocumentIsValidOverREST(t *testing.T) {
	frame, doc := shared.Read(t, realPlanFrame), shared.Read(t, realPlan)
	g := startReal(t, doc, time.Date(2026, 3, 23, 9, 0, 0, 0, time.UTC), nil)
	if a := g.validate(fiveKeys("SP17", frame, doc)); a.status != 200 || a.body != "" {
		t.Errorf("HTTP %d %s", a.status, a.body)
	}
	frame, doc = shared.Read(t, realRelationshipFrame), shared.Read(t, realRelationship)
	g = startReal(t, doc, time.Date(2026, 7, 17, 12, 0, 0, 0, time.UTC), nil)
	if a := g.validate(fiveKeys("SP1", frame, doc)); a.status != 400 || !strings.Contains(a.Description, "[SIG-DIGEST-MISMATCH]") {
		t.Errorf("HTTP %d %s", a.status, a.body)
	}
}

// entry is how the public client takes a description apart.
var entry = regexp.MustCompile(`(?:^|[ \t])([0-9]+):\s`)

func TestInvalidDocumentsAreAnsweredByNumberedErrors(t *testing.T) {
	g := start(t, nil)
	for _, f := range fixtures.Faults() {
		d, err := world().Mutate(world().Doc("plan"), f)
		if err != nil {
			continue // a fault of another kind of document
		}
		frame := world().Frame(world().Doc("plan"))
		plain, full := g.validate(fiveKeys("SP17", frame, d.Bytes)), g.validate(fiveKeys("SP17", frame, d.Bytes), detailed)
		if plain.status != full.status || plain.status != 200 && plain.status != 400 {
			t.Errorf("%s: HTTP %d, in detail %d", f, plain.status, full.status)
			continue
		}
		if plain.status == 200 {
			continue
		}
		var errors []string
		for _, x := range full.Findings {
			if x.Severity.String() == "error" {
				errors = append(errors, x.Rule)
			}
		}
		var named []string
		for _, part := range strings.SplitAfter(plain.Description, ";") {
			if part = strings.TrimSpace(part); part == "" {
				continue
			}
			m := regexp.MustCompile(`^([0-9]+): .* \[([A-Z0-9-]+)\];$`).FindStringSubmatch(part)
			if m == nil {
				t.Fatalf("%s: %q is no entry of\n%s", f, part, plain.Description)
			}
			named = append(named, m[2])
		}
		if !slices.Equal(errors, named) || len(entry.FindAllString(plain.Description, -1)) != len(errors) {
			t.Errorf("%s: errors %v, named %v in\n%s", f, errors, named, plain.Description)
		}
		if plain.header.Get("Content-Type") != "application/json" || plain.Code != "document-invalid" || strings.Contains(plain.body, "findings") {
			t.Errorf("%s: %s %s", f, plain.header.Get("Content-Type"), plain.body)
		}
	}
}

func TestDetailTellsEveryFinding(t *testing.T) {
	g := start(t, nil)
	d := world().Doc("plan")
	frame := world().Frame(d)
	ok := g.validate(fiveKeys("SP17", frame, d.Bytes), detailed)
	if ok.status != 200 || ok.Verdict == "rejected" || ok.Verdict == "" || ok.Document == nil || ok.Document.ID != d.OID || ok.header.Get("Content-Type") != "application/json" {
		t.Errorf("valid: HTTP %d %v %s", ok.status, ok.header, ok.body)
	}
	broken, err := world().Mutate(d, fixtures.BrokenBodyDigest)
	if err != nil {
		t.Fatal(err)
	}
	asks := func(r *http.Request) { r.Header.Set("Accept", "application/problem+json") }
	for lang, word := range map[string]string{"fi": "allekirjoitettiin", "sv-FI,fi;q=0.5": "undertecknades", "en": "signed", "de": "signed"} {
		a := g.validate(fiveKeys("SP17", frame, broken.Bytes), asks, inLang(lang))
		i := slices.Index(a.rules(), "SIG-DIGEST-MISMATCH")
		if a.status != 400 || a.header.Get("Content-Type") != "application/problem+json" || a.Status != 400 || a.Verdict != "rejected" || i < 0 {
			t.Fatalf("%s: HTTP %d %v %s", lang, a.status, a.header, a.body)
		}
		f := a.Findings[i]
		if f.Line == 0 || f.Column == 0 || f.XPath == "" || f.Hint == "" || len(f.Requirement) == 0 || f.Stage != "signature" {
			t.Errorf("finding %+v", f)
		}
		if !strings.Contains(strings.ToLower(f.Message+f.Hint), strings.ToLower(word)) {
			t.Errorf("%s: %q %q", lang, f.Message, f.Hint)
		}
		if !strings.HasPrefix(a.header.Get("Content-Language"), lang[:2]) && lang != "de" {
			t.Errorf("%s: Content-Language %s", lang, a.header.Get("Content-Language"))
		}
	}
}

func TestOddInputIsAnsweredClearly(t *testing.T) {
	g := start(t, func(c *Config) { c.Document = 1 << 20 })
	d := world().Doc("plan")
	frame := world().Frame(d)
	with := func(change func(m map[string]any)) map[string]any {
		m := fiveKeys("SP17", frame, d.Bytes)
		change(m)
		return m
	}
	without := func(k string) map[string]any { return with(func(m map[string]any) { delete(m, k) }) }
	set := func(k string, v any) map[string]any { return with(func(m map[string]any) { m[k] = v }) }
	header := func(k, v string) func(*http.Request) { return func(r *http.Request) { r.Header.Set(k, v) } }
	const doc = "asiakirjaXml"
	body := strings.TrimPrefix(string(d.Bytes), `<?xml version="1.0" encoding="UTF-8"?>`)
	if len(body) == len(d.Bytes) {
		t.Fatal("the sample has another declaration")
	}
	for _, c := range []struct {
		name    string
		content any
		change  func(*http.Request)
		status  int
		rule    string
	}{
		{"unknown keys", set("extra", []any{1, map[string]any{"a": nil}}), nil, 200, "REST-KEY-UNKNOWN"},
		{"numeric level", set("level", 1), nil, 200, ""},
		{"another level", set("level", "2"), nil, 200, "REST-LEVEL-UNKNOWN"},
		{"the old clients' message id", set("messageId", "1234567890"), nil, 200, ""},
		{"empty message id", set("messageId", ""), nil, 200, "REST-MESSAGEID-EMPTY"},
		{"the old client's declaration of UTF-16", set(doc, `<?xml version="1.0" encoding="utf-16"?> `+body), nil, 200, "REST-DOCUMENT-ENCODING"},
		{"the old client's declaration without encoding", set(doc, `<?xml version="1.0"?> `+body), nil, 200, ""},
		{"declared Latin 1", set(doc, `<?xml version='1.0' encoding='ISO-8859-1' standalone='yes'?>`+body), nil, 200, "REST-DOCUMENT-ENCODING"},
		{"byte order mark before the document", set(doc, "\ufeff"+string(d.Bytes)), nil, 200, "REST-DOCUMENT-BOM"},
		{"byte order mark and declared UTF-16", set(doc, "\ufeff<?xml version=\"1.0\" encoding=\"UTF-16\"?>"+body), nil, 200, "REST-DOCUMENT-BOM"},
		{"CR LF after the declaration", set(doc, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"+body), nil, 200, "REST-DOCUMENT-LINEENDS"},
		{"frame without declaration", set("siirtokehysXml", string(frame)), nil, 200, "REST-FRAME-DECLARATION"},
		{"frame of UTF-16", set("siirtokehysXml", `<?xml version="1.0" encoding="UTF-16"?>`+string(frame)), nil, 200, "REST-FRAME-ENCODING"},
		{"byte order mark before the frame", set("siirtokehysXml", "\ufeff"+withDeclaration(frame)), nil, 200, "REST-FRAME-BOM"},
		{"CR LF in the frame", set("siirtokehysXml", strings.Replace(withDeclaration(frame), "?>", "?>\r\n", 1)), nil, 200, "REST-FRAME-LINEENDS"},
		{"charset", set("level", "1"), header("Content-Type", "application/json; charset=UTF-8"), 200, ""},
		{"document without declaration", set(doc, body), nil, 400, "REST-DOCUMENT-DECLARATION"},
		{"two declarations", set(doc, `<?xml version="1.0"?> `+string(d.Bytes)), nil, 400, "DOC-XML-SYNTAX"},
		{"DTD", set(doc, `<?xml version="1.0"?><!DOCTYPE a SYSTEM "file:///etc/passwd">`+body), nil, 400, "DOC-XML-DTD-FORBIDDEN"},
		{"no XML", set(doc, "hello"), nil, 400, "DOC-XML-SYNTAX"},
		{"frame is no XML", set("siirtokehysXml", `<?xml version="1.0"?><a>`), nil, 400, "XML-SYNTAX"},
		{"frame and document exchanged", with(func(m map[string]any) { m[doc], m["siirtokehysXml"] = m["siirtokehysXml"], m[doc] }), nil, 400, "FRAME-ROOT-UNKNOWN"},
		{"another service request", set("palveluPyynto", "SP1"), nil, 400, "REST-SERVICEREQUEST-DIFFERS"},
		{"service request in small letters", set("palveluPyynto", "sp17"), nil, 400, "REST-SERVICEREQUEST-DIFFERS"},
		{"no message id", without("messageId"), nil, 400, "REST-MESSAGEID-MISSING"},
		{"no service request", without("palveluPyynto"), nil, 400, "REST-SERVICEREQUEST-MISSING"},
		{"no level", without("level"), nil, 400, "REST-LEVEL-MISSING"},
		{"no frame", without("siirtokehysXml"), nil, 400, "REST-FRAME-MISSING"},
		{"no document", without(doc), nil, 400, "REST-DOCUMENT-MISSING"},
		{"document null", set(doc, nil), nil, 400, "REST-DOCUMENT-TYPE"},
		{"document an object", set(doc, map[string]any{"a": 1}), nil, 400, "REST-DOCUMENT-TYPE"},
		{"frame a number", set("siirtokehysXml", 7), nil, 400, "REST-FRAME-TYPE"},
		{"service request a number", set("palveluPyynto", 17), nil, 400, "REST-SERVICEREQUEST-TYPE"},
		{"message id a number", set("messageId", 17), nil, 400, "REST-MESSAGEID-TYPE"},
		{"level true", set("level", true), nil, 400, "REST-LEVEL-TYPE"},
		{"empty document", set(doc, " \n"), nil, 400, "REST-DOCUMENT-EMPTY"},
		{"empty frame", set("siirtokehysXml", ""), nil, 400, "REST-FRAME-EMPTY"},
		{"empty service request", set("palveluPyynto", ""), nil, 400, "REST-SERVICEREQUEST-EMPTY"},
		{"document too large", set(doc, strings.Replace(string(d.Bytes), "<", strings.Repeat(" ", 1<<20)+"<", 2)), nil, 400, "DOC-SIZE-EXCEEDED"},
		{"query frame", set("siirtokehysXml", strings.ReplaceAll(withDeclaration(frame), "RCMR_IN200002FI01", "RCMR_IN200029FI01")), nil, 400, "REST-FRAME-KIND"},
		{"empty body", []byte(""), nil, 400, "REST-BODY-EMPTY"},
		{"an array", []byte("[]"), nil, 400, "REST-ROOT-TYPE"},
		{"a form", []byte("a=b&c=d"), nil, 400, "REST-JSON-SYNTAX"},
		{"XML with a JSON type", d.Bytes, nil, 400, "REST-JSON-SYNTAX"},
		{"cut off", []byte(`{"messageId": "x", "asiakirjaXml": "<a`), nil, 400, "REST-JSON-SYNTAX"},
		{"quotes not escaped", []byte(`{"asiakirjaXml": "<id root="1"/>"}`), nil, 400, "REST-JSON-SYNTAX"},
		{"two objects", []byte(`{} {}`), nil, 400, "REST-JSON-SYNTAX"},
		{"key twice", []byte(`{"level": "1", "level": "1"}`), nil, 400, "REST-KEY-REPEATED"},
		{"half a surrogate pair", []byte(`{"messageId": "\ud83d"}`), nil, 400, "REST-JSON-SURROGATE"},
		{"no UTF-8", []byte("{\"messageId\": \"\xe4\"}"), nil, 400, "REST-JSON-ENCODING"},
		{"UTF-16", []byte("\xff\xfe{\x00}\x00"), nil, 400, "REST-JSON-ENCODING"},
		{"byte order mark before the JSON", []byte("\xef\xbb\xbf{}"), nil, 400, "REST-JSON-BOM"},
		{"a hundred thousand arrays", []byte(strings.Repeat("[", 100_000)), nil, 400, "REST-JSON-DEPTH"},
		{"too large", append(bytes.Repeat([]byte(" "), int(MessageLimit(1<<20))), "{}"...), nil, 413, RuleSize},
		{"wrong type", set("level", "1"), header("Content-Type", "text/xml"), 415, "REST-MEDIA-UNSUPPORTED"},
		{"no type", set("level", "1"), func(r *http.Request) { r.Header.Del("Content-Type") }, 415, "REST-MEDIA-UNSUPPORTED"},
		{"wrong charset", set("level", "1"), header("Content-Type", "application/json; charset=iso-8859-1"), 415, "REST-CHARSET-UNSUPPORTED"},
		{"compressed", set("level", "1"), header("Content-Encoding", "gzip"), 415, RuleEncoding},
		{"method", set("level", "1"), func(r *http.Request) { r.Method = "PUT" }, 405, "REST-METHOD-WRONG"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := &gate{Instance: g.Instance, t: t, URL: g.URL, log: g.log, http: g.http}
			change := func(r *http.Request) {
				if c.change != nil {
					c.change(r)
				}
			}
			plain, full := g.validate(c.content, change), g.validate(c.content, change, detailed)
			if plain.status != c.status || full.status != c.status {
				t.Fatalf("HTTP %d, in detail %d\n%s", plain.status, full.status, full.body)
			}
			if c.rule != "" && !slices.Contains(full.rules(), c.rule) {
				t.Errorf("rules %v lack %s", full.rules(), c.rule)
			}
			if c.status == 200 {
				if plain.body != "" {
					t.Errorf("body %q", plain.body)
				}
				return
			}
			if plain.Code == "" || plain.Description == "" || !strings.HasPrefix(plain.Description, "1: ") {
				t.Errorf("body %s", plain.body)
			}
			if r := catalogue.Default().Rule(c.rule); r.Severity.Strict.String() == "error" && !strings.Contains(plain.Description, "["+c.rule+"];") {
				t.Errorf("%s does not name %s", plain.Description, c.rule)
			}
		})
	}
}

// TestDeclarationIsOptionalInLenient: what the service is known to refuse is told
// in strict, and let through in lenient (kanta-interface 1.8).
func TestDeclarationIsOptionalInLenient(t *testing.T) {
	g := start(t, func(c *Config) { c.Profile = catalogue.Lenient })
	d := world().Doc("plan")
	_, body, _ := strings.Cut(string(d.Bytes), "?>")
	frame := world().Frame(d)
	if a := g.validate(fiveKeys("SP17", frame, []byte(body))); a.status != 200 {
		t.Errorf("HTTP %d %s", a.status, a.body)
	}
}

func TestSEC1_ValidationLogHoldsNoPersonalData(t *testing.T) {
	g := start(t, nil)
	d := world().Doc("plan")
	broken, err := world().Mutate(d, fixtures.BrokenBodyDigest)
	if err != nil {
		t.Fatal(err)
	}
	frame := world().Frame(d)
	const hetu = "010181-900C"
	g.validate(fiveKeys("SP17", frame, d.Bytes))
	g.validate(fiveKeys("SP17", frame, broken.Bytes))
	g.validate(fiveKeys(hetu, frame, d.Bytes))
	g.validate(map[string]any{hetu: hetu, "messageId": hetu})
	g.validate([]byte(hetu), func(r *http.Request) { r.Header.Set("Content-Type", hetu) })
	log := g.log.String()
	if strings.Count(log, `"message":"validation"`) != 5 {
		t.Fatalf("not every request is logged:\n%s", log)
	}
	client := d.Spec.Clients[0]
	for _, x := range append([]string{hetu, d.OID, client.Hetu, client.Family}, client.Given...) {
		if x != "" && strings.Contains(log, x) {
			t.Errorf("%q is in the log", x)
		}
	}
}

func TestValidationSharesTheByteBudget(t *testing.T) {
	g := start(t, func(c *Config) { c.InFlight = 1000 })
	d := world().Doc("plan")
	a := g.validate(fiveKeys("SP17", world().Frame(d), d.Bytes))
	if a.status != 429 || a.Code != "busy" || !strings.Contains(a.Description, RuleBudget) || a.header.Get("Retry-After") == "" {
		t.Errorf("HTTP %d %s", a.status, a.body)
	}
	if a := g.validate([]byte("{}")); a.status != 400 {
		t.Errorf("what was held was not given back: HTTP %d", a.status)
	}
}

func TestNothingIsArchivedByValidation(t *testing.T) {
	g := start(t, nil)
	d := world().Doc("plan")
	if a := g.validate(fiveKeys("SP17", world().Frame(d), d.Bytes)); a.status != 200 {
		t.Fatalf("HTTP %d %s", a.status, a.body)
	}
	if _, err := g.Store.Document(t.Context(), everything, d.OID); err == nil {
		t.Error("the document is in the archive")
	}
}

func TestErrorPagesStandAtTheGateway(t *testing.T) {
	g := start(t, nil)
	for path, want := range map[string]int{"/errors": 200, "/errors/SIG-DIGEST-MISMATCH": 200, "/errors/NONE": 404} {
		res, err := g.http.Get(g.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want || !strings.Contains(res.Header.Get("Content-Security-Policy"), "default-src 'none'") || res.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s: HTTP %d %v", path, res.StatusCode, res.Header)
		}
	}
	a := g.validate([]byte("{}"), detailed)
	if a.Type != "/errors" {
		t.Errorf("type of the problem: %q", a.Type)
	}
}
