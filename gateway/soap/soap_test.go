package soap

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"testing"

	"portti/cda/rules/catalogue"
	"portti/internal/finding"
	"portti/internal/xmltree"
)

const (
	message = `<RCMR_IN200002FI01 xmlns="urn:hl7-org:v3" ITSVersion="XML_1.0"><id root="1.2.3"/></RCMR_IN200002FI01>`
	xml11   = "text/xml; charset=utf-8"
	xml12   = "application/soap+xml; charset=utf-8"
)

func envelope(ns, header, body string) string {
	if header != "" {
		header = "<s:Header>" + header + "</s:Header>"
	}
	return `<s:Envelope xmlns:s="` + ns + `">` + header + `<s:Body>` + body + `</s:Body></s:Envelope>`
}

func read(contentType, action, body string) (*Request, Version, []finding.Finding) {
	return Read(contentType, action, []byte(body), Options{Limits: xmltree.Limits{Bytes: 1 << 20}})
}

func rules(fs []finding.Finding) string {
	var out []string
	for _, f := range fs {
		out = append(out, f.Rule)
	}
	return strings.Join(out, " ")
}

func TestEveryRuleStandsInTheCatalogue(t *testing.T) {
	for _, id := range Rules {
		if catalogue.Default().Rule(id) == nil {
			t.Errorf("%s is not in the catalogue", id)
		}
	}
}

func TestRead(t *testing.T) {
	wsa := `<a:Action xmlns:a="` + NSAddressing + `">urn:hl7-org:v3:RCMR_IN200002FI01</a:Action>` +
		`<a:MessageID xmlns:a="` + NSAddressing + `">urn:uuid:1</a:MessageID>`
	must := func(ns, extra string) string {
		return `<x:Security xmlns:x="urn:x" xmlns:s="` + ns + `" s:mustUnderstand="1"` + extra + `/>`
	}
	for _, c := range []struct {
		name, contentType, action, body string
		version                         Version
		works                           bool
		want                            string
	}{
		{"1.1", xml11, `"urn:hl7-org:v3:RCMR_IN200002FI01"`, envelope(NS11, "", message), V11, true, ""},
		{"1.1 empty action", xml11, `""`, envelope(NS11, "", message), V11, true, ""},
		{"1.2", xml12, "", envelope(NS12, wsa, message), V12, true, ""},
		{"1.2 action parameter", xml12 + `; action="urn:hl7-org:v3:OTHER"`, "", envelope(NS12, "", message), V12, true, RuleActionMismatch},
		{"media of the other version", xml12, "", envelope(NS11, "", message), V11, true, RuleVersionMedia},
		{"json", "application/json", "", "{}", Unknown, false, RuleMediaUnsupported},
		{"no type", "", "", "x", Unknown, false, RuleMediaUnsupported},
		{"charset", "text/xml; charset=koi8-r", "", envelope(NS11, "", message), V11, false, RuleCharsetUnsupported},
		{"empty", xml11, "", "", V11, false, RuleBodyEmpty},
		{"not xml", xml11, "", "<a>", V11, false, RuleXMLSyntax},
		{"dtd", xml11, "", `<!DOCTYPE a><a/>`, V11, false, RuleXMLDTD},
		{"encoding", xml11, "", `<?xml version="1.0" encoding="EBCDIC"?><a/>`, V11, false, RuleXMLEncoding},
		{"depth", xml11, "", strings.Repeat("<a>", 300), V11, false, RuleXMLLimit},
		{"bare message", xml11, "", message, V11, false, RuleEnvelopeMissing},
		{"other envelope", xml11, "", envelope("urn:soap", "", message), V11, false, RuleVersionUnknown},
		{"no body", xml11, "", `<s:Envelope xmlns:s="` + NS11 + `"/>`, V11, false, RuleBodyMissing},
		{"empty body", xml11, "", envelope(NS11, "", " "), V11, false, RuleBodyNoChild},
		{"two messages", xml11, "", envelope(NS11, "", message+message), V11, false, RuleBodyManyChildren},
		{"second body", xml11, "", `<s:Envelope xmlns:s="` + NS11 + `"><s:Body>` + message + `</s:Body><s:Body/></s:Envelope>`, V11, true, RuleChildUnknown},
		{"late header", xml11, "", `<s:Envelope xmlns:s="` + NS11 + `"><s:Body>` + message + `</s:Body><s:Header/></s:Envelope>`, V11, true, RuleChildUnknown},
		{"1.1 trailer of another namespace", xml11, "", `<s:Envelope xmlns:s="` + NS11 + `"><s:Body>` + message + `</s:Body><x xmlns="urn:x"/></s:Envelope>`, V11, true, ""},
		{"must understand", xml11, "", envelope(NS11, must(NS11, ""), message), V11, true, RuleHeaderNotKnown},
		{"must understand 1.2", xml12, "", envelope(NS12, must(NS12, ` s:role="`+NS12+`/role/next"`), message), V12, true, RuleHeaderNotKnown},
		{"must understand, another's", xml11, "", envelope(NS11, must(NS11, ` s:actor="urn:other"`), message), V11, true, ""},
		{"reply to elsewhere", xml11, "", envelope(NS11, `<a:ReplyTo xmlns:a="`+NSAddressing+`"><a:Address>http://10.0.0.1/</a:Address></a:ReplyTo>`, message), V11, true, RuleAddressingReplyTo},
		{"reply to anonymous", xml11, "", envelope(NS11, `<a:ReplyTo xmlns:a="`+NSAddressing+`"><a:Address>`+NSAddressing+`/anonymous</a:Address></a:ReplyTo>`, message), V11, true, ""},
		{"two message ids", xml11, "", envelope(NS11, wsa+wsa, message), V11, true, RuleAddressingDuplicate + " " + RuleAddressingDuplicate},
		{"other wsa action", xml11, "", envelope(NS11, `<a:Action xmlns:a="`+NSAddressing2004+`">urn:hl7-org:v3:X</a:Action>`, message), V11, true, RuleAddressingAction},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, version, fs := read(c.contentType, c.action, c.body)
			if (req != nil) != c.works || version != c.version || rules(fs) != c.want {
				t.Fatalf("works %v, version %v, findings %v", req != nil, version, fs)
			}
			if req != nil && req.Tree.Local(req.Body) != "RCMR_IN200002FI01" {
				t.Errorf("body is %q", req.Tree.Local(req.Body))
			}
		})
	}
}

