package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portti/fixtures"
)

// asked runs portti query against the doors.
func (d *doors) asked(kind string, args ...string) (int, string) {
	d.t.Helper()
	w := fixtures.Default()
	code, out, errs := runMain(nil, append([]string{"query", kind, "--to", d.url + "/soap", "--sender", w.Organisations[0].OID,
		"--user", w.Professionals[0].Hetu, "--user-name", "Tessa Testaaja"}, args...)...)
	if code == exitUsage {
		d.t.Errorf("query %s %v: %s", kind, args, errs)
	}
	return code, out
}

func TestARK2_QueryCommandSavesWhatTheArchiveHolds(t *testing.T) {
	w := fixtures.Default()
	d := openDoors(t, writeAnchors(t))
	names := []string{"relationship-child", "case", "plan", "decision-attachment"}
	for _, n := range names {
		if status, body := d.post("/soap", "text/xml", inEnvelope(w.Frame(w.Doc(n)))); status != 200 || !bytes.Contains(body, []byte(`typeCode="CA"`)) {
			t.Fatalf("%s: %d %s", n, status, body)
		}
	}
	child, dir := w.Client("child").Hetu, t.TempDir()
	code, out := d.asked("documents", "--client", child, "--quantity", "1", "--save", dir)
	if code != exitOK || !strings.Contains(out, "3 remain") || !strings.Contains(out, "0 remain") {
		t.Fatalf("%d\n%s", code, out)
	}
	for _, n := range names {
		x := w.Doc(n)
		b, err := os.ReadFile(filepath.Join(dir, x.OID+".xml"))
		if err != nil || !bytes.Equal(b, x.Bytes) {
			t.Errorf("%s: saved with other bytes: %v", n, err)
		}
	}
	a := w.Doc("decision-attachment")
	b, err := os.ReadFile(filepath.Join(dir, a.OID+".1."+a.Spec.Attachments[0].ID))
	if err != nil || !bytes.Equal(b, a.Spec.Attachments[0].Bytes) {
		t.Errorf("attachment: %v", err)
	}
	plan := w.Doc("plan")
	code, out = d.asked("metadata", "--format", "json", "--client", child, "--group", "5", "--from", "2026-03-02", "--until", "2026-03-02", "--specific-type", plan.Specific.Code)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var found foundDocument
	var last foundAnswer
	if code != exitOK || len(lines) != 2 || json.Unmarshal([]byte(lines[0]), &found) != nil || json.Unmarshal([]byte(lines[1]), &last) != nil {
		t.Fatalf("%d\n%s", code, out)
	}
	if found.ID != plan.OID || found.Group != "5" || found.Type != plan.Specific.Code || found.Case != plan.Spec.Case.OID || found.Unit == "" ||
		last.Verdict != "AA" || last.Total == nil || *last.Total != 1 {
		t.Errorf("%+v %+v", found, last)
	}
	for kind, want := range map[string]string{"asiakkuus": w.Doc("relationship-child").OID, "asia": w.Doc("case").OID, "kooste": plan.OID} {
		if code, out := d.asked(kind, "--client", child); code != exitOK || !strings.Contains(out, want) {
			t.Errorf("%s: %d\n%s", kind, code, out)
		}
	}
	if code, out := d.asked("status", "--document", plan.OID); code != exitOK || !strings.Contains(out, "QUERY-STATUS-ARCHIVED") {
		t.Errorf("status: %d\n%s", code, out)
	}
	if code, out := d.asked("metadata", "--group", "5"); code != exitInvalid || !strings.Contains(out, "QUERY-SELECTION-MISSING") {
		t.Errorf("no selection: %d\n%s", code, out)
	}
	if code, _, _ := runMain(nil, "query", "metadata"); code != exitUsage {
		t.Errorf("without an address: %d", code)
	}
}

func TestARK8_QueryCommandTellsTheWill(t *testing.T) {
	w := fixtures.Default()
	d := openDoors(t, writeAnchors(t))
	will := w.Doc("permission")
	client := will.Spec.Clients[0].Hetu
	if code, out := d.asked("will", "--client", client); code != exitOK || !strings.Contains(out, "AA NF") {
		t.Errorf("before anything: %d\n%s", code, out)
	}
	if status, body := d.post("/soap", "text/xml", inEnvelope(w.Frame(will))); status != 200 || !bytes.Contains(body, []byte(`typeCode="CA"`)) {
		t.Fatalf("%d %s", status, body)
	}
	dir := t.TempDir()
	code, out := d.asked("tahto", "--client", client, "--save", dir)
	if code != exitOK || !strings.Contains(out, will.OID+" version 1 completed") || !strings.Contains(out, "QUERY-WILL-PERMITTED") {
		t.Errorf("%d\n%s", code, out)
	}
	if b, err := os.ReadFile(filepath.Join(dir, will.OID+".xml")); err != nil || !bytes.Equal(b, will.Bytes) {
		t.Errorf("saved with other bytes: %v", err)
	}
	if code, out := d.asked("will", "--document", will.OID); code != exitInvalid || !strings.Contains(out, "QUERY-WILL-CLIENT") {
		t.Errorf("of no client: %d\n%s", code, out)
	}
}

func TestARK3_SendNullifies(t *testing.T) {
	w := fixtures.Default()
	for _, form := range []string{"frame", "status"} {
		d := openDoors(t, writeAnchors(t))
		for _, n := range []string{"relationship-child", "case"} {
			d.post("/soap", "text/xml", inEnvelope(w.Frame(w.Doc(n))))
		}
		plan := w.Doc("plan")
		file := filepath.Join(t.TempDir(), "plan.xml")
		if err := os.WriteFile(file, plan.Bytes, 0o600); err != nil {
			t.Fatal(err)
		}
		send := func(args ...string) (int, string) {
			code, out, errs := runMain(nil, append([]string{"send", "--to", d.url + "/soap", "--user", "010181-900C", "--user-name", "Tessa Testaaja", file}, args...)...)
			return code, out + errs
		}
		if code, out := send(); code != exitOK {
			t.Fatalf("%d\n%s", code, out)
		}
		if code, out := send("--nullify", form); code != exitOK {
			t.Fatalf("%s: %d\n%s", form, code, out)
		}
		if _, out := d.asked("metadata", "--document", plan.OID); !strings.Contains(out, "AA NF") {
			t.Errorf("%s: a nullified document is found:\n%s", form, out)
		}
		if _, out := d.asked("metadata", "--document", plan.OID, "--nullified"); !strings.Contains(out, "nullified") {
			t.Errorf("%s: its own controller does not find it:\n%s", form, out)
		}
		if code, out := send("--nullify", "wish"); code != exitUsage {
			t.Errorf("an unknown form: %d %s", code, out)
		}
	}
}

func inEnvelope(frame []byte) []byte {
	return []byte(`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>` + string(frame) + `</s:Body></s:Envelope>`)
}
