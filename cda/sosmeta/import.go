package sosmeta

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// maxSchema and maxSchemas bound an import: octets of one schema file, and files.
const (
	maxSchema  = 16 << 20
	maxSchemas = 5000
)

// Import makes a table from THL's JSON Schemas (draft-07): every .json file of a
// folder, or of a zip file, at any depth. A file with a keyword, type or pattern
// that this package does not know is refused with its name and JSON pointer, so
// that no rule of a schema is ever lost in silence. The errors of all files are
// joined.
func Import(name string) (*Table, error) {
	st, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if st.IsDir() {
		return ImportFS(os.DirFS(name))
	}
	zr, err := zip.OpenReader(name)
	if err != nil {
		return nil, fmt.Errorf("sosmeta: %s is neither a folder nor a zip file: %w", name, err)
	}
	defer zr.Close()
	return ImportFS(zr)
}

// ImportFS is Import over any file system.
func ImportFS(fsys fs.FS) (*Table, error) {
	files, err := schemaFiles(fsys)
	if err != nil {
		return nil, err
	}
	im := &importer{table: &Table{}, known: make(map[string]int32), names: make(map[[2]string]int32)}
	seen := make(map[string]string)
	var errs []error
	for _, name := range files {
		s, err := im.file(fsys, name)
		if err == nil && seen[s.OID] != "" {
			err = fmt.Errorf("structure %s stands in %s already", s.OID, seen[s.OID])
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("sosmeta: %s: %w", name, err))
			continue
		}
		seen[s.OID] = name
		im.table.Structures = append(im.table.Structures, s)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	slices.SortFunc(im.table.Structures, compareStructures)
	return im.table, nil
}

// compareStructures orders by group before type, code as a number, version.
func compareStructures(a, b *Structure) int {
	if c := compareOID(a.Base, b.Base); c != 0 {
		return c
	}
	return a.Version.Compare(b.Version)
}

func compareOID(a, b string) int {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := 0; i < len(x) && i < len(y); i++ {
		if c := len(x[i]) - len(y[i]); c != 0 {
			return c
		}
		if c := strings.Compare(x[i], y[i]); c != 0 {
			return c
		}
	}
	return len(x) - len(y)
}

func schemaFiles(fsys fs.FS) ([]string, error) {
	var files []string
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := path.Base(p)
		if d.Type().IsRegular() && strings.EqualFold(path.Ext(p), ".json") && !strings.HasPrefix(base, ".") {
			files = append(files, p)
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("sosmeta: %w", err)
	case len(files) == 0:
		return nil, errors.New("sosmeta: no .json files to import; unpack THL's schemas there first")
	case len(files) > maxSchemas:
		return nil, fmt.Errorf("sosmeta: %d files are more than the %d that an import takes", len(files), maxSchemas)
	}
	slices.Sort(files)
	return files, nil
}

type importer struct {
	table *Table
	known map[string]int32 // a spec's JSON to its index
	names map[[2]string]int32
}

func (im *importer) file(fsys fs.FS, name string) (*Structure, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, maxSchema+1))
	if err != nil {
		return nil, err
	}
	rep := Decode(src, Options{Limits: Limits{Bytes: maxSchema, Depth: 200, Values: 1 << 21}})
	for _, fd := range rep.Findings {
		return nil, fmt.Errorf("not sound JSON: %s at line %d, column %d", fd.Rule, fd.Line, fd.Column)
	}
	return im.schema(rep.Instance)
}

// schemaError tells where in a schema something stands that cannot be imported.
func schemaError(in *Instance, r Ref, format string, args ...any) error {
	p := in.Place(r)
	return fmt.Errorf("line %d, %q: %s", p.Line, p.XPath, fmt.Sprintf(format, args...))
}

func (im *importer) schema(in *Instance) (*Structure, error) {
	if in.Type(0) != TypeObject {
		return nil, schemaError(in, 0, "a schema must be an object")
	}
	if v := in.Text(in.Get(0, "$schema")); strings.TrimSuffix(v, "#") != "http://json-schema.org/draft-07/schema" {
		return nil, schemaError(in, 0, "$schema is %q, expected draft-07", v)
	}
	root, err := im.spec(in, 0)
	if err != nil {
		return nil, err
	}
	sp := im.table.specs[root]
	if sp.Kind != kindLetters[Object] || len(sp.Fields) != 1 || sp.Fields[0].Obligation != Required || sp.Open {
		return nil, schemaError(in, 0, "the outermost object must have exactly one property, required")
	}
	meta := in.Get(0, "sosmeta")
	text := func(key string) string { return in.Text(in.Get(meta, key)) }
	doc := in.Path(0, "properties", sp.Fields[0].Key)
	fi, sv := nameOf(in, in.Get(doc, "sosmeta"), "name")
	ws := wireStructure{OID: text("oid"), Title: [2]string{fi, sv}, Type: text("documentType"), Author: text("documentAuthor"),
		Subject: text("documentSubject"), Version: text("documentDefinitionVersion"), Library: text("dataComponentLibraryVersion"),
		Status: text("status"), Root: root}
	s, err := im.table.structure(ws)
	if err != nil {
		return nil, schemaError(in, 0, "sosmeta.oid %q: %v", ws.OID, err)
	}
	if day(s.Version) != ws.Version {
		return nil, schemaError(in, 0, "sosmeta.documentDefinitionVersion %q is not the day in the OID", ws.Version)
	}
	return s, nil
}

