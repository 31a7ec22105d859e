package report

import (
	"encoding/json"
	"io"

	"portti/cda/rules/catalogue"
)

type jsonWriter struct{ enc *json.Encoder }

func newJSONWriter(w io.Writer) *jsonWriter {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return &jsonWriter{enc}
}

// Add writes one object on one line.
func (j *jsonWriter) Add(r Result) error {
	if r.Findings == nil {
		r.Findings = []catalogue.Resolved{}
	}
	return j.enc.Encode(r)
}

// Close implements Writer.
func (j *jsonWriter) Close() error { return nil }
