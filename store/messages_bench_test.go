package store

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// benchMessages is how many rows the message log of the benchmark has: PORTTI_MESSAGES,
// default 20,000. A benchmark of ten million takes some minutes to fill.
func benchMessages(b *testing.B) int {
	n, err := strconv.Atoi(os.Getenv("PORTTI_MESSAGES"))
	if err != nil {
		n = 20_000
	}
	return n
}

// BenchmarkMessages searches a large message log as the message browser does; each
// search must stay under 0.2 s whatever the size.
func BenchmarkMessages(b *testing.B) {
	s := open(b)
	n := benchMessages(b)
	mustArchive(b, s, doc(id(1)))
	// The rows are made by SQLite itself: filling ten million through the archive would
	// measure the archive.
	db := rawDB(b, s)
	_, err := db.Exec(`WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i <= ?)
		INSERT INTO message_log (seq, arrived, message_id, device, owner, interaction, service_request, document_id, document, outcome,
		verdict, rule, suspicious, ack, findings, raw, timings, checksum)
		SELECT i, i * 1000, 'm' || i, 'device-' || (i % 50), 'owner-' || (i % 7), 'RCMR_IN200002FI01', 'SP17', 'd' || i, NULL, 5,
		CASE WHEN i % 1000 = 0 THEN 'CE' ELSE 'CA' END, CASE WHEN i % 1000 = 0 THEN 'RULE-' || (i % 13) ELSE '' END, 0, x'00', x'00', x'00', '{}', 0 FROM n`, n)
	if err != nil {
		b.Fatal(err)
	}
	for name, f := range map[string]MessageFilter{
		"newest":   {},
		"message":  {MessageID: "m" + strconv.Itoa(n/2)},
		"document": {DocumentID: "d" + strconv.Itoa(n/3)},
		"device":   {Device: "device-7"},
		"rule":     {Rule: "RULE-4"},
		"verdict":  {Verdict: "CE"},
		"request":  {ServiceRequest: "SP17"},
		"nothing":  {ServiceRequest: "SP1"},
		"two":      {Device: "device-7", ServiceRequest: "SP1"},
		"refused":  {Device: "device-7", Verdict: "CE"},
		"unusual":  {Interaction: "none"},
		"time":     {From: time.UnixMicro(int64(n) * 500), Until: time.UnixMicro(int64(n)*500 + 1000)},
	} {
		b.Run(name, func(b *testing.B) {
			worst := time.Duration(0)
			for b.Loop() {
				began := time.Now()
				if _, err := s.Messages(bg, all, f, 25, ""); err != nil {
					b.Fatal(err)
				}
				worst = max(worst, time.Since(began))
			}
			b.ReportMetric(float64(worst.Microseconds())/1000, "worst-ms")
		})
	}
}
