package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"portti/cda/frame"
	"portti/cda/rules"
	"portti/cda/rules/catalogue"
	"portti/cda/rules/report"
	"portti/fixtures"
	"portti/gateway"
	"portti/gateway/pipeline"
	"portti/gateway/soap"
	"portti/gateway/validation"
	"portti/internal/finding"
	"portti/internal/share"
	"portti/xmldsig/trust"

	"github.com/rs/zerolog"
)

// doors are the three ways to have a document judged: portti validate, the
// validation API and SOAP.
type doors struct {
	t       *testing.T
	dir     string // of files for the command line
	anchors string
	url     string
	args    []string // more flags of the command line
}

// writeAnchors writes the certificates that the command line is to trust.
func writeAnchors(t *testing.T) string {
	t.Helper()
	world := t.TempDir()
	if err := fixtures.Default().WriteDir(world); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(world, "anchors")
}

// openDoors starts a gateway for the fixtures' world.
func openDoors(t *testing.T, trusted string) *doors {
	t.Helper()
	return openDoorsWith(t, trusted, func(*gateway.Config) {})
}

// openDoorsWith starts it with a changed configuration; args say the same to the
// command line.
func openDoorsWith(t *testing.T, trusted string, change func(*gateway.Config), args ...string) *doors {
	t.Helper()
	w := fixtures.Default()
	d := &doors{t: t, dir: t.TempDir(), anchors: trusted, args: args}
	anchors, err := trust.New(trust.Options{AnchorCertificates: w.Authority.Certificates()})
	if err != nil {
		t.Fatal(err)
	}
	var n atomic.Int64
	c := gateway.Config{
		Data: t.TempDir(), Profile: catalogue.Strict, World: pipeline.Test, Lang: catalogue.English, Trust: anchors,
		Root: "1.2.246.10.99999901.10.1.18", Owner: "unidentified", Listen: "127.0.0.1:0", Log: zerolog.Nop(),
		Now: func() time.Time { return w.Now }, NewID: func() string { return fmt.Sprint(n.Add(1)) },
	}
	change(&c)
	g, err := gateway.Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	d.url = "http://" + g.Addr().String()
	return d
}

// said is what a door said of a document.
type said struct {
	door     string
	rejected bool
	// fault tells that SOAP answered by a Fault, which names no document's findings.
	fault    bool
	findings []string
}

// finding is one finding as it can be compared between doors: findings about the
// frame without place, for SOAP counts lines from the envelope.
func (s *said) add(rule string, severity finding.Severity, place string) {
	r := catalogue.Default().Rule(rule)
	if r.Stage == finding.StageEnvelope || r.Stage == finding.StageAccess || r.Stage == finding.StageCommit {
		return // there is no envelope on the command line, and no archive
	}
	if strings.HasPrefix(place, "frame ") || place == "frame" {
		place = "frame"
	}
	s.findings = append(s.findings, strings.TrimSpace(fmt.Sprintf("%s %s %s", rule, severity, place)))
}

func (s *said) addResolved(fs []catalogue.Resolved) {
	for _, d := range frame.Details(fs) {
		s.add(d.Rule, d.Severity, strings.Join(d.Location, ""))
	}
}

// without gives the findings but those of the MIME package, which the validation
// API does not read.
func (s *said) without() []string {
	return slices.DeleteFunc(slices.Clone(s.findings), func(f string) bool {
		return strings.HasPrefix(f, "MIME-") || strings.HasPrefix(f, "FRAME-TEXT-")
	})
}

// command asks portti validate for a frame with the document in it.
func (d *doors) command(frameXML []byte) *said {
	d.t.Helper()
	file := filepath.Join(d.dir, "frame.xml")
	if err := os.WriteFile(file, frameXML, 0o600); err != nil {
		d.t.Fatal(err)
	}
	return d.validate(file)
}

// commandApart asks portti validate for a document with its frame beside it.
func (d *doors) commandApart(frameXML, document []byte) *said {
	d.t.Helper()
	beside, file := filepath.Join(d.dir, "beside.xml"), filepath.Join(d.dir, "document.xml")
	if err := errors.Join(os.WriteFile(beside, frameXML, 0o600), os.WriteFile(file, document, 0o600)); err != nil {
		d.t.Fatal(err)
	}
	return d.validate("--frame", beside, file)
}

