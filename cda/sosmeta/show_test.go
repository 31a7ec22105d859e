package sosmeta

import (
	"strings"
	"testing"
)

func TestShowIsATreeInThreeLanguages(t *testing.T) {
	for _, c := range []struct {
		id, lang string
		want     []string
	}{
		{"1.2.246.537.6.1505.2.2022.6.28", "fi", []string{"Asia-asiakirja\n1.2.246.537.6.1505.2.2022.6.28\n",
			"\nasia_asiakirja · Asia-asiakirja · ryhmä · pakollinen\n",
			"\n├─ asiakas [1..*] · Asiakas · ryhmä · pakollinen\n",
			"\n│  ├─ henkilotunnus · Henkilötunnus · tunnus · ehdollinen · urn:oid:1.2.246.21\n",
			"\n│  ├─ tila · ", " · koodi · pakollinen · koodisto 1.2.246.537.6.1501\n"}},
		{"1.2.246.537.6.1505.1", "sv", []string{"Klientrelationshandling\n", "asiointikieli · ", " · kod · frivillig · ", "tillåtna: FI, SV\n"}},
		{"15007", "en", []string{"Lapsiperheiden palvelujen asiakassuunnitelma\n", "type: Suunnitelma\n", "valid: 2024-11-28 –\n", "required"}},
		{"1006", "en", []string{"leaf codes only\n"}},
		{"1.2.246.537.6.1505.8", "en", []string{"infoteksti · Infoteksti · phrase · required · fixed text\n"}},
	} {
		var b strings.Builder
		if err := Default().Show(&b, c.id, c.lang); err != nil {
			t.Fatal(err)
		}
		for _, w := range c.want {
			if !strings.Contains(b.String(), w) {
				t.Errorf("%s in %s lacks %q:\n%s", c.id, c.lang, w, b.String())
			}
		}
	}
}

func TestShowTellsWhatIsKnown(t *testing.T) {
	var b strings.Builder
	err := Default().Show(&b, "1.2.246.537.6.1505.2.2020.1.1", "fi")
	if err == nil || !strings.Contains(err.Error(), "1.2.246.537.6.1505.2.2022.6.28") {
		t.Errorf("got %v", err)
	}
	if err := Default().Show(&b, "nonsense", "fi"); err == nil || b.Len() > 0 {
		t.Errorf("got %v, %q", err, b.String())
	}
}

func TestShowCoversEveryStructure(t *testing.T) {
	for _, st := range Default().List() {
		var b strings.Builder
		if err := Default().Show(&b, st.OID, "fi"); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(b.String(), "─ "); n < 3 {
			t.Errorf("%s: %d lines", st.OID, n)
		}
	}
}
