package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portti/fixtures"
	"portti/gateway"
	"portti/gateway/access"
)

// knownChild is an archive that has the child's relationships, cases and a plan.
func knownChild(t *testing.T) string {
	t.Helper()
	w := fixtures.Default()
	config := gatewayConfigForConformance(t)
	g, err := gateway.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Start(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"relationship-child", "relationship-child-sumula", "case", "plan"} {
		envelope := `<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body>` + string(w.Frame(w.Doc(name))) + `</S:Body></S:Envelope>`
		r, err := http.Post("http://"+g.Addr().String()+"/soap", "text/xml; charset=utf-8", strings.NewReader(envelope))
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r.Body)
		if r.Body.Close(); err != nil || !strings.Contains(string(b), `"CA"`) {
			t.Fatalf("%s: %v\n%s", name, err, b)
		}
	}
	if err := g.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return config.Data
}

// TestAccessCommands: explain tells why, in the languages and as JSON; informing and
// suspension count at once.
func TestAccessCommands(t *testing.T) {
	w := fixtures.Default()
	dir := knownChild(t)
	a, b, p := w.Organisations[0], w.Organisations[1], w.Organisations[2]
	at := []string{"--data", dir, "--at", w.Now.Format(time.RFC3339)}
	child := w.Client("child").Hetu
	explain := func(want int, args ...string) string {
		t.Helper()
		code, out := orgRun(t, append(append([]string{"access", "explain", "--document", w.Doc("plan").OID}, at...), args...)...)
		if code != want {
			t.Fatalf("%v: exit code %d\n%s", args, code, out)
		}
		if strings.Contains(out, child) || strings.Contains(out, w.Client("child").Family) {
			t.Errorf("personal data in the explanation:\n%s", out)
		}
		return out
	}
	if out := explain(exitOK, "--unit", a.Units[0].OID, "--organisation", a.OID); !strings.Contains(out, "=> given: own-register") || !strings.Contains(out, "703/2023") {
		t.Error(out)
	}
	other := []string{"--unit", b.Units[0].OID, "--organisation", b.OID, "--strong"}
	if out := explain(exitInvalid, append(other, "--lang", "fi")...); !strings.Contains(out, "ACCESS-INFORMING-MISSING") || !strings.Contains(out, "Informointia ei ole kirjattu") {
		t.Error(out)
	}
	if out := explain(exitInvalid, "--unit", b.Units[1].OID, "--organisation", b.OID, "--strong", "--lang", "sv"); !strings.Contains(out, "ACCESS-CONNECTION-MISSING") || !strings.Contains(out, "nekas") {
		t.Error(out)
	}
	mustRun(t, "access", "inform", "--data", dir, "--client", child, "--recorder", a.OID, "--at", "2026-03-01")
	var e access.Explanation
	if err := json.Unmarshal([]byte(explain(exitInvalid, append(other, "--format", "json")...)), &e); err != nil || e.Outcome != access.Hidden || e.Rule != access.RulePermission || len(e.Steps) < 6 {
		t.Errorf("%+v %v", e, err)
	}
	provider := []string{"--unit", p.Units[0].OID, "--organisation", p.OID}
	explain(exitOK, provider...)
	mustRun(t, "access", "suspend", "--data", dir, "--client", child, "--organiser", a.OID, "--recorder", a.OID, "--at", "2026-03-01")
	if out := explain(exitInvalid, append(provider, "--store")...); !strings.Contains(out, "suspended") {
		t.Error(out)
	}
	state := mustRun(t, append([]string{"access", "state", "--client", child}, at...)...)
	if !strings.Contains(state, "informed") || !strings.Contains(state, "suspended") || !strings.Contains(state, p.Units[0].OID) {
		t.Error(state)
	}
	mustRun(t, "access", "resume", "--data", dir, "--client", child, "--organiser", a.OID, "--recorder", a.OID, "--at", "2026-03-01")
	explain(exitOK, provider...)
	for _, wrong := range [][]string{
		{"access", "explain", "--data", dir}, {"access", "explain", "--data", dir, "--document", "1.2.3"}, {"access", "state", "--data", dir},
		{"access", "inform", "--data", dir, "--client", child}, {"access", "inform", "--data", dir, "--client", child, "--recorder", a.OID, "--at", "2999-01-01"},
		{"access", "suspend", "--data", dir, "--client", child, "--recorder", a.OID},
		{"access", "explain", "--data", dir, "--document", w.Doc("plan").OID, "--as", "x"}, {"access", "explain", "--data", dir, "--document", w.Doc("plan").OID, "--use", "x"},
		{"access", "explain", "--data", dir, "--document", w.Doc("plan").OID, "--work-task", "x"}, {"access", "explain", "--data", dir, "--document", w.Doc("plan").OID, "--at", "x"},
		{"access", "explain", "--data", dir, "--document", w.Doc("plan").OID, "--access-settings", "no-such-file"},
	} {
		if code, out := orgRun(t, wrong...); code != exitUsage {
			t.Errorf("%v: exit code %d: %s", wrong, code, out)
		}
	}
}