func TestFindingsPointToTheirPlace(t *testing.T) {
	body := "<s:Envelope xmlns:s=\"" + NS11 + "\">\n  <s:Body>\n  </s:Body>\n</s:Envelope>"
	_, _, fs := read(xml11, "", body)
	if len(fs) != 1 || fs[0].Line != 2 || fs[0].Column != 3 {
		t.Fatalf("got %+v", fs)
	}
}

func TestRequiredAddressing(t *testing.T) {
	_, _, fs := Read(xml11, "", []byte(envelope(NS11, "", message)), Options{RequireAddressing: true})
	if rules(fs) != RuleAddressingMissing+" "+RuleAddressingMissing {
		t.Fatalf("got %v", fs)
	}
}

// multi builds a multipart body; parts are pairs of headers and content.
func multi(parts ...string) string {
	var b strings.Builder
	for i := 0; i < len(parts); i += 2 {
		b.WriteString("--B\r\n" + parts[i] + "\r\n\r\n" + parts[i+1] + "\r\n")
	}
	return b.String() + "--B--\r\n"
}

const (
	mtom11   = `multipart/related; type="application/xop+xml"; start="<root@x>"; start-info="text/xml"; boundary=B`
	rootPart = "Content-Type: application/xop+xml; charset=UTF-8; type=\"text/xml\"\r\nContent-ID: <root@x>"
	docPart  = "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <doc@x>"
)

func include(href string) string {
	return `<xop:Include xmlns:xop="` + nsXOP + `" href="` + href + `"/>`
}

func withText(text string) string {
	return envelope(NS11, "", `<RCMR_IN200002FI01 xmlns="urn:hl7-org:v3"><text>`+text+`</text></RCMR_IN200002FI01>`)
}

func TestMTOMPartsStandInTheMessageAsBase64(t *testing.T) {
	const octets = "\x00\xff<binary>"
	req, version, fs := read(mtom11, "", multi(rootPart, withText("a "+include("cid:doc%40x")+" z"), docPart, octets))
	if req == nil || len(fs) > 0 || version != V11 {
		t.Fatalf("version %v, findings %v", version, fs)
	}
	want := "a " + base64.StdEncoding.EncodeToString([]byte(octets)) + " z"
	if got := req.Tree.Text(req.Body); got != want {
		t.Fatalf("text is %q, want %q", got, want)
	}
}

