package rules

import (
	"bytes"
	"os"
	"testing"

	"portti/cda/rules/internal/fieldtexts"
)

// The table of fields and the functions that reach them hold together.
func TestEveryFieldIsReached(t *testing.T) {
	b := DefaultBook()
	seen := map[string]bool{}
	for _, f := range b.fields {
		if seen[f.ID] {
			t.Errorf("field %s stands twice", f.ID)
		}
		seen[f.ID] = true
		if _, ok := reach[f.ID]; ok == f.RepeatedOnly {
			t.Errorf("field %s: reached %v, repeated only %v", f.ID, ok, f.RepeatedOnly)
		}
		for _, lang := range []string{"fi", "sv", "en"} {
			if f.Name[lang] == "" {
				t.Errorf("field %s lacks a name in %s", f.ID, lang)
			}
		}
		if name, value := b.listOf(f); f.System+f.Codes != "" && (name == "" || value == "") {
			t.Errorf("field %s: no code list %s%s", f.ID, f.System, f.Codes)
		}
	}
	for id := range reach {
		if !seen[id] {
			t.Errorf("%s is reached but is no field", id)
		}
	}
	for _, row := range b.duty.Rows {
		if row.Source == "" {
			t.Errorf("obligation %s lacks its source", row.Field)
		}
		if len(row.Seen) == 0 && row.Field[:7] != "RELATED" && row.Field != "REASONOFCORRECTION" {
			t.Errorf("obligation %s is seen nowhere", row.Field)
		}
	}
}

// The catalogue's generated file is the one that the data make.
func TestGeneratedCatalogueIsCurrent(t *testing.T) {
	texts, err := os.ReadFile("gen/texts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want, err := fieldtexts.Generate(DefaultBook().FieldRules(), texts)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("catalogue/data/metadata.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("catalogue/data/metadata.yaml is not what the data make: run go generate ./cda/rules")
	}
}

func TestGenerateRefusesAKindWithoutTexts(t *testing.T) {
	if _, err := fieldtexts.Generate([]fieldtexts.Rule{{ID: "A", Kind: "NOSUCH"}}, []byte("{}")); err == nil {
		t.Error("taken")
	}
	if _, err := fieldtexts.Generate(nil, []byte("[")); err == nil {
		t.Error("broken texts taken")
	}
}