// TestAccessCommandsBesideAGateway: they go through the socket of the process that
// serves the archive.
func TestAccessCommandsBesideAGateway(t *testing.T) {
	w := fixtures.Default()
	config := gatewayConfigForConformance(t)
	config.Data = knownChild(t)
	settings := filepath.Join(t.TempDir(), "access.yaml") // the plan's service task is one that no work task knows
	err := os.WriteFile(settings, []byte("codes: {families: \"99\"}\n"), 0o600)
	if err == nil {
		config.Access, err = access.LoadSettings(settings)
	}
	if err != nil {
		t.Fatal(err)
	}
	g, err := gateway.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close(t.Context())
	stop, err := serveControl(g, config.Data)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	a, p, child := w.Organisations[0], w.Organisations[2], w.Client("child").Hetu
	data := []string{"--data", config.Data, "--at", w.Now.Format(time.RFC3339)}
	line := func(args ...string) []string { return append(args, data...) }
	mustRun(t, line("access", "inform", "--client", child, "--recorder", a.OID)...)
	mustRun(t, line("access", "suspend", "--client", child, "--organiser", a.OID, "--recorder", a.OID)...)
	state := mustRun(t, line("access", "state", "--client", child)...)
	if !strings.Contains(state, "informed") || !strings.Contains(state, "suspended") {
		t.Error(state)
	}
	code, out := orgRun(t, line("access", "explain", "--document", w.Doc("plan").OID, "--unit", p.Units[0].OID, "--organisation", p.OID, "--use", "right")...)
	if code != exitInvalid || !strings.Contains(out, "suspended") || strings.Contains(out, child) {
		t.Errorf("exit code %d\n%s", code, out)
	}
	given := mustRun(t, line("access", "explain", "--document", w.Doc("plan").OID, "--unit", a.Units[0].OID, "--organisation", a.OID)...)
	if strings.Count(given, "=> ") != 1 || !strings.Contains(given, "=> given: own-register") {
		t.Error(given)
	}
	code, out = orgRun(t, line("access", "explain", "--document", w.Doc("plan").OID, "--organisation", a.OID, "--work-task", "arranging")...)
	if code != exitInvalid || !strings.Contains(out, access.RuleWorkTask) {
		t.Errorf("not decided by the gateway's settings: exit code %d\n%s", code, out)
	}
	if code, out := orgRun(t, line("access", "explain", "--document", "1.2.3")...); code != exitUsage {
		t.Errorf("an unknown document: exit code %d\n%s", code, out)
	}
}

// TestRKO4_SettingsOfClosing: the closing delay is read by controller, and a file
// that cannot be meant is told.
func TestRKO4_SettingsOfClosing(t *testing.T) {
	m := &Main{}
	file := filepath.Join(t.TempDir(), "access.yaml")
	write := func(s string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("closing_delay: 1\nclosing_delay_by_controller: {1.2.3: 7}\ncalendar: {saturday_counts: true}\ncodes: {elderly: \"44\"}\n")
	if s, err := m.accessSettings(file); err != nil || s.Delay != 1 || s.Delays["1.2.3"] != 7 || !s.Calendar.SaturdayCounts {
		t.Errorf("%+v %v", s, err)
	}
	for _, bad := range []string{"closing_delay: -1\n", "closing_delay_by_controller: {x: 9999}\n", "unknown: 1\n", "codes: {x: \"1\"}\n", "- 1\n"} {
		write(bad)
		if _, err := m.accessSettings(file); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
