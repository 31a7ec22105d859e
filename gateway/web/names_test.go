package web

import (
	"net/http"
	"testing"

	"portti/cda/organisations"
	"portti/gateway/pipeline"
)

// UI-2: controllers stand by name where the organisation register tells it, and by id
// where it does not.
func TestUI2_ControllersStandByName(t *testing.T) {
	h := newHouse(t, nil)
	a, b := h.w.Organisations[0].OID, h.w.Organisations[1].OID
	register, err := organisations.New(true, organisations.Organisation{OID: a, Name: "Utuvaaran hyvinvointialue", NameSV: "Utuvaara välfärdsområde"})
	if err != nil {
		t.Fatal(err)
	}
	h.site.Judge.Organisations = new(pipeline.Organisations)
	h.site.Judge.Organisations.Set(organisations.NewDirectory(register, organisations.Joined{}))
	c := h.browser(cardC)
	token := c.login()
	want(t, c.get("/archive?lang=fi"), http.StatusOK, "Utuvaaran hyvinvointialue ("+a+")", `<button type="submit">`+b+`</button>`)
	c.post("/archive/organisation", "csrf", token, "controller", a)
	want(t, c.get("/archive?lang=sv"), http.StatusOK, "Utuvaara välfärdsområde ("+a+")")
	want(t, c.get("/archive/logs?lang=en"), http.StatusOK, "Controller: Utuvaaran hyvinvointialue")
}

// A long id is broken after dots alone, and stays whole for who copies it.
func TestLongIdsBreakAfterDots(t *testing.T) {
	for id, want := range map[string]string{
		"1.2.246.10.99999901.95901.2026.470722.336": "1.2.246.10.99999901.<wbr>95901.2026.<wbr>470722.336",
		"1.2.246.10.99999901.10.101":                "1.2.246.10.<wbr>99999901.<wbr>10.101",
		"1.2.246.21":                                "1.2.246.21",
		"<b>1.2.246.10.99999901.10.101":             "&lt;b&gt;1.2.246.10.99999901.10.101",
	} {
		if got := string(breakable(id)); got != want {
			t.Errorf("%s: %s", id, got)
		}
	}
}
