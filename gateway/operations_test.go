package gateway

import (
	"bytes"
	"slices"
	"testing"

	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/internal/finding"
)

func isAttachment(f finding.Finding) bool { return f.Rule == frame.RuleMIMEAttachment }

func TestARK4_MetadataOfAClientsDocuments(t *testing.T) {
	w := world()
	g := startWith(t, nil, "relationship-child", "case", "plan", "decision", "note", "relationship-mother")
	org := w.Organisations[0]
	got := g.found(asking(org, interactions.QueryMetadata, byClient(w.Client("child"))))
	var want []string
	for _, n := range []string{"note", "decision", "plan", "case", "relationship-child"} { // newest first
		want = append(want, w.Doc(n).OID)
	}
	if !slices.Equal(got.ids(), want) || got.Total != 5 || got.Current != 5 || got.Remaining != 0 || got.Outcome != frame.ResponseOK {
		t.Fatalf("%v, want %v\n%+v", got.ids(), want, got.Received)
	}
	plan, d := w.Doc("plan"), got.Documents[2]
	if d.Register.Code != "1" || d.Version.Value != plan.Version || d.SetID.Root != plan.SetID || d.Custodian.ID.Root != org.OID ||
		d.Clients[0].ID.Extension != plan.Spec.Clients[0].Hetu || d.Local.DocumentGroup.Code != "5" || d.Local.SpecificType.Code != plan.Specific.Code ||
		d.Encounter.ID.Root != plan.Spec.Case.OID || d.Text > 0 {
		t.Errorf("metadata: %+v", d.Metadata)
	}
	if got.QueryID.Extension == "" || !bytes.Contains(got.body, []byte("<patientId>")) {
		t.Error("the query is not repeated in its answer")
	}
}