func TestMultipart(t *testing.T) {
	plain := withText("x")
	swa := `multipart/related; type="text/xml"; boundary=B`
	for _, c := range []struct{ name, contentType, body, want string }{
		{"attachments without a second part", swa, multi("Content-Type: text/xml", plain), ""},
		{"root by start", mtom11, multi(docPart, "x", rootPart, withText(include("cid:doc@x"))), ""},
		{"base64 part", mtom11, multi(rootPart, withText(include("cid:d")), "Content-ID: <d>\r\nContent-Transfer-Encoding: base64", "AAAA"), ""},
		{"part not used", swa, multi("Content-Type: text/xml", plain, docPart, "x"), RuleMTOMPartUnused},
		{"no such part", mtom11, multi(rootPart, withText(include("cid:other"))), RuleMTOMPartMissing},
		{"one part twice", mtom11, multi(rootPart, withText(include("cid:doc@x")+include("cid:doc@x")), docPart, "x"), RuleMTOMPartMissing},
		{"outside reference", mtom11, multi(rootPart, withText(include("http://127.0.0.1/")), docPart, "x"), RuleMTOMHref},
		{"no root", mtom11, multi(docPart, "x"), RuleMTOMNoRoot},
		{"no parts", mtom11, "--B--\r\n", RuleMTOMNoRoot},
		{"broken off", mtom11, "--B\r\n" + rootPart + "\r\n\r\n<a", RuleMTOMBroken},
		{"same id", mtom11, multi(rootPart, plain, docPart, "x", docPart, "y"), RuleMTOMPartTwice},
		{"quoted-printable", mtom11, multi(rootPart, plain, "Content-ID: <d>\r\nContent-Transfer-Encoding: quoted-printable", "x"), RuleMTOMPartEncoding},
		{"bad base64", mtom11, multi(rootPart, plain, "Content-ID: <d>\r\nContent-Transfer-Encoding: base64", "%"), RuleMTOMPartEncoding},
		{"too many", mtom11, multi(strings.Split(strings.Repeat("X-A: b|x|", 65), "|")[:130]...), RuleMTOMTooMany},
		{"too large together", mtom11, multi(rootPart, withText(include("cid:doc@x")), docPart, strings.Repeat("x", 1<<20)), RuleMTOMSize},
		{"no boundary", `multipart/related; type="text/xml"`, "", RuleMediaUnsupported},
		{"other root type", `multipart/related; type="application/json"; boundary=B`, "", RuleMediaUnsupported},
		{"broken root", mtom11, multi(rootPart, "<a>"), RuleXMLSyntax},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, _, fs := read(c.contentType, "", c.body)
			if rules(fs) != c.want || (req != nil) != (c.want == "") {
				t.Fatalf("read %v, findings %v", req != nil, fs)
			}
		})
	}
}

func TestMTOMIntoUTF16IsRefused(t *testing.T) {
	var wide bytes.Buffer
	wide.WriteString("\xff\xfe")
	for _, r := range withText(include("cid:doc@x")) {
		wide.Write([]byte{byte(r), 0})
	}
	_, _, fs := read(mtom11, "", multi(rootPart, wide.String(), docPart, "x"))
	if rules(fs) != RuleXMLEncoding {
		t.Fatalf("got %v", fs)
	}
}

func TestReplyAnswersAddressing(t *testing.T) {
	for _, ns := range []string{NSAddressing, NSAddressing2004} {
		r := Reply{Version: V12, Addressing: Addressing{Namespace: ns, MessageID: `urn:uuid:<&"`}, MessageID: "urn:uuid:2", Action: "urn:hl7-org:v3:MCCI_IN000002UV01"}
		var b bytes.Buffer
		err := r.Write(&b, func(w io.Writer) error { _, err := io.WriteString(w, "<ack/>"); return err })
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			XMLName xml.Name
			Action  string `xml:"Header>Action"`
			Relates string `xml:"Header>RelatesTo"`
			Body    struct {
				Inner string `xml:",innerxml"`
			} `xml:"Body"`
		}
		if err := xml.Unmarshal(b.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if got.XMLName.Space != NS12 || got.Action != r.Action || got.Relates != r.Addressing.MessageID || got.Body.Inner != "<ack/>" {
			t.Errorf("got %+v", got)
		}
	}
}

