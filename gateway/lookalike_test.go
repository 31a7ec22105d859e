package gateway

import (
	"bytes"
	"context"
	"testing"
	"time"

	"portti/fixtures"
	"portti/gateway/pipeline"
	"portti/gateway/soap"
)

func input(doc []byte, arrived time.Time) pipeline.Input {
	return pipeline.Input{Document: doc, Arrived: arrived}
}

func TestARK1_EverySampleIsArchivedAndServedBack(t *testing.T) {
	g := start(t, nil)
	for _, d := range world().Documents {
		g.accepted(world().Frame(d))
		if !bytes.Equal(g.served(d.OID), d.Bytes) {
			t.Errorf("%s: other bytes came back", d.Name)
		}
		frame, err := g.Store.Frame(context.Background(), everything, d.OID)
		if err != nil || !bytes.Equal(frame, inEnvelope(soap.NS11, world().Frame(d))) {
			t.Errorf("%s: another request came back: %v", d.Name, err)
		}
	}
}

func TestFramesInTheFormsOfRealExports(t *testing.T) {
	g := start(t, nil)
	for i, o := range []fixtures.FrameOptions{{Form: fixtures.FormSP1}, {FoldedHeaders: true}} {
		d := world().Documents[i]
		g.accepted(world().FrameWith(d, o))
		if !bytes.Equal(g.served(d.OID), d.Bytes) {
			t.Errorf("%+v: other bytes came back", o)
		}
	}
}

func TestBothVersionsOfSOAP(t *testing.T) {
	g := start(t, nil)
	for i, v := range []soap.Version{soap.V11, soap.V12} {
		r := g.post(v.ContentType(""), inEnvelope(v.Namespace(), world().Frame(world().Documents[i])))
		if r.ack == nil || r.ack.Code != "CA" {
			t.Fatalf("SOAP %v: %v", v, r)
		}
		if ct := r.header.Get("Content-Type"); !bytes.HasPrefix([]byte(ct), []byte(v.ContentType(""))) {
			t.Errorf("SOAP %v is answered as %q", v, ct)
		}
	}
}

func TestSEC2_ResendIsAnsweredAgainAndStoredOnce(t *testing.T) {
	g := start(t, nil)
	d := world().Doc("plan")
	for _, name := range []string{"relationship-child", "case"} {
		g.accepted(world().Frame(world().Doc(name)))
	}
	first := g.accepted(world().Frame(d))
	again := g.accepted(world().FrameWith(d, fixtures.FrameOptions{Extension: "77"}))
	if again.ack.Target.Extension != "77" || len(again.ack.Details) != len(first.ack.Details) {
		t.Errorf("first %v\nagain %v", first, again)
	}
	series, err := g.Store.Series(context.Background(), everything, d.SetID)
	if err != nil || len(series) != 1 {
		t.Errorf("%d versions in the archive, %v", len(series), err)
	}
}

func TestSameIDWithOtherBytesIsRefused(t *testing.T) {
	g := start(t, nil)
	d := world().Documents[0]
	g.accepted(world().Frame(d))
	other := *d
	other.Bytes = append(bytes.Clone(d.Bytes), '\n')
	r := g.send(world().Frame(&other))
	if r.ack == nil || r.ack.Code != "CE" || r.detail("STORE-ID-BYTES") == nil {
		t.Fatalf("got %v", r)
	}
	if !bytes.Equal(g.served(d.OID), d.Bytes) {
		t.Error("the archived document changed")
	}
}

func TestSIG4_FaultySignaturesAreRefused(t *testing.T) {
	g := start(t, nil)
	d := world().Documents[0]
	for _, f := range []fixtures.Fault{fixtures.BrokenBodyDigest} {
		m, err := world().Mutate(d, f)
		if err != nil {
			t.Fatal(err)
		}
		r := g.send(world().Frame(m))
		if r.ack == nil || r.ack.Code != "CE" || r.detail("SIG-DIGEST-MISMATCH") == nil {
			t.Errorf("%s: %v", f, r)
		}
	}
	if _, err := g.Store.Document(context.Background(), everything, d.OID); err == nil {
		t.Error("a refused document is in the archive")
	}
}
