package migrate

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/xuri/excelize/v2"
)

// Row is one row of the table, its columns named by the mapping's fields.
type Row struct {
	// Number is the line (CSV, JSON lines) or row (XLSX) in the file, from 1.
	Number int64
	Values map[string]string
	// Fault is why the row cannot be used as it stands; nil otherwise.
	Fault *Refusal
}

// table gives rows one after another, io.EOF at the end.
type table interface {
	next() (*Row, error)
	io.Closer
}

// Bounds of one row.
const (
	maxRow      = 4 << 20
	maxQuoted   = 200 // physical lines of one row
	maxTextCell = 1 << 20
)

// ErrTable is a table that cannot be read at all.
var ErrTable = errors.New("the table cannot be read")

// openTable opens a table by its name's ending.
func openTable(m *Mapping) (table, error) {
	name := m.path(m.Table)
	switch ext := strings.ToLower(filepath.Ext(name)); ext {
	case ".csv", ".txt", ".tsv":
		return openCSV(name, m)
	case ".jsonl", ".ndjson", ".json":
		return openJSONLines(name, m)
	case ".xlsx":
		return openXLSX(name, m)
	default:
		return nil, fmt.Errorf("%w: %s ends in %q: use .csv, .tsv, .xlsx or .jsonl", ErrTable, name, ext)
	}
}

// columns tells which field stands in which column.
type columns struct {
	field []string // by column; "" for columns that are not used
	want  int
}

func (m *Mapping) columnsOf(head []string) (columns, error) {
	at := map[string]int{}
	for i, h := range head {
		at[key(decodeText([]byte(h)))] = i
	}
	c := columns{field: make([]string, len(head)), want: len(head)}
	for _, f := range fieldNames {
		name, told := m.Columns[f]
		if !told {
			name = f
		}
		i, there := at[key(name)]
		switch {
		case there:
			c.field[i] = f
		case told:
			return c, fmt.Errorf("%w: it has no column %q, which the mapping names for %s", ErrTable, name, f)
		}
	}
	return c, nil
}

// row makes a row of raw cells.
func (c columns) row(number int64, cells []string) *Row {
	r := &Row{Number: number, Values: make(map[string]string, len(fieldNames))}
	for i, v := range cells {
		if i < len(c.field) && c.field[i] != "" {
			r.set(c.field[i], v)
		}
	}
	if len(cells) != c.want {
		r.Fault = refuse(ReasonColumns, "%d instead of %d", len(cells), c.want)
	}
	return r
}

func (r *Row) set(field, value string) {
	v := strings.TrimSpace(decodeText([]byte(value)))
	if len(v) > maxTextCell || !carriable(v) {
		r.Fault = refuse(ReasonCharacters, "field %s", field)
		return
	}
	r.Values[field] = v
}

// csvTable reads CSV line by line: a quotation mark that is never closed costs one
// row, not the rest of the file.
type csvTable struct {
	f       *os.File
	r       *bufio.Reader
	comma   rune
	columns columns
	line    int64
	pending [][]byte // lines read ahead in search of a closing mark
}

func openCSV(name string, m *Mapping) (t *csvTable, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	t = &csvTable{f: f}
	if t.r, err = byteLines(f); err != nil {
		return nil, err
	}
	head, err := t.readLine()
	if err != nil {
		return nil, fmt.Errorf("%w: %s is empty", ErrTable, name)
	}
	t.comma = separator(string(head))
	cells, ok := t.split(head)
	if !ok {
		return nil, fmt.Errorf("%w: %s: the heading has a quotation mark that is not closed", ErrTable, name)
	}
	t.columns, err = m.columnsOf(cells)
	return t, err
}

// separator is the sign that parts the heading.
func separator(head string) rune {
	best, most := ';', 0
	for _, c := range []rune{';', ',', '\t', '|'} {
		if n := strings.Count(head, string(c)); n > most {
			best, most = c, n
		}
	}
	return best
}

// readLine gives the next physical line without its end.
func (t *csvTable) readLine() ([]byte, error) {
	if len(t.pending) > 0 {
		l := t.pending[0]
		t.pending = t.pending[1:]
		t.line++
		return l, nil
	}
	l, err := boundedLine(t.r)
	if err != nil {
		return nil, err
	}
	t.line++
	return l, nil
}

// boundedLine reads a line; what is longer than a row may be is cut.
func boundedLine(r *bufio.Reader) ([]byte, error) {
	var out []byte
	for {
		part, err := r.ReadSlice('\n')
		if room := maxRow - len(out); room > 0 {
			out = append(out, part[:min(room, len(part))]...)
		}
		switch {
		case err == nil:
			return bytes.TrimRight(out, "\r\n"), nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(out) > 0:
			return bytes.TrimRight(out, "\r\n"), nil
		default:
			return nil, err
		}
	}
}

// split parts one row; false where a quotation mark stays open.
func (t *csvTable) split(b []byte) ([]string, bool) {
	if bytes.Count(b, []byte{'"'})%2 != 0 {
		return nil, false
	}
	r := csv.NewReader(bytes.NewReader(b))
	r.Comma, r.LazyQuotes, r.FieldsPerRecord = t.comma, true, -1
	cells, err := r.Read()
	return cells, err == nil
}