func (d *doors) validate(args ...string) *said {
	d.t.Helper()
	exit, out, stderr := runMain(nil, slices.Concat([]string{"validate", "--format", "json", "--trust", d.anchors}, d.args, args)...)
	var r report.Result
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		d.t.Fatalf("exit code %d: %v\n%s%s", exit, err, out, stderr)
	}
	s := &said{door: "portti validate", rejected: exit != exitOK}
	s.addResolved(r.Findings)
	return s
}

// rest asks the validation API.
func (d *doors) rest(request string, frameXML, document []byte) *said {
	d.t.Helper()
	body, err := json.Marshal(map[string]string{
		"messageId": "1", "palveluPyynto": request, "level": "1",
		"siirtokehysXml": `<?xml version="1.0" encoding="UTF-8"?>` + string(frameXML), "asiakirjaXml": string(document),
	})
	if err != nil {
		d.t.Fatal(err)
	}
	status, answer := d.post(validation.Path+"?detail=1", "application/json", body)
	var r report.Result
	if err := json.Unmarshal(answer, &r); err != nil {
		d.t.Fatalf("HTTP %d: %v\n%s", status, err, answer)
	}
	s := &said{door: "REST", rejected: status != http.StatusOK}
	s.addResolved(r.Findings)
	return s
}

// soap sends the frame as a message.
func (d *doors) soap(frameXML []byte) *said {
	d.t.Helper()
	envelope := `<s:Envelope xmlns:s="` + soap.NS11 + `"><s:Body>` + string(frameXML) + `</s:Body></s:Envelope>`
	_, answer := d.post("/soap", "text/xml; charset=utf-8", []byte(envelope))
	req, _, fs := soap.Read("text/xml", "", answer, soap.Options{})
	if req == nil {
		d.t.Fatalf("no SOAP: %v", fs)
	}
	s := &said{door: "SOAP", rejected: true}
	if req.Tree.Local(req.Body) == "Fault" {
		s.fault = true
		return s
	}
	ack, fs := frame.ReadAck(req.Tree, req.Body)
	if len(fs) > 0 {
		d.t.Fatalf("no acknowledgement: %v", fs)
	}
	s.rejected = ack.Code != "CA"
	for _, x := range ack.Details {
		s.add(x.Rule, x.Severity, strings.Join(x.Location, ""))
	}
	return s
}

func (d *doors) post(path, contentType string, body []byte) (int, []byte) {
	d.t.Helper()
	res, err := http.Post(d.url+path, contentType, bytes.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return res.StatusCode, answer
}

// requireSame demands that two doors found the same.
func requireSame(t *testing.T, name, doorA, doorB string, a, b []string) {
	t.Helper()
	if a, b := slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)); !slices.Equal(a, b) {
		t.Errorf("%s: %s found\n  %s\n%s found\n  %s", name, doorA, strings.Join(a, "\n  "), doorB, strings.Join(b, "\n  "))
	}
}

// compare asks all doors about a frame and its document.
func (d *doors) compare(name, request string, frameXML, document []byte) {
	d.t.Helper()
	command, sent := d.command(frameXML), d.soap(frameXML)
	if !sent.fault {
		requireSame(d.t, name, command.door, sent.door, command.findings, sent.findings)
	}
	if command.rejected && !sent.rejected {
		d.t.Errorf("%s: refused on the command line, archived over SOAP", name)
	}
	if !utf8.Valid(document) {
		return // JSON cannot carry it
	}
	rest := d.rest(request, frameXML, document)
	apart := d.commandApart(frameXML, document)
	requireSame(d.t, name, apart.door, rest.door, apart.without(), rest.without())
	requireSame(d.t, name, command.door, rest.door, command.without(), rest.without())
	if rest.rejected && !command.rejected {
		d.t.Errorf("%s: refused over REST, taken on the command line", name)
	}
}

func requestOf(frameXML []byte) string {
	_, rest, ok := strings.Cut(string(frameXML), `<reasonCode code="`)
	if !ok {
		return "SP1"
	}
	code, _, _ := strings.Cut(rest, `"`)
	return code
}