func TestReplyWithoutAddressingHasNoHeader(t *testing.T) {
	var b bytes.Buffer
	if err := (Reply{Version: V11}).Write(&b, func(io.Writer) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "Header") {
		t.Fatal(b.String())
	}
}

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		version Version
		sender  bool
		rule    string
		status  int
		code    string
		http    int
	}{
		{V11, true, RuleXMLSyntax, 0, "Client", 500},
		{V12, true, RuleXMLSyntax, 0, "Sender", 400},
		{V11, false, "SYSTEM-FAILURE", 0, "Server", 500},
		{V12, false, "SYSTEM-FAILURE", 0, "Receiver", 500},
		{Unknown, true, RuleMediaUnsupported, 415, "Client", 415},
		{V12, true, RuleVersionUnknown, 0, "VersionMismatch", 500},
		{V11, true, RuleHeaderNotKnown, 0, "MustUnderstand", 500},
		{V12, true, RuleHeaderNotKnown, 0, "MustUnderstand", 500},
	} {
		t.Run(fmt.Sprint(c.version, c.rule), func(t *testing.T) {
			f := Fault{Reply: Reply{Version: c.version}, Sender: c.sender, Status: c.status, RequestID: "r-1", Findings: []finding.Finding{{
				Rule: c.rule, Place: finding.Place{Source: finding.SourceRequest, Line: 3, Column: 7}, Value: "<&>",
			}}}
			var b bytes.Buffer
			if err := WriteFault(&b, f); err != nil {
				t.Fatal(err)
			}
			tree, err := xmltree.Parse(b.Bytes(), xmltree.Limits{})
			if err != nil {
				t.Fatalf("%v\n%s", err, b.String())
			}
			text := tree.Text(tree.Root())
			for _, want := range []string{"soap:" + c.code, c.rule, "3:7"} {
				if !strings.Contains(text, want) {
					t.Errorf("%q is missing in %s", want, b.String())
				}
			}
			if f.HTTPStatus() != c.http {
				t.Errorf("status %d", f.HTTPStatus())
			}
			if detail := strings.Contains(b.String(), `line="3"`); detail == (c.code == "MustUnderstand") {
				t.Errorf("detail: %v", detail)
			}
		})
	}
}

func TestNotUnderstoodHeadersAreNamedInSOAP12(t *testing.T) {
	body := envelope(NS12, `<x:Security xmlns:x="urn:x" s:mustUnderstand="true"/>`, message)
	_, version, fs := read(xml12, "", body)
	var b bytes.Buffer
	if err := WriteFault(&b, Fault{Reply: Reply{Version: version}, Sender: true, Findings: fs}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), `<soap:NotUnderstood xmlns:q="urn:x" qname="q:Security"/>`) {
		t.Fatal(b.String())
	}
}

func FuzzRead(f *testing.F) {
	f.Add(xml11, "", []byte(envelope(NS11, "", message)))
	f.Add(xml12, "urn:x", []byte(envelope(NS12, `<a:To xmlns:a="`+NSAddressing+`">x</a:To>`, message)))
	f.Add(mtom11, "", []byte(multi(rootPart, withText(include("cid:doc@x")), docPart, "x")))
	f.Fuzz(func(t *testing.T, contentType, action string, body []byte) {
		req, version, fs := Read(contentType, action, body, Options{Limits: xmltree.Limits{Bytes: 1 << 16}})
		if req == nil && len(fs) == 0 {
			t.Fatal("refused without a finding")
		}
		if req != nil && (req.Version != version || req.Tree.Kind(req.Body) != xmltree.Element) {
			t.Fatal("a request without version or body")
		}
		var b bytes.Buffer
		if err := WriteFault(&b, Fault{Reply: Reply{Version: version}, Findings: fs}); err != nil {
			t.Fatal(err)
		}
		if _, err := xmltree.Parse(b.Bytes(), xmltree.Limits{}); err != nil {
			t.Fatalf("%v: %s", err, b.String())
		}
	})
}