func (t *csvTable) next() (*Row, error) {
	line, err := t.readLine()
	for err == nil && len(bytes.TrimSpace(line)) == 0 {
		line, err = t.readLine()
	}
	if err != nil {
		return nil, err
	}
	number := t.line
	whole, marks := line, bytes.Count(line, []byte{'"'})
	var ahead [][]byte
	for marks%2 != 0 && len(ahead) < maxQuoted && len(whole) < maxRow {
		more, err := t.readLine()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if len(ahead) == 0 {
			whole = bytes.Clone(line)
		}
		ahead = append(ahead, more)
		whole, marks = append(append(whole, '\n'), more...), marks+bytes.Count(more, []byte{'"'})
	}
	// A mark that closes rows later is no cell of several lines but two faults.
	cells, ok := t.split(whole)
	if !ok || len(ahead) > 0 && len(cells) != t.columns.want {
		t.pending = append(ahead, t.pending...)
		t.line -= int64(len(ahead))
		return &Row{Number: number, Values: map[string]string{}, Fault: refuse(ReasonQuote, "")}, nil
	}
	return t.columns.row(number, cells), nil
}

func (t *csvTable) Close() error { return t.f.Close() }

// jsonTable reads one JSON object a line.
type jsonTable struct {
	f    *os.File
	r    *bufio.Reader
	m    *Mapping
	line int64
}

func openJSONLines(name string, m *Mapping) (*jsonTable, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	r, err := byteLines(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &jsonTable{f: f, r: r, m: m}, nil
}

func (t *jsonTable) next() (*Row, error) {
	for {
		line, err := boundedLine(t.r)
		if err != nil {
			return nil, err
		}
		t.line++
		if len(bytes.TrimSpace(line)) > 0 {
			return t.row(line), nil
		}
	}
}

func (t *jsonTable) row(line []byte) *Row {
	r := &Row{Number: t.line, Values: make(map[string]string, len(fieldNames))}
	d := json.NewDecoder(strings.NewReader(decodeText(line)))
	d.UseNumber()
	var object map[string]any
	if err := d.Decode(&object); err != nil || object == nil {
		r.Fault = refuse(ReasonJSON, "")
		return r
	}
	for _, f := range fieldNames {
		name := f
		if n, told := t.m.Columns[f]; told {
			name = n
		}
		if v := object[name]; v != nil {
			r.set(f, t.text(v))
		}
	}
	return r
}

// text gives a JSON value as a cell: a list's elements as pages.
func (t *jsonTable) text(v any) string {
	list, ok := v.([]any)
	if !ok {
		return fmt.Sprint(v)
	}
	parts := make([]string, len(list))
	for i, e := range list {
		parts[i] = fmt.Sprint(e)
	}
	return strings.Join(parts, t.m.PageSeparator)
}

func (t *jsonTable) Close() error { return t.f.Close() }

// xlsxTable reads a sheet row by row. The library unpacks a large sheet to a file
// of its own instead of into memory.
type xlsxTable struct {
	f       *excelize.File
	rows    *excelize.Rows
	columns columns
	line    int64
}

func openXLSX(name string, m *Mapping) (t *xlsxTable, err error) {
	f, err := excelize.OpenFile(name, excelize.Options{UnzipXMLSizeLimit: 8 << 20, UnzipSizeLimit: 8 << 30, RawCellValue: true})
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrTable, name, err)
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	sheet := m.Sheet
	if sheet == "" {
		sheet = f.GetSheetName(0)
	}
	t = &xlsxTable{f: f}
	if t.rows, err = f.Rows(sheet); err != nil {
		return nil, fmt.Errorf("%w: %s: sheet %q: %w", ErrTable, name, sheet, err)
	}
	head, err := t.cells()
	if err != nil {
		return nil, fmt.Errorf("%w: %s: sheet %q is empty", ErrTable, name, sheet)
	}
	t.columns, err = m.columnsOf(head)
	return t, err
}

func (t *xlsxTable) cells() ([]string, error) {
	if !t.rows.Next() {
		return nil, errors.Join(io.EOF, t.rows.Error())
	}
	t.line++
	return t.rows.Columns()
}

func (t *xlsxTable) next() (*Row, error) {
	for {
		cells, err := t.cells()
		if err != nil {
			if errors.Is(err, io.EOF) && t.rows.Error() == nil {
				return nil, io.EOF
			}
			return nil, err
		}
		if len(cells) == 0 {
			continue
		}
		for len(cells) < t.columns.want { // empty cells at a row's end are not written
			cells = append(cells, "")
		}
		return t.columns.row(t.line, cells), nil
	}
}

func (t *xlsxTable) Close() error { return errors.Join(t.rows.Close(), t.f.Close()) }

// identity tells whether a table is the same as at the last run: by its content, as
// a copy of it is the same table.
func (m *Mapping) identity() (_ string, err error) {
	f, err := os.Open(m.path(m.Table))
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
