package main

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"portti/cda"
	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/gateway/pipeline"
	"portti/internal/xmltree"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// frameOptions are what a frame needs beyond its document.
type frameOptions struct{ sender, userRoot, user, userName, organisation, request, nullify string }

func (o *frameOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.sender, "sender", "", "`OID` of the sending system (default: the document's controller)")
	f.StringVar(&o.user, "user", "", "`ID` of the user (default: the document's author)")
	f.StringVar(&o.userRoot, "user-root", cda.RootHetu, "root `OID` of --user")
	f.StringVar(&o.userName, "user-name", "", "`NAME` of --user, family name last")
	f.StringVar(&o.organisation, "user-organisation", "", "`OID` of the user's unit (default: the author's organisation, else the controller)")
	f.StringVar(&o.nullify, "nullify", "", "nullify instead of archiving: `FORM` document (the file is the nullifying version), frame or status (the file is the document to nullify)")
	f.StringVar(&o.request, "service-request", "", "service request `CODE` (default: the first that fits the document group)")
}

func (m *Main) frameCommand() *cobra.Command {
	var o frameOptions
	cmd := &cobra.Command{
		Use: "frame DOCUMENT.xml", Short: "the transfer frame for a document, to stdout", Args: cobra.ExactArgs(1),
		Example: "  portti frame --sender 1.2.246.10.99999901.10.0 document.xml > frame.xml",
		RunE: func(_ *cobra.Command, args []string) error {
			t, err := m.parseFile(args[0])
			if err != nil {
				return err
			}
			b, err := m.makeFrame(t, o, 0)
			if err != nil {
				return err
			}
			_, err = m.Stdout.Write(append([]byte("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"), b...))
			return err
		},
	}
	o.flags(cmd.Flags())
	return cmd
}

var errNoDocument = errors.New("not a ClinicalDocument of urn:hl7-org:v3")

// makeFrame writes the frame of a document; n tells messages of one run apart.
func (m *Main) makeFrame(t *xmltree.Tree, o frameOptions, n int) ([]byte, error) {
	if !t.Is(t.Root(), cda.NamespaceHL7, "ClinicalDocument") {
		return nil, usage(errNoDocument, "")
	}
	d, _ := cda.Read(t)
	now := m.Now()
	sender := o.sender
	if sender == "" {
		sender = d.Custodian.ID.Root
	}
	code := "" // D
	if pipeline.World(m.config.World) == pipeline.Production {
		code = "P"
	}
	fo := frame.Options{
		MessageID:    cda.ID{Root: sender, Extension: messageNumber(now, n)},
		CreationTime: now, ProcessingCode: code, Sender: sender, ServiceRequest: o.request, User: frameUser(d, o),
	}
	if err := o.nullifying(&fo); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err := frame.Write(&b, &d.Metadata, t.Source(), fo)
	if err != nil {
		return nil, usage(fmt.Errorf("frame: %w", err), "--sender, --user and --service-request say what the document does not")
	}
	return b.Bytes(), nil
}

// nullifying makes the frame one that nullifies, where asked for.
func (o *frameOptions) nullifying(fo *frame.Options) error {
	switch form := interactions.Form(o.nullify); form {
	case "":
	case interactions.ByDocument, interactions.ByFrame, interactions.ByStatus:
		fo.Operation, fo.Form = interactions.Nullify, form
	default:
		return usage(fmt.Errorf("--nullify is %q", o.nullify), "the forms are document, frame and status")
	}
	return nil
}

// messageNumber is a running number, as senders give their messages.
func messageNumber(now time.Time, n int) string {
	return strconv.FormatInt(now.UnixMicro(), 10) + strconv.Itoa(n)
}

// frameUser is who sends: the document's author unless told otherwise.
func frameUser(d *cda.Document, o frameOptions) frame.User {
	u := frame.User{Organization: d.Custodian}
	for _, a := range d.Authors {
		if a.ID.HasValue() {
			u.ID, u.Name = a.ID, a.Name
			if a.Organization.ID.HasValue() {
				u.Organization = a.Organization
			}
			break
		}
	}
	if o.user != "" {
		u.ID, u.Name = cda.ID{Root: o.userRoot, Extension: o.user}, personName(o.userName)
	}
	if o.organisation != "" {
		u.Organization = cda.Organization{ID: cda.ID{Root: o.organisation}}
	}
	return u
}

// personName takes "Given Names Family" apart.
func personName(s string) (n cda.Name) {
	if parts := strings.Fields(s); len(parts) > 0 {
		n.Given, n.Family = parts[:len(parts)-1], parts[len(parts)-1:]
	}
	return n
}
