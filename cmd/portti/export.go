package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"portti/gateway/control"
	"portti/store"

	"github.com/spf13/cobra"
)

type exportArgs struct {
	To         string    `json:"to"`
	Controller string    `json:"controller"`
	User       string    `json:"user"`
	Now        time.Time `json:"now"`
	Format     string    `json:"format"`
}

func (m *Main) archiveExport() *cobra.Command {
	var args exportArgs
	cmd := &cobra.Command{
		Use: "export --data DIR --controller OID --user ID --to DIR|FILE.zip", Args: cobra.NoArgs,
		Short: "exports a controller's documents with metadata, signatures and proofs",
		Long: "Writes a package that describes itself, in the layout of E-ARK: METS.xml lists every file with its SHA-256,\n" +
			"representations/documents/data holds the documents byte for byte, metadata the rest. What is damaged is named\n" +
			"and the rest exported all the same (exit code 1). The export is logged in the controller's usage log.",
		Example: "  portti archive export --data var/archive --controller 1.2.246.10.99999911.10.0 --user 010181-900C --to export.zip",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if args.To == "" || args.Controller == "" || args.User == "" {
				return usage(errors.New("export what, for whom, where to?"), "give --controller, --user and --to")
			}
			var err error
			if args.To, err = filepath.Abs(args.To); err != nil {
				return system(err, "")
			}
			if exists(args.To) {
				return usage(fmt.Errorf("%s is there already", args.To), "name another")
			}
			args.Now, args.Format = m.Now().UTC(), m.config.Format
			return m.onArchiveRun(cmd.Context(), "export", args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&args.To, "to", "", "`DIR`ectory, or file that ends in .zip")
	f.StringVar(&args.Controller, "controller", "", "`OID` of the controller")
	f.StringVar(&args.User, "user", "", "`ID` of the person who exports, for the usage log")
	return m.onArchive(cmd)
}

func runExport(ctx context.Context, a control.Archive, raw json.RawMessage, out io.Writer) error {
	var args exportArgs
	if err := json.Unmarshal(raw, &args); err != nil {
		return err
	}
	// Logged before anything leaves.
	err := a.Store.Log(ctx, store.Entries{Usage: []store.Usage{{DataController: args.Controller, LogController: args.Controller,
		User: args.User, System: "portti", Action: "export"}}})
	if err != nil {
		return err
	}
	p, err := newPackage(args.To)
	if err != nil {
		return err
	}
	x := &exporter{args: args, p: p, key: a.Store.CheckpointKey(), out: out}
	sc := store.Scope{Controllers: []string{args.Controller}, Purpose: "export"}
	err = a.Store.Export(ctx, sc, x.document)
	if err == nil {
		err = x.finish()
	}
	if err = errors.Join(err, p.close()); err != nil {
		return errors.Join(err, os.RemoveAll(args.To))
	}
	if args.Format == "json" {
		err = json.NewEncoder(out).Encode(map[string]int{"documents": x.documents, "disposed": x.disposed, "damaged": x.damaged})
	} else {
		_, err = fmt.Fprintf(out, "%d documents, %d of them disposed of, %d damaged\n", x.documents, x.disposed, x.damaged)
	}
	if err == nil && x.damaged > 0 {
		return control.ErrFindings
	}
	return err
}

// exporter fills a package.
type exporter struct {
	args exportArgs
	p    *packageWriter
	key  string
	out  io.Writer

	documents, disposed, damaged int
}

// exportedFacts is metadata/descriptive/ID.json.
type exportedFacts struct {
	ID         string          `json:"id"`
	SetID      string          `json:"setId"`
	Version    int             `json:"version"`
	Replaces   string          `json:"replaces,omitempty"`
	Status     string          `json:"status"`
	Controller string          `json:"controller"`
	Register   string          `json:"register"`
	SHA256     string          `json:"sha256"`
	Size       int64           `json:"size"`
	Arrived    time.Time       `json:"arrived"`
	Disposed   bool            `json:"disposed,omitempty"`
	Index      map[string]any  `json:"index,omitempty"`
	Summary    json.RawMessage `json:"summary,omitempty"`
	Verdict    string          `json:"verdict,omitempty"`
	Findings   json.RawMessage `json:"findings,omitempty"`
}

func (x *exporter) document(d *store.Exported) error {
	x.documents++
	if d.Disposed {
		x.disposed++
	}
	if d.Damage != nil {
		x.damaged++
		fmt.Fprintf(x.out, "damaged: document %s: %v\n", d.ID, d.Damage)
	}
	facts := exportedFacts{ID: d.ID, SetID: d.SetID, Version: d.Version.Version, Replaces: d.Replaces, Status: d.Status.String(),
		Controller: d.Controller, Register: d.Register, SHA256: hex.EncodeToString(d.SHA256[:]), Size: d.Size, Arrived: d.Arrived,
		Disposed: d.Disposed, Index: d.Index, Summary: sound(d.Summary), Verdict: d.Verdict, Findings: sound(d.Findings)}
	for _, f := range []struct {
		name string
		b    []byte
		v    any
	}{
		{"representations/documents/data/" + d.ID + ".xml", d.Bytes, nil},
		{"metadata/other/frames/" + d.ID + ".xml", d.Frame, nil},
		{"metadata/other/archive-signatures/" + d.ID + ".xml", d.Countersignature, nil},
		{"metadata/descriptive/" + d.ID + ".json", nil, facts},
		{"metadata/preservation/proofs/" + d.ID + ".json", nil, d.Proof},
	} {
		if f.v != nil && !(f.v == any(d.Proof) && d.Proof == nil) {
			var b bytes.Buffer
			if err := indented(&b, f.v); err != nil {
				return err
			}
			f.b = b.Bytes()
		}
		if len(f.b) == 0 {
			continue
		}
		if err := x.p.file(f.name, f.b); err != nil {
			return err
		}
	}
	return nil
}

// sound gives JSON, or nothing where it is none.
func sound(b json.RawMessage) json.RawMessage {
	if json.Valid(b) {
		return b
	}
	return nil
}

const exportReadme = `Documents of the controller %s, exported %s by portti (not Kela's archive, not certified).

METS.xml                                      every file with its size and SHA-256
representations/documents/data/ID.xml         documents, byte for byte, with their signatures in them
metadata/descriptive/ID.json                  version, status, register, index and what was answered
metadata/preservation/proofs/ID.json          proof that the document is in the archive as it was answered
metadata/preservation/checkpoint.pub          the key that proofs are checked with; get it by a way of its own too
metadata/other/frames/ID.xml                  the request that the document came in
metadata/other/archive-signatures/ID.xml      the archive's own signature, where it made one

Check a proof: portti archive check-proof --key metadata/preservation/checkpoint.pub PROOF.json DOCUMENT.xml
A proof is JSON: "record" fields are hashed with length prefixes, the tree is that of RFC 6962, the checkpoint a signed note.
`

func (x *exporter) finish() error {
	readme := fmt.Sprintf(exportReadme, x.args.Controller, x.args.Now.Format(time.RFC3339))
	return errors.Join(x.p.file("README.txt", []byte(readme)),
		x.p.file("metadata/preservation/checkpoint.pub", []byte(x.key+"\n")),
		x.p.mets(x.args))
}

// packageWriter writes a folder or a ZIP file.
type packageWriter struct {
	dir   string
	f     *os.File
	zip   *zip.Writer
	files []metsFile
}

func newPackage(to string) (*packageWriter, error) {
	if !strings.HasSuffix(to, ".zip") {
		return &packageWriter{dir: to}, os.MkdirAll(to, 0o700)
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return &packageWriter{f: f, zip: zip.NewWriter(f)}, nil
}

func (p *packageWriter) file(name string, b []byte) error {
	sum := sha256.Sum256(b)
	p.files = append(p.files, metsFile{ID: fmt.Sprintf("f%d", len(p.files)+1), Size: len(b), Checksum: hex.EncodeToString(sum[:]),
		ChecksumType: "SHA-256", Mime: mimeOf(name), Location: metsLocation{Type: "URL", Kind: "simple", Href: name}})
	return p.write(name, b)
}

func (p *packageWriter) write(name string, b []byte) error {
	if !filepath.IsLocal(name) {
		return fmt.Errorf("export: %q leads out of the package", name)
	}
	if p.zip != nil {
		w, err := p.zip.Create(name)
		if err == nil {
			_, err = w.Write(b)
		}
		return err
	}
	path := filepath.Join(p.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o600)
}

func mimeOf(name string) string {
	switch filepath.Ext(name) {
	case ".xml":
		return "text/xml"
	case ".json":
		return "application/json"
	}
	return "text/plain"
}

// The part of METS (https://www.loc.gov/METS/) that lists files.
type metsDoc struct {
	XMLName  xml.Name   `xml:"http://www.loc.gov/METS/ mets"`
	ObjID    string     `xml:"OBJID,attr"`
	Type     string     `xml:"TYPE,attr"`
	Header   metsHeader `xml:"metsHdr"`
	Files    []metsFile `xml:"fileSec>fileGrp>file"`
	Division metsDiv    `xml:"structMap>div"`
}

type metsHeader struct {
	Created string `xml:"CREATEDATE,attr"`
	Agent   string `xml:"agent>name"`
}

type metsDiv struct {
	Label string `xml:"LABEL,attr"`
}

type metsFile struct {
	ID           string       `xml:"ID,attr"`
	Mime         string       `xml:"MIMETYPE,attr"`
	Size         int          `xml:"SIZE,attr"`
	Checksum     string       `xml:"CHECKSUM,attr"`
	ChecksumType string       `xml:"CHECKSUMTYPE,attr"`
	Location     metsLocation `xml:"FLocat"`
}

type metsLocation struct {
	Type string `xml:"LOCTYPE,attr"`
	Kind string `xml:"http://www.w3.org/1999/xlink type,attr"`
	Href string `xml:"http://www.w3.org/1999/xlink href,attr"`
}

func (p *packageWriter) mets(args exportArgs) error {
	d := metsDoc{ObjID: "export-" + args.Controller, Type: "Collection", Header: metsHeader{args.Now.Format(time.RFC3339), "portti"},
		Files: p.files, Division: metsDiv{"Documents of " + args.Controller}}
	b, err := xml.MarshalIndent(&d, "", "  ")
	if err != nil {
		return err
	}
	return p.write("METS.xml", append([]byte(xml.Header), append(b, '\n')...))
}

func (p *packageWriter) close() error {
	if p.zip == nil {
		return nil
	}
	return errors.Join(p.zip.Close(), p.f.Sync(), p.f.Close())
}
