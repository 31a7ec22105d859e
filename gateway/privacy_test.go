package gateway

import (
	"bytes"
	"strings"
	"testing"

	"portti/fixtures"
)

func TestSEC1_LogHoldsNoPersonalData(t *testing.T) {
	g := start(t, nil)
	d := world().Doc("plan")
	broken, err := world().Mutate(d, fixtures.BrokenBodyDigest)
	if err != nil {
		t.Fatal(err)
	}
	frame := world().Frame(d)
	g.send(world().Frame(broken))
	g.send(frame)
	g.send(frame)
	g.send(bytes.Replace(frame, []byte("</controlActProcess>"), nil, 1))                                                           // not well-formed
	g.send(bytes.ReplaceAll(frame, []byte("RCMR_IN200002FI01"), []byte("Virtanen_010181-900C")))                                   // unknown message
	g.post("text/xml", inEnvelope("urn:010181-900C", frame))                                                                       // unknown envelope
	g.post("text/xml; charset=010181-900C", frame)                                                                                 // unknown charset
	g.post("text/xml", bytes.Replace(frame, []byte(`classCode="CACT"`), []byte(`classCode="CACT" hetu="010181-900C" hetu=""`), 1)) // twice
	log := g.log.String()
	if strings.Count(log, `"message":"message"`) != 8 {
		t.Fatalf("not every message is logged:\n%s", log)
	}
	var personal []string
	for _, c := range world().Clients {
		_, extension := c.ID()
		personal = append(append(personal, extension, c.Family), c.Given...)
	}
	for _, p := range world().Professionals {
		personal = append(personal, p.Hetu, p.Number, p.Family, p.Given)
	}
	personal = append(personal, "010181-900C", "Virtanen", d.OID)
	for _, x := range personal {
		if x != "" && strings.Contains(log, x) {
			t.Errorf("%q is in the log", x)
		}
	}
}
