package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"portti/cda"
	"portti/cda/frame"
	"portti/cda/rules"
	"portti/cda/rules/report"
	"portti/gateway"
	"portti/gateway/pipeline"
	"portti/internal/finding"
	"portti/internal/xmltree"

	"github.com/spf13/cobra"
)

func (m *Main) validateCommand() *cobra.Command {
	var frameFile, archive, at string
	var files clientTLS
	cmd := &cobra.Command{
		Use: "validate DOCUMENT.xml…", Args: cobra.MinimumNArgs(1),
		Short: "every check of the gateway without archiving; prints all findings",
		Long: "Validates CDA documents, or transfer frames with the document inside, by the\n" +
			"same engine as the SOAP door. The exit code is 1 where one is rejected.\n" +
			"--against holds them against an archive as well, without archiving: what access\n" +
			"and the archive would say. A document without its frame then gets one as by send.",
		Example: "  portti validate document.xml\n  portti validate --frame frame.xml --format json document.xml\n" +
			"  portti validate --against http://127.0.0.1:8080 document.xml",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if at != "" {
				moment, err := time.Parse(time.RFC3339, at)
				if err != nil {
					return usage(fmt.Errorf("--at is %q", at), "write a moment, such as 2026-03-02T09:00:00Z")
				}
				m.Now = func() time.Time { return moment }
			}
			trust, err := m.trust()
			if err != nil {
				return err
			}
			c := &m.config
			out, err := report.New(c.Format, m.Stdout, report.Options{Lang: c.lang(), Now: m.Now()})
			if err != nil {
				return usage(err, "")
			}
			book, err := m.book()
			if err != nil {
				return err
			}
			judge := gateway.NewJudge(c.profile(), pipeline.World(c.World), trust, c.Document, m.Now)
			defer judge.PDFs.Close()
			judge.Use(book)
			judge.PhrasesExact = c.Phrases == "exact"
			if judge.Phase1Until, err = c.phase1Until(); err != nil {
				return err
			}
			if c.Data != "" {
				if err := judge.Load(c.Data); err != nil {
					return usage(err, "")
				}
			}
			v := &validator{Main: m, ctx: cmd.Context(), out: out, judge: judge}
			if archive != "" {
				if v.against, err = m.against(cmd.Context(), archive, files, judge); err != nil {
					return err
				}
				defer func() { err = errors.Join(err, v.against.done()) }()
			}
			return v.run(frameFile, args)
		},
	}
	cmd.Flags().StringVar(&frameFile, "frame", "", "the transfer frame `FILE` that belongs to the document")
	cmd.Flags().StringVar(&at, "at", "", "judge as if it were this `MOMENT` (2026-03-02T09:00:00Z), such as a test vector's")
	cmd.Flags().String("data", "", "data `DIR`ectory whose imported structures, code systems and organisations count")
	cmd.Flags().StringVar(&archive, "against", "", "data `DIR`ectory of an archive, or URL of a gateway")
	files.flags(cmd.Flags())
	m.trustFlags(cmd.Flags())
	m.ruleFlags(cmd.Flags())
	m.masterFlags(cmd.Flags())
	return cmd
}

// validator is one run of validate.
type validator struct {
	*Main
	ctx     context.Context
	judge   *pipeline.Judge
	against *against // nil: no archive
	out     report.Writer
	frame   []byte
	done    int // documents so far
	invalid bool
}

func (v *validator) run(frameFile string, files []string) (err error) {
	if frameFile != "" {
		if v.frame, err = v.readFile(frameFile); err != nil {
			return err
		}
	}
	for _, name := range files {
		if err := v.file(name); err != nil {
			return err
		}
	}
	if err := v.out.Close(); err != nil {
		return system(err, "")
	}
	if v.invalid {
		return errInvalid
	}
	return nil
}

// file validates one file: a document, or a frame with one.
func (v *validator) file(name string) error {
	b, err := v.readFile(name)
	if err != nil {
		return err
	}
	sources := map[finding.Source][]byte{}
	in := pipeline.Input{Document: b, Arrived: v.Now()}
	var fs []finding.Finding
	if v.frame != nil {
		if in.Frame, err = v.readFrame(v.frame, &fs); err != nil {
			return err
		}
		sources[finding.SourceFrame] = v.frame
	} else if t := frameTree(b, v.limits()); t != nil {
		if in.Frame, err = v.readTree(t, &fs); err != nil {
			return err
		}
		sources[finding.SourceFrame] = b
		in.Document = v.unpack(in.Frame, &fs)
	}
	sources[finding.SourceDocument] = in.Document
	if v.against != nil && in.Frame == nil && len(in.Document) > 0 {
		if in.Frame, err = v.makeOwnFrame(in.Document, &fs); err != nil {
			return err
		}
	}
	if v.against != nil && v.against.url != "" {
		return v.remote(name, in, sources)
	}
	return v.report(name, in, fs, sources)
}