// TestAllDoorsSayTheSameOfSamples: the fixtures' documents of every group.
func TestAllDoorsSayTheSameOfSamples(t *testing.T) {
	d, w := openDoors(t, writeAnchors(t)), fixtures.Default()
	for _, doc := range share.Sample(w.Documents, 8) {
		f := w.Frame(doc)
		d.compare(doc.Name, requestOf(f), f, doc.Bytes)
	}
}

// TestAllDoorsSayTheSameOfFaults: every fault, on the first document that can have it.
func TestAllDoorsSayTheSameOfFaults(t *testing.T) {
	d, w := openDoors(t, writeAnchors(t)), fixtures.Default()
	for _, fault := range share.Sample(fixtures.Faults(), 8) {
		if fault == fixtures.WrongEncoding {
			continue // a declared encoding counts for octets; text in JSON has none
		}
		for _, name := range []string{"plan", "relationship-child", "old-pdf", "plan-2", "note-multi"} {
			m, err := w.Mutate(w.Doc(name), fault)
			if err != nil {
				continue
			}
			f := w.Frame(m)
			d.compare(string(fault), requestOf(f), f, m.Bytes)
			break
		}
	}
}

// TestAllDoorsSayTheSameOfFaultyFrames: sound documents in faulty frames. Faults of
// the package itself are no matter of the validation API.
func TestAllDoorsSayTheSameOfFaultyFrames(t *testing.T) {
	w, trusted := fixtures.Default(), writeAnchors(t)
	doc := w.Doc("plan")
	for _, fault := range share.Sample(fixtures.FrameFaults(), 8) {
		t.Run(string(fault), func(t *testing.T) {
			f, err := w.MutateFrame(doc, fault)
			if err != nil {
				t.Fatal(err)
			}
			openDoors(t, trusted).compareFrame(f, doc.Bytes) // an archive of its own: resends are answered as at first
		})
	}
}

func (d *doors) compareFrame(frameXML, document []byte) {
	d.t.Helper()
	sent, command := d.soap(frameXML), d.command(frameXML)
	apart, rest := d.commandApart(frameXML, document), d.rest(requestOf(frameXML), frameXML, document)
	requireSame(d.t, "frame", apart.door, rest.door, apart.without(), rest.without())
	if !sent.fault {
		requireSame(d.t, "frame", command.door, sent.door, command.findings, sent.findings)
	} else if !command.rejected || !rest.rejected {
		d.t.Error("a Fault over SOAP, taken elsewhere")
	}
}

// TestDOC2_AllDoorsGoByTheConfiguredRules: no assumptions, exact phrases, a window
// for phase I.
func TestDOC2_AllDoorsGoByTheConfiguredRules(t *testing.T) {
	w, trusted := fixtures.Default(), writeAnchors(t)
	until, err := (&config{Phase1Until: "2025-12-31"}).phase1Until()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, document, want string
		change               func(*gateway.Config)
		args                 []string
	}{
		{"assumptions", "old-pdf", "FRAME-SERVICEREQUEST-UNKNOWN error", func(c *gateway.Config) { c.Book = rules.DefaultBook().WithoutAssumptions() }, []string{"--assumptions", "off"}},
		{"phrases", "permission", "SOS-PHRASE-EXACT error", func(c *gateway.Config) { c.PhrasesExact = true }, []string{"--phrases", "exact"}},
		{"phase I", "phase1-pdf", "META-GROUP-PHASE1-CLOSED error", func(c *gateway.Config) { c.Phase1Until = until }, []string{"--phase1-until", "2025-12-31"}},
		{"phase I still open", "phase1-pdf", "META-GROUP-ASSUMED info", func(c *gateway.Config) { c.Phase1Until = w.Now }, []string{"--phase1-until", w.Now.Format(time.RFC3339)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, doc := openDoorsWith(t, trusted, c.change, c.args...), w.Doc(c.document)
			f := w.Frame(doc)
			d.compare(c.name, requestOf(f), f, doc.Bytes)
			if got := d.command(f).findings; !slices.ContainsFunc(got, func(f string) bool { return strings.HasPrefix(f, c.want) }) {
				t.Errorf("%v, want %s", got, c.want)
			}
		})
	}
	if until.Format(time.RFC3339) != "2025-12-31T23:59:59+02:00" {
		t.Errorf("the day ends at %s", until)
	}
	if _, err := (&config{Phase1Until: "31.12.2025"}).phase1Until(); err == nil {
		t.Error("a day in another form is taken")
	}
}
