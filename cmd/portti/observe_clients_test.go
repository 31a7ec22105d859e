package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"portti/cda/frame"
	"portti/conformance/cases"
	"portti/conformance/observe"
	"portti/conformance/run"
	"portti/conformance/wire"
	"portti/internal/judge"
	"portti/internal/xmltree"
	"portti/wsdl/client"
	"portti/xmldsig"

	gowsdl "github.com/hooklift/gowsdl/soap"
)

// Two clients that share no code with the suite's own are each led through whole
// profiles, which together are all that there are but the connecting one, their union.
// Both decide by themselves when to send again.

// scripts gives the messages of a profile's cases.
func scripts(t *testing.T, p *run.Player, list []*cases.Case) [][]run.Message {
	t.Helper()
	var out [][]run.Message
	for _, c := range list {
		m, err := p.Script(c)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}

// TestZeepIsLedThroughProfiles: the archiving application stores, the viewing system asks.
func TestZeepIsLedThroughProfiles(t *testing.T) {
	const python = "/usr/bin/python3" // Debian's own, which has python3-zeep
	if exec.Command(python, "-c", "import zeep").Run() != nil {
		judge.Missing(t, "zeep is not installed (Debian: python3-zeep)")
	}
	for _, profile := range []cases.Profile{cases.Archiving, cases.Viewing} {
		t.Run(string(profile), func(t *testing.T) {
			g := newObserved(t)
			id := g.begin(observe.Plan{Name: "zeep", Profile: profile, Device: g.player().World.Organisations[0].OID})
			list := cases.Default().Select(cases.Selection{Mode: cases.Client, Profile: profile})
			dir := t.TempDir()
			for i, messages := range scripts(t, g.player(), list) {
				writeScript(t, filepath.Join(dir, fmt.Sprintf("%03d-%s", i, list[i].ID)), messages)
			}
			out, err := exec.Command(python, "../../conformance/observe/testdata/zeep_client.py", g.url+"/soap?wsdl", dir).CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			t.Logf("%s", out)
			g.finished(id, len(list))
		})
	}
}

// writeScript writes a case's messages as files in their order.
func writeScript(t *testing.T, folder string, messages []run.Message) {
	t.Helper()
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for n, m := range messages {
		name := fmt.Sprintf("%02d-%s.xml", n, m.Name)
		if m.SOAP == "1.2" {
			name = fmt.Sprintf("%02d-%s.12.xml", n, m.Name)
		}
		if err := os.WriteFile(filepath.Join(folder, name), m.Frame, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTheGeneratedClientIsLedThroughProfiles: what gowsdl generates speaks SOAP 1.1
// only, so that the case for 1.2 is left out.
func TestTheGeneratedClientIsLedThroughProfiles(t *testing.T) {
	for _, profile := range []cases.Profile{cases.Storing, cases.Viewing} {
		t.Run(string(profile), func(t *testing.T) {
			g := newObserved(t)
			list := cases.Default().Select(cases.Selection{Mode: cases.Client, Profile: profile, Excluded: []string{"CLIENT-SOAP12"}})
			id := g.begin(observe.Plan{Name: "gowsdl", Profile: profile, Excluded: []string{"CLIENT-SOAP12"}})
			c := newGenerated(g.url + "/soap")
			for i, messages := range scripts(t, g.player(), list) {
				for _, m := range messages {
					if verdict := c.send(m); verdict == "" {
						t.Errorf("%s, %s: gave up", list[i].ID, m.Name)
					}
				}
			}
			g.finished(id, len(list))
		})
	}
}

// finished demands that a session has come to its end with as many passed.
func (g *observed) finished(id string, passed int) {
	g.t.Helper()
	r := g.report(id)
	for _, c := range r.Results {
		for i, s := range c.Steps {
			for _, p := range s.Problems {
				g.t.Errorf("%s, step %d: %s", c.ID, i+1, p.Text["en"])
			}
		}
	}
	if n := r.Count(); n.Passed != passed || n.Failed > 0 || !g.o.Done() {
		g.t.Errorf("%+v, want %d passed; state %+v", n, passed, g.o.States()[0])
	}
	if text := g.get(""); !strings.Contains(text, fmt.Sprintf("%d/%d passed, 0 failed", passed, len(r.Results))) {
		g.t.Errorf("the state tells %q", text)
	}
}

// generated is a client system on the client that gowsdl makes of the WSDL.
type generated struct {
	archive client.Archive
	body    []byte // of the last answer
}

// Do implements gowsdl's HTTPClient: it keeps the answer, and takes a connection of
// its own for each message.
func (c *generated) Do(r *http.Request) (*http.Response, error) {
	c.body = nil
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}).Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	c.body, res.Body = b, io.NopCloser(bytes.NewReader(b))
	return res, nil
}

func newGenerated(url string) *generated {
	c := &generated{}
	c.archive = client.NewArchive(gowsdl.NewClient(url, gowsdl.WithHTTPClient(c)))
	return c
}

// send sends a message until it is acknowledged; "" where it never was.
func (c *generated) send(m run.Message) string {
	const tries = 5
	for range tries {
		if c.once(m) != nil && c.body == nil {
			continue
		}
		a := wire.Read(http.StatusOK, http.Header{}, c.body)
		switch {
		case a.Ack != nil && a.Ack.Target.Extension == m.ID && slices.Contains([]frame.AckCode{frame.Accepted, frame.Refused, frame.Answered}, a.Ack.Code):
			return string(a.Ack.Code)
		case a.IsFault && strings.Contains(a.Fault, "Client"):
			return "fault"
		}
	}
	return ""
}

func (c *generated) once(m run.Message) error {
	t, err := xmltree.Parse(m.Frame, xmltree.Limits{Bytes: len(m.Frame)})
	if err != nil {
		return err
	}
	var b strings.Builder
	canon := xmldsig.Canonicalizer{Algorithm: xmldsig.Inclusive10}
	for n := range t.Children(t.Root()) {
		if err := canon.Write(&b, t, n); err != nil {
			return err
		}
	}
	return c.call(t.Local(t.Root()), client.AnyType{InnerXML: b.String()})
}

// call calls the operation of an interaction.
func (c *generated) call(interaction string, content client.AnyType) (err error) {
	ctx := context.Background()
	switch interaction {
	case "RCMR_IN200002FI01":
		_, err = c.archive.RCMR_IN200002FI01Context(ctx, &client.RCMR_IN200002FI01{AnyType: content, ITSVersion: "XML_1.0"})
	case "RCMR_IN200016FI01":
		_, err = c.archive.RCMR_IN200016FI01Context(ctx, &client.RCMR_IN200016FI01{AnyType: content, ITSVersion: "XML_1.0"})
	case "RCMR_IN200029FI01":
		_, err = c.archive.RCMR_IN200029FI01Context(ctx, &client.RCMR_IN200029FI01{AnyType: content, ITSVersion: "XML_1.0"})
	case "RCMR_IN200031FI01":
		_, err = c.archive.RCMR_IN200031FI01Context(ctx, &client.RCMR_IN200031FI01{AnyType: content, ITSVersion: "XML_1.0"})
	default:
		err = fmt.Errorf("no operation %s", interaction)
	}
	return err
}
