package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"portti/cda"
	"portti/cda/frame"
	"portti/internal/xmltree"

	"github.com/spf13/cobra"
)

func (m *Main) sendCommand() *cobra.Command {
	var o frameOptions
	var files clientTLS
	var to string
	cmd := &cobra.Command{
		Use: "send --to URL FILE…", Short: "sends documents or frames, prints acknowledgements", Args: cobra.MinimumNArgs(1),
		Example: "  portti send --to http://127.0.0.1:8080/soap document.xml",
		RunE: func(cmd *cobra.Command, args []string) error {
			if to == "" {
				return usage(errors.New("send needs --to URL"), "portti send --to http://127.0.0.1:8080/soap document.xml")
			}
			c, err := newArchiveClient(to, files)
			if err != nil {
				return usage(err, "")
			}
			return m.sendFiles(cmd.Context(), c, o, args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&to, "to", "", "`URL` of the SOAP door")
	files.flags(f)
	o.flags(f)
	return cmd
}

// sendFiles sends one file after another. The exit code is that of the worst.
func (m *Main) sendFiles(ctx context.Context, c *archiveClient, o frameOptions, files []string) error {
	code := exitOK
	for i, name := range files {
		t, err := m.parseFile(name)
		if err != nil {
			return err
		}
		if t.Is(t.Root(), cda.NamespaceHL7, "ClinicalDocument") {
			if t, err = m.framed(t, o, i); err != nil {
				return err
			}
		}
		a, err := c.send(ctx, t)
		if err != nil {
			return sendError(name, err)
		}
		if err := m.printAnswer(m.Stdout, name, a); err != nil {
			return err
		}
		code = max(code, a.exitCode())
	}
	if code != exitOK {
		return &exitError{code: code}
	}
	return nil
}

func sendError(name string, err error) error {
	var e *exitError
	if errors.As(err, &e) {
		return err
	}
	return system(fmt.Errorf("%s: %w", name, err), "is the gateway running at that address?")
}

// framed puts a document into its frame.
func (m *Main) framed(t *xmltree.Tree, o frameOptions, n int) (*xmltree.Tree, error) {
	b, err := m.makeFrame(t, o, n)
	if err != nil {
		return nil, err
	}
	f, err := xmltree.Parse(b, xmltree.Limits{Bytes: len(b)})
	if err != nil {
		return nil, system(err, "")
	}
	return f, nil
}

// exitCode: what is refused is not valid; what could not be taken is the system's.
func (a *answer) exitCode() int {
	switch {
	case a.ack == nil || a.ack.Code == frame.Refused || a.ack.Code == frame.AnswerError:
		return exitInvalid
	case a.ack.Code == frame.Accepted || a.ack.Code == frame.Answered:
		return exitOK
	default:
		return exitSystem
	}
}

// sent is the JSON output of send and demo: one line for each file.
type sent struct {
	File    string       `json:"file"`
	Verdict string       `json:"verdict,omitempty"`
	Fault   string       `json:"fault,omitempty"`
	Status  int          `json:"status"`
	Details []sentDetail `json:"details"`
}

type sentDetail struct {
	Rule     string   `json:"rule"`
	Severity string   `json:"severity"`
	Text     string   `json:"text"`
	Location []string `json:"location,omitempty"`
}

func details(ds []frame.Detail) []sentDetail {
	out := []sentDetail{}
	for _, d := range ds {
		out = append(out, sentDetail{d.Rule, d.Severity.String(), d.Text, d.Location})
	}
	return out
}

// printAnswer prints an acknowledgement or a fault.
func (m *Main) printAnswer(w io.Writer, name string, a *answer) error {
	s := sent{File: name, Fault: a.fault, Status: a.status, Details: []sentDetail{}}
	if a.ack != nil {
		s.Verdict, s.Details = string(a.ack.Code), details(a.ack.Details)
	}
	if m.config.Format == "json" {
		return m.printJSON(s)
	}
	if a.ack == nil {
		fmt.Fprintf(w, "%s: fault (HTTP %d): %s\n", name, s.Status, s.Fault)
		return nil
	}
	fmt.Fprintf(w, "%s: %s %s\n", name, s.Verdict, ackWord(a.ack.Code))
	for _, d := range s.Details {
		fmt.Fprintf(w, "    %s %s %s\n", d.Severity, d.Rule, d.Text)
		for _, l := range d.Location {
			fmt.Fprintf(w, "        at %s\n", l)
		}
	}
	return nil
}

func ackWord(c frame.AckCode) string {
	switch c {
	case frame.Accepted:
		return "archived"
	case frame.Answered:
		return "answered"
	case frame.Refused, frame.AnswerError:
		return "refused: mend it before sending again"
	default:
		return "not taken now: send again"
	}
}