// The keywords that are taken, by what is done with them. sosmeta, $schema and
// title are annotations.
var keywords = map[string]bool{
	"$schema": true, "title": true, "sosmeta": true, "type": true, "properties": true, "required": true,
	"additionalProperties": true, "items": true, "minItems": true, "minLength": true, "pattern": true, "enum": true,
}

// spec imports one schema node and gives its index in the table.
func (im *importer) spec(in *Instance, r Ref) (int32, error) {
	if in.Type(r) != TypeObject {
		return 0, schemaError(in, r, "a schema must be an object")
	}
	for c := range in.Children(r) {
		if k := in.Key(c); !keywords[k] {
			return 0, schemaError(in, c, "keyword %q is not supported", k)
		}
	}
	w, err := im.value(in, r)
	if err != nil {
		return 0, err
	}
	b, err := json.Marshal(w)
	if err != nil {
		return 0, err
	}
	if i, ok := im.known[string(b)]; ok {
		return i, nil
	}
	im.table.specs = append(im.table.specs, w)
	i := int32(len(im.table.specs) - 1)
	im.known[string(b)] = i
	return i, nil
}

// value reads a node by its type.
func (im *importer) value(in *Instance, r Ref) (wireSpec, error) {
	switch t := in.Text(in.Get(r, "type")); t {
	case "array":
		return im.array(in, r)
	case "object":
		return im.object(in, r)
	case "string":
		return im.text(in, r)
	case "number":
		return im.plain(in, r, Number)
	case "boolean":
		return im.plain(in, r, Boolean)
	default:
		return wireSpec{}, schemaError(in, r, "type %q is not supported", t)
	}
}

// allow tells a keyword that this type of node must not have.
func allow(in *Instance, r Ref, words ...string) error {
	for c := range in.Children(r) {
		switch k := in.Key(c); k {
		case "$schema", "title", "sosmeta", "type":
		default:
			if !slices.Contains(words, k) {
				return schemaError(in, c, "keyword %q is not supported beside type %q", k, in.Text(in.Get(r, "type")))
			}
		}
	}
	return nil
}

func (im *importer) plain(in *Instance, r Ref, k Kind) (wireSpec, error) {
	w := wireSpec{Kind: kindLetters[k]}
	im.annotations(in, r, &w)
	return w, allow(in, r)
}

func (im *importer) array(in *Instance, r Ref) (wireSpec, error) {
	if err := allow(in, r, "items", "minItems"); err != nil {
		return wireSpec{}, err
	}
	items := in.Get(r, "items")
	if items == None {
		return wireSpec{}, schemaError(in, r, "an array must have items")
	}
	i, err := im.spec(in, items)
	if err != nil {
		return wireSpec{}, err
	}
	w := im.table.specs[i]
	if w.Repeats {
		return wireSpec{}, schemaError(in, r, "arrays of arrays are not supported")
	}
	w.Repeats = true
	w.MinItems, err = count(in, in.Get(r, "minItems"))
	return w, err
}

func count(in *Instance, r Ref) (int, error) {
	if r == None {
		return 0, nil
	}
	var n int
	if in.Type(r) != TypeNumber || json.Unmarshal(in.Raw(r), &n) != nil || n < 0 {
		return 0, schemaError(in, r, "expected a whole number, not negative")
	}
	return n, nil
}

func (im *importer) object(in *Instance, r Ref) (wireSpec, error) {
	w := wireSpec{Kind: kindLetters[Object]}
	if err := allow(in, r, "properties", "required", "additionalProperties"); err != nil {
		return w, err
	}
	im.annotations(in, r, &w)
	switch more := in.Get(r, "additionalProperties"); {
	case more == None || in.Type(more) == TypeTrue:
		w.Open = true
	case in.Type(more) != TypeFalse:
		return w, schemaError(in, more, "additionalProperties must be true or false")
	}
	required, err := stringList(in, in.Get(r, "required"))
	if err != nil {
		return w, err
	}
	if props := in.Get(r, "properties"); props != None {
		for c := range in.Children(props) {
			f, err := im.field(in, c, required)
			if err != nil {
				return w, err
			}
			w.Fields = append(w.Fields, f)
		}
	}
	for _, k := range required {
		if !slices.ContainsFunc(w.Fields, func(f wireField) bool { return f.Key == k }) {
			return w, schemaError(in, r, "required property %q is not among the properties", k)
		}
	}
	return w, nil
}

func (im *importer) field(in *Instance, r Ref, required []string) (wireField, error) {
	i, err := im.spec(in, r)
	if err != nil {
		return wireField{}, err
	}
	f := wireField{Key: in.Key(r), Spec: i}
	meta := in.Get(r, "sosmeta")
	if meta == None {
		meta = in.Path(r, "items", "sosmeta")
	}
	conditional := in.Get(meta, "conditionalRequired")
	switch {
	case f.Key == "":
		return f, schemaError(in, r, "a property has an empty name")
	case slices.Contains(required, f.Key):
		f.Obligation = Required
	case conditional != None && in.Type(conditional) == TypeTrue:
		f.Obligation = Conditional
	}
	return f, nil
}
