package frame

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"portti/cda/internal/testdoc"
	"portti/cda/rules/catalogue"

	"github.com/google/go-cmp/cmp"
)

const (
	packageHead = "MIME-Version: 1.0\nContent-Type: multipart/related; boundary=\"b\"\n\n"
	partHead    = "Content-Type: text/xml; charset=UTF-8\nContent-Transfer-Encoding: BASE64\nContent-ID: <1.2.3>\n\n"
)

func enc64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func TestUnpack(t *testing.T) {
	doc := `<ClinicalDocument>ä</ClinicalDocument>`
	part := "--b\n" + partHead + enc64(doc) + "\n"
	good := packageHead + part + "--b--\n"
	for _, c := range []struct {
		name, text string
		want       []string
		document   string
	}{
		{"as written", good, nil, doc},
		{"CRLF", strings.ReplaceAll(good, "\n", "\r\n"), nil, doc},
		{"leading whitespace", "\n \r\n\t" + good, nil, doc},
		{"byte order mark", "\ufeff" + good, nil, doc},
		{"Message-ID first", "Message-ID: <x@y>\n" + good, nil, doc},
		{"names in small letters", strings.NewReplacer("MIME-Version", "mime-version", "Content-", "content-").Replace(good), nil, doc},
		{"boundary without quotes", strings.Replace(good, `"b"`, "b", 1), nil, doc},
		{"folded header", strings.Replace(good, "; boundary", ";\n boundary", 1), nil, doc},
		{"folded with a tab", strings.Replace(good, "; boundary", ";\n\tboundary", 1), nil, doc},
		{"folded in column 1", strings.Replace(good, "; boundary", ";\nboundary", 1), []string{RuleMIMEFold}, doc},
		{"padding after the boundary", strings.Replace(good, "--b\n", "--b \t\n", 1), nil, doc},
		{"no line end at the end", strings.TrimSuffix(good, "\n"), nil, doc},
		{"no closing boundary", packageHead + part, []string{RuleMIMEClosing}, doc},
		{"base64 in lines", packageHead + "--b\n" + partHead + enc64(doc)[:20] + "\n" + enc64(doc)[20:] + "\n--b--", nil, doc},
		{"Content-ID without brackets", strings.Replace(good, "<1.2.3>", "1.2.3", 1), nil, doc},
		{"8bit", packageHead + "--b\n" + strings.Replace(partHead, "BASE64", "8bit", 1) + doc + "\n--b--", nil, doc},
		{"no transfer encoding", packageHead + "--b\nContent-Type: text/xml\nContent-ID: <1.2.3>\n\n<a/>\n--b--", nil, "<a/>"},
		{"quoted-printable", packageHead + "--b\n" + strings.Replace(partHead, "BASE64", "quoted-printable", 1) + "<a b=3D\"=C3=A4\"=\n/>\n--b--", nil, "<a b=\"ä\"/>"},
		{"no headers in the part", packageHead + "--b\n\n<a/>\n--b--", []string{RuleMIMEContentIDMissing}, "<a/>"},
		{"attachment first", packageHead + "--b\nContent-Type: application/pdf\nContent-ID: <x>\n\n%PDF\n" + part + "--b--", []string{RuleMIMEAttachment}, doc},
		{"two XML parts, known by id", packageHead + "--b\nContent-Type: text/xml\nContent-ID: <x>\n\n<evil/>\n" + part + "--b--", []string{RuleMIMEAttachment}, doc},
		{"boundary as prefix of another line", strings.Replace(good, enc64(doc), "--bb\n"+enc64(doc), 1), []string{RuleMIMEBase64}, ""},
		{"boundary within a line", packageHead + "--b\n" + strings.Replace(partHead, "BASE64", "8bit", 1) + "<a>x--b</a>\n--b--", nil, "<a>x--b</a>"},

		{"empty", "", []string{RuleMIMEEmpty}, ""},
		{"blank", " \n\t", []string{RuleMIMEEmpty}, ""},
		{"no MIME-Version", strings.TrimPrefix(good, "MIME-Version: 1.0\n"), []string{RuleMIMEVersion}, doc},
		{"no Content-Type", "MIME-Version: 1.0\n\n--b\n", []string{RuleMIMETypeMissing}, ""},
		{"not multipart", strings.Replace(good, "multipart/related", "text/xml", 1), []string{RuleMIMENotMultipart}, ""},
		{"broken Content-Type", strings.Replace(good, `boundary="b"`, `boundary="b`, 1), []string{RuleMIMETypeSyntax}, ""},
		{"no type", strings.Replace(good, "multipart/related", "", 1), []string{RuleMIMETypeSyntax}, ""},
		{"no boundary", strings.Replace(good, `; boundary="b"`, "", 1), []string{RuleMIMEBoundaryMissing}, ""},
		{"long boundary", strings.Replace(good, `"b"`, strings.Repeat("b", 201), 1), []string{RuleMIMEBoundaryLong}, ""},
		{"boundary never comes", strings.ReplaceAll(good, "--b", "--c"), []string{RuleMIMENoParts}, ""},
		{"closed before it begins", packageHead + "--b--\n", []string{RuleMIMENoParts}, ""},
		{"no empty line", strings.Replace(good, "\n\n--b", "\n--b", 1), []string{RuleMIMEHeader}, ""},
		{"header without colon", "x\n" + good, []string{RuleMIMEHeader}, ""},
		{"header repeated", strings.Replace(good, "Content-ID", "Content-ID: <9.9>\nContent-ID", 1), []string{RuleMIMEHeaderRepeated, RuleMIMEContentIDDiffers}, doc},
		{"preamble", strings.Replace(good, "\n\n--b", "\n\nthis is MIME\n--b", 1), []string{RuleMIMEPreamble}, doc},
		{"epilogue", good + "x", []string{RuleMIMEEpilogue}, doc},
		{"unknown encoding", strings.Replace(good, "BASE64", "uuencode", 1), []string{RuleMIMEEncoding}, ""},
		{"broken base64", strings.Replace(good, enc64(doc), enc64(doc)+"*", 1), []string{RuleMIMEBase64}, ""},
		{"broken quoted-printable", packageHead + "--b\n" + strings.Replace(partHead, "BASE64", "quoted-printable", 1) + "=G1\n--b--", []string{RuleMIMEQuoted}, ""},
		{"unknown charset", strings.Replace(good, "UTF-8", "windows-1252", 1), []string{RuleMIMECharset}, doc},
		{"8bit in another charset", packageHead + "--b\n" + strings.NewReplacer("BASE64", "8bit", "UTF-8", "iso-8859-1").Replace(partHead) + doc + "\n--b--", []string{RuleMIME8BitCharset}, doc},
		{"7bit with other characters", packageHead + "--b\n" + strings.Replace(partHead, "BASE64", "7bit", 1) + doc + "\n--b--", []string{RuleMIME7Bit}, doc},
		{"no Content-ID", strings.Replace(good, "Content-ID: <1.2.3>\n", "", 1), []string{RuleMIMEContentIDMissing}, doc},
		{"another Content-ID", strings.Replace(good, "1.2.3", "1.2.4", 1), []string{RuleMIMEContentIDDiffers}, doc},
		{"same Content-ID twice", packageHead + part + part + "--b--", []string{RuleMIMEContentIDRepeated, RuleMIMEAttachment}, doc},
		{"no XML part", packageHead + "--b\nContent-Type: application/pdf\n\n%PDF\n--b--", []string{RuleMIMEDocumentMissing, RuleMIMEAttachment}, ""},
		{"empty document", packageHead + "--b\n" + partHead + "\n--b--", []string{RuleMIMEDocumentEmpty}, ""},
		{"document declared as PDF", strings.Replace(good, "text/xml", "application/pdf", 1), []string{RuleMIMEDocumentType}, doc},
		{"broken type of the part", strings.Replace(good, "charset=UTF-8", "charset=\"", 1), []string{RuleMIMETypeSyntax}, doc},
		{"broken part header", packageHead + "--b\nnonsense\n\n<a/>\n--b--", []string{RuleMIMEHeader}, ""},
	} {
		p, fs := Unpack([]byte(c.text), "1.2.3", DefaultPackageLimits)
		if diff := cmp.Diff(c.want, ruleIDs(fs)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
		if got := string(p.DocumentBytes()); got != c.document {
			t.Errorf("%s: document %q, want %q", c.name, got, c.document)
		}
	}
}

// Faults are placed in the package's own text.
func TestMIMEFaultsArePlaced(t *testing.T) {
	text := packageHead + "--b\n" + partHead + "AAAA\nB!BB\n--b--"
	_, fs := Unpack([]byte(text), "1.2.3", DefaultPackageLimits)
	if len(fs) != 1 || fs[0].Rule != RuleMIMEBase64 || fs[0].Line != 10 || fs[0].Column != 2 || fs[0].Source != "mime" {
		t.Errorf("%+v", fs)
	}
	p, _ := Unpack([]byte(packageHead+"--b\n"+partHead+enc64("<a/>")+"\n--b--"), "1.2.3", DefaultPackageLimits)
	if p.Document.Line != 9 || p.Document.ContentID != "1.2.3" || p.Document.MediaType != "text/xml" || p.Document.Charset != "utf-8" || p.Document.Encoding != "base64" {
		t.Errorf("%+v", p.Document)
	}
}

func TestAttachmentsAreKept(t *testing.T) {
	document := testdoc.Phase2()
	whole := written(t)
	whole = testdoc.Replace(whole, "--=_portti_0--\n", "--=_portti_0\nContent-Type: application/pdf\nContent-Transfer-Encoding: base64\nContent-ID: &lt;liite1&gt;\n\n"+enc64("%PDF-1")+"\n--=_portti_0--\n")
	f, _ := read(t, whole, catalogue.Strict)
	p, fs := f.Package()
	if diff := cmp.Diff([]string{RuleMIMEAttachment}, ruleIDs(fs)); diff != "" {
		t.Error(diff)
	}
	if string(p.DocumentBytes()) != document || len(p.Attachments) != 1 || p.Attachments[0].ContentID != "liite1" || string(p.Attachments[0].Bytes) != "%PDF-1" {
		t.Errorf("%+v", p.Attachments)
	}
}

// Many parts, headers and boundary lookalikes are bounded.
func TestPackageLimits(t *testing.T) {
	limits := PackageLimits{Parts: 3, Headers: 3, HeaderBytes: 200}
	one := "--b\n\n<a/>\n"
	p, fs := Unpack([]byte(packageHead+strings.Repeat(one, 5)+"--b--"), "", limits)
	if len(p.Parts) != 3 || fs[0].Rule != RuleMIMEPartLimit {
		t.Errorf("%d parts, %v", len(p.Parts), ruleIDs(fs))
	}
	_, fs = Unpack([]byte(strings.Repeat("X: y\n", 4)+packageHead), "", limits)
	if diff := cmp.Diff([]string{RuleMIMEHeaderLimit}, ruleIDs(fs)); diff != "" {
		t.Errorf("many headers: %s", diff)
	}
	_, fs = Unpack([]byte("X: "+strings.Repeat("y", 300)+"\n"+packageHead), "", limits)
	if diff := cmp.Diff([]string{RuleMIMEHeaderLimit}, ruleIDs(fs)); diff != "" {
		t.Errorf("long header: %s", diff)
	}
	_, fs = Unpack([]byte(packageHead+strings.Repeat("--b\nbad\n", 1000)), "", PackageLimits{Parts: 2000, Headers: 3, HeaderBytes: 200})
	if len(fs) != maxPackageFindings {
		t.Errorf("%d findings", len(fs))
	}
}

func TestTextElementForms(t *testing.T) {
	whole := written(t)
	open := `<text mediaType="multipart/related">`
	begin := strings.Index(whole, open) + len(open)
	end := strings.Index(whole, "</text>")
	inner := strings.NewReplacer("&lt;", "<", "&gt;", ">").Replace(whole[begin:end])
	with := func(open, inner string) string {
		return whole[:begin-len(`<text mediaType="multipart/related">`)] + open + inner + whole[end:]
	}
	for _, c := range []struct {
		name, frame string
		want        []string
		ok          bool
	}{
		{"CDATA", with(open, "<![CDATA["+inner+"]]>"), nil, true},
		{"pieces", with(open, "<![CDATA["+inner[:100]+"]]><!-- x --><![CDATA["+inner[100:]+"]]>"), nil, true},
		{"base64 of the package", with(`<text mediaType="multipart/related" representation="B64">`, enc64(inner)), nil, true},
		{"broken base64", with(`<text mediaType="multipart/related" representation="B64">`, "*"), []string{RuleTextBase64}, false},
		{"representation", with(`<text mediaType="multipart/related" representation="GZ">`, "x"), []string{RuleTextRepresentation}, false},
		{"media type", with(`<text mediaType="text/plain">`, whole[begin:end]), []string{RuleTextMediaType}, true},
		{"media type with parameters", with(`<text mediaType="Multipart/Related; boundary=x">`, whole[begin:end]), nil, true},
		{"element", with(open, whole[begin:end]+"<x/>"), []string{RuleTextElement}, false},
		{"placeholder", with(open, "<mimeEncode/>"), []string{RuleTextPlaceholder}, false},
		{"empty", with(open, ""), []string{RuleMIMEEmpty}, false},
	} {
		f, _ := read(t, c.frame, catalogue.Strict)
		p, fs := f.Package()
		if diff := cmp.Diff(c.want, ruleIDs(fs)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
		if ok := string(p.DocumentBytes()) == testdoc.Phase2(); ok != c.ok {
			t.Errorf("%s: document given %v", c.name, ok)
		}
	}
}

// FuzzUnpack: no text panics, places are within the text, and what is given is
// made of the text alone.
func FuzzUnpack(f *testing.F) {
	doc := "--b\n" + partHead + enc64("<a/>") + "\n"
	for _, s := range []string{
		packageHead + doc + "--b--", packageHead + doc + doc, "\n" + packageHead + "--b--", packageHead + "--b\n--b\n--b--x",
		"Content-Type: multipart/related;\nboundary=\"--\"\n\n----\n\n--\n----\n", "MIME-Version: 1.0\r\nContent-Type: multipart/x; boundary=b\r\n\r\n--b\r\n\r\n=\r\n--b--",
		packageHead + "--b\nContent-Transfer-Encoding: quoted-printable\n\n=41=\n=\n--b--",
	} {
		f.Add([]byte(s), "1.2.3")
	}
	f.Fuzz(func(t *testing.T, text []byte, id string) {
		before := bytes.Clone(text)
		p, fs := Unpack(text, id, PackageLimits{Parts: 5, Headers: 4, HeaderBytes: 300})
		if !bytes.Equal(before, text) {
			t.Fatal("the text was changed")
		}
		lines := 1 + bytes.Count(text, []byte("\n"))
		for _, x := range fs {
			if x.Line < 1 || x.Line > lines || x.Column < 1 {
				t.Fatalf("%+v in %d lines", x, lines)
			}
		}
		if len(p.Parts) > 5 || p.Document == nil && len(p.DocumentBytes()) > 0 {
			t.Fatalf("%d parts", len(p.Parts))
		}
		if p.Document == nil && len(fs) == 0 {
			t.Fatal("no document and no finding")
		}
		for _, part := range p.Parts {
			if len(part.Bytes) > len(text) {
				t.Fatalf("a part of %d bytes out of %d", len(part.Bytes), len(text))
			}
		}
	})
}

func BenchmarkUnpack(b *testing.B) {
	for _, size := range []int{20_000, 2_000_000} {
		doc := bytes.Repeat([]byte("<a>0123456789</a>\n"), size/18)
		x := &xmlWriter{}
		x.mime("1.2.3", doc, nil)
		text := bytes.ReplaceAll(bytes.ReplaceAll(x.b, []byte("&lt;"), []byte("<")), []byte("&gt;"), []byte(">"))
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			for b.Loop() {
				if p, fs := Unpack(text, "1.2.3", DefaultPackageLimits); len(fs) > 0 || len(p.DocumentBytes()) != len(doc) {
					b.Fatal(fs)
				}
			}
		})
	}
}
