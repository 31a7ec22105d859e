package logs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"portti/store"
	"portti/store/proof"
)

// ErrDiffers tells that an entry is not the one that a proof is of.
var ErrDiffers = errors.New("the proof is not of this entry")

// Proven gives the entry that a proof with content is of, as it would be supplied. The
// number, which no leaf binds, is 0. Verify the proof first.
func Proven(p *proof.Inclusion) (e Entry, err error) {
	text := func(name string) string {
		if f := p.Field(name); f != nil && f.Text != nil {
			return *f.Text
		}
		return ""
	}
	at, content := p.Field("at"), p.Field("content")
	if p.Kind != proof.KindUsage && p.Kind != proof.KindDisclosure || at == nil || at.Int == nil || content == nil || content.Bytes == nil {
		return e, fmt.Errorf("logs: %s is no log row with its content", p.Subject)
	}
	var c struct {
		Client, Discloser, User, UserName, Description string
		Detail                                         []byte
	}
	if err := json.Unmarshal(*content.Bytes, &c); err != nil {
		return e, fmt.Errorf("logs: %s: %w", p.Subject, err)
	}
	e = Entry{Log: store.UsageLog, Leaf: p.Index, Time: stamp(time.UnixMicro(*at.Int)), DataController: text("data-controller"),
		LogController: text("log-controller"), Client: c.Client, User: c.User, UserName: c.UserName, System: text("system"),
		Discloser: c.Discloser, Recipient: text("recipient"), Document: text("document"), Action: text("action"),
		Description: c.Description, Purpose: text("purpose"), Ground: text("ground"), Refused: text("refused"), Detail: raw(c.Detail)}
	if p.Kind == proof.KindDisclosure {
		e.Log = store.DisclosureLog
	}
	return e, nil
}

// Hold holds a supplied entry (a line of JSONLines) against a proof that was verified.
func Hold(p *proof.Inclusion, line []byte) error {
	proven, err := Proven(p)
	if err != nil {
		return err
	}
	var e Entry
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil || d.More() {
		return fmt.Errorf("logs: it is not one entry as JSON: %w", errors.Join(err, ErrDiffers))
	}
	e.Number = 0
	have, err := json.Marshal(e)
	if err != nil {
		return err
	}
	want, err := json.Marshal(proven)
	if err != nil {
		return err
	}
	if !bytes.Equal(have, want) {
		return ErrDiffers
	}
	return nil
}