// makeOwnFrame gives a document the frame that send would give it; nil where the
// document cannot be read so far.
func (v *validator) makeOwnFrame(document []byte, fs *[]finding.Finding) (*frame.Frame, error) {
	t, err := xmltree.Parse(document, v.limits())
	if err != nil || !t.Is(t.Root(), cda.NamespaceHL7, "ClinicalDocument") {
		return nil, nil // the engine tells why
	}
	framed, err := v.framed(t, frameOptions{}, v.done)
	if err != nil {
		return nil, err
	}
	return v.readTree(framed, fs)
}

// remote has a gateway judge everything.
func (v *validator) remote(name string, in pipeline.Input, sources map[finding.Source][]byte) error {
	var frameXML []byte
	code := ""
	if in.Frame != nil {
		frameXML, code = in.Frame.Tree.Source(), in.Frame.ServiceRequest.Code
	}
	r, err := v.against.ask(v.ctx, string(v.config.lang()), code, frameXML, in.Document)
	if err != nil {
		return err
	}
	r.File, r.Sources = name, sources
	v.invalid = v.invalid || r.Verdict == rules.Rejected
	v.done++
	if err := v.out.Add(r); err != nil {
		return system(err, "")
	}
	return nil
}

// frameTree parses what may be a frame; nil where the root is not one, and the
// octets are a document (or nothing that parses: the engine tells why).
func frameTree(b []byte, lim xmltree.Limits) *xmltree.Tree {
	lim.Bytes = int(gateway.MessageLimit(int64(lim.Bytes)))
	t, err := xmltree.Parse(b, lim)
	if err != nil || t.Is(t.Root(), cda.NamespaceHL7, "ClinicalDocument") {
		return nil
	}
	return t
}

func (v *validator) readFrame(b []byte, fs *[]finding.Finding) (*frame.Frame, error) {
	t, err := xmltree.Parse(b, v.limits())
	if err != nil {
		return nil, usage(fmt.Errorf("frame: %w", err), "")
	}
	return v.readTree(t, fs)
}

func (v *validator) readTree(t *xmltree.Tree, fs *[]finding.Finding) (*frame.Frame, error) {
	f, more, err := v.judge.Frame(t, t.Root())
	if err != nil {
		return nil, system(err, "")
	}
	*fs = append(*fs, more...)
	return f, nil
}

// unpack gives the document in a frame's package.
func (v *validator) unpack(f *frame.Frame, fs *[]finding.Finding) []byte {
	if f.Fatal {
		return nil
	}
	p, more := v.judge.Package(f)
	*fs = append(*fs, more...)
	return p.DocumentBytes()
}

// report judges and prints.
func (v *validator) report(name string, in pipeline.Input, fs []finding.Finding, sources map[finding.Source][]byte) error {
	decision := pipeline.Decide(fs, nil, v.judge.Profile)
	var doc *report.Document
	if len(in.Document) > 0 {
		j := v.judge.Document(in)
		if j.Failure != nil {
			return system(j.Failure, "")
		}
		refused := decision == pipeline.Reject
		fs, decision = append(fs, j.Findings...), max(decision, j.Decision)
		if v.against != nil && in.Frame != nil && j.Document != nil {
			more, err := v.against.try(v.ctx, pipeline.Trial{Frame: in.Frame, Judged: j, Refused: refused, Arrived: in.Arrived})
			if err != nil {
				return system(err, "")
			}
			fs, decision = append(fs, more...), max(decision, pipeline.Decide(more, nil, v.judge.Profile))
		}
		if d := j.Document; d != nil {
			doc = &report.Document{ID: d.ID.Root, SetID: d.SetID.Root, Version: d.Version.Value}
		}
	} else {
		decision = pipeline.Reject
	}
	v.invalid = v.invalid || decision == pipeline.Reject
	v.done++
	err := v.out.Add(report.Result{
		File: name, Verdict: rules.Verdict(decision.String()), Document: doc, Findings: v.resolve(fs), Sources: sources,
	})
	if err != nil {
		return system(err, "")
	}
	return nil
}
