package migrate

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"image"
	"image/jpeg"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"portti/cda"
	"portti/cda/rules/pdfcheck"

	"github.com/xuri/excelize/v2"
	"golang.org/x/image/tiff"
)

func TestMIG1_DatesInManyForms(t *testing.T) {
	for text, want := range map[string]string{
		"31.12.2019": "2019-12-31 00:00", "1.2.2003": "2003-02-01 00:00", "01.02.2003 klo 13.45": "2003-02-01 13:45", "2003-02-01": "2003-02-01 00:00",
		"2003-2-1 7:05:09": "2003-02-01 07:05", "20030201": "2003-02-01 00:00", "1/2/2003": "2003-02-01 00:00", "1. helmikuuta 2003": "2003-02-01 00:00",
		"1.2.03": "2003-02-01 00:00", "2003-02-01T10:00:00Z": "2003-02-01 12:00", "2003-02-01T10:00": "2003-02-01 10:00", "37653": "2003-02-01 00:00", "37653.5": "2003-02-01 12:00",
		"1.7.1899": "1899-07-01 00:00",
	} {
		got, ok := parseDate(text, false)
		if !ok || got.In(cda.Helsinki()).Format("2006-01-02 15:04") != want {
			t.Errorf("%q is read as %v %t, want %s", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "31.2.2014", "eilen", "2014", "0.0.0000", "1.1.0003", "32.1.2010", "99999999999999999999"} {
		if got, ok := parseDate(text, false); ok {
			t.Errorf("%q is read as %v", text, got)
		}
	}
	if got, ok := parseDate("02/01/2003", true); !ok || got.Month() != time.February {
		t.Errorf("month first: %v %t", got, ok)
	}
}

func TestMIG1_EncodingsAreTold(t *testing.T) {
	for _, c := range []struct{ octets, want string }{
		{"\xef\xbb\xbfäiti", "äiti"}, {"\xe4iti", "äiti"}, {"12 \x80", "12 €"}, {"\x93a\x94", "“a”"}, {"äiti 12 €", "äiti 12 €"},
		{"\xff\xfe\xe4\x00i\x00", "äi"}, {"\xfe\xff\x00\xe4\x00i", "äi"},
	} {
		if got := decodeWhole([]byte(c.octets)); got != c.want {
			t.Errorf("%q is read as %q, want %q", c.octets, got, c.want)
		}
	}
}

// tableOf writes a table and gives its rows.
func tableOf(t *testing.T, name string, content []byte) []*Row {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
	return rowsOf(t, &Mapping{Table: name, PageSeparator: "|", Columns: map[string]string{"family": "Sukunimi", "given": "Etunimi", "date": "Päivä"}, dir: dir})
}

func rowsOf(t *testing.T, m *Mapping) (out []*Row) {
	t.Helper()
	tab, err := openTable(m)
	if err != nil {
		t.Fatal(err)
	}
	defer tab.Close()
	for {
		r, err := tab.next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
}

func sheet(t *testing.T) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	for cell, v := range map[string]any{
		"A1": "Sukunimi", "B1": "Etunimi", "C1": "Päivä", "D1": "Muu", "A2": "Öinen", "B2": "Åke", "C2": time.Date(2003, 2, 1, 0, 0, 0, 0, time.UTC), "D2": "x", "A4": "Toinen", "B4": "Eka",
	} {
		if err := f.SetCellValue("Sheet1", cell, v); err != nil {
			t.Fatal(err)
		}
	}
	b, err := f.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestMIG1_TablesOfEveryForm: the same two rows.
func TestMIG1_TablesOfEveryForm(t *testing.T) {
	for name, content := range map[string]string{
		"semicolon.csv": "\xef\xbb\xbfSukunimi;Etunimi;Päivä\nÖinen;Åke;1.2.2003\n\nToinen;Eka;\n",
		"latin.csv":     "Sukunimi,Etunimi,P\xe4iv\xe4\r\n\xd6inen,\"\xc5ke\",1.2.2003\r\nToinen,Eka,\r\n",
		"tab.tsv":       "Sukunimi\tEtunimi\tPäivä\nÖinen\tÅke\t2003-02-01\nToinen\tEka\t",
		"lines.jsonl":   `{"Sukunimi":"Öinen","Etunimi":"Åke","Päivä":"2003-02-01"}` + "\n" + `{"Sukunimi":"Toinen","Etunimi":"Eka","Päivä":null}` + "\n",
		"sheet.xlsx":    string(sheet(t)),
	} {
		rows := tableOf(t, name, []byte(content))
		if len(rows) != 2 || rows[0].Fault != nil || rows[1].Fault != nil {
			t.Errorf("%s: %d rows", name, len(rows))
			continue
		}
		d, ok := parseDate(rows[0].Values["date"], false)
		if rows[0].Values["family"] != "Öinen" || rows[0].Values["given"] != "Åke" || !ok || isoDate(d) != "2003-02-01" || rows[1].Values["family"] != "Toinen" {
			t.Errorf("%s: %v %v", name, rows[0].Values, rows[1].Values)
		}
	}
}

// TestMIG1_AnOpenQuoteCostsOneRow, and a cell of two lines is one cell.
func TestMIG1_AnOpenQuoteCostsOneRow(t *testing.T) {
	rows := tableOf(t, "q.csv", []byte("Sukunimi;Etunimi;Päivä\n\"A\nB\";c;d\nx;\"y;z\nToinen;Eka;\"e\"\nviides;f;g;h\nkuudes;i;j\n"))
	var got []string
	for _, r := range rows {
		s := r.Values["family"]
		if r.Fault != nil {
			s = r.Fault.Reason
		}
		got = append(got, s)
	}
	want := "A\nB|" + ReasonQuote + "|Toinen|" + ReasonColumns + "|kuudes"
	if strings.Join(got, "|") != want {
		t.Errorf("%q, want %q", strings.Join(got, "|"), want)
	}
	if rows[2].Number != 5 {
		t.Errorf("the row after the open quote is told as line %d", rows[2].Number)
	}
}

func archives(t *testing.T, dir string) map[string]string {
	t.Helper()
	var z, tr, gz bytes.Buffer
	zw, tw := zip.NewWriter(&z), tar.NewWriter(&tr)
	w, err := zw.Create("a/Äiti.txt")
	if err == nil {
		_, err = w.Write([]byte("sisältö"))
	}
	if err == nil {
		err = errors.Join(zw.Close(), tw.WriteHeader(&tar.Header{Name: "./a/Äiti.txt", Size: 8, Mode: 0o600, Typeflag: tar.TypeReg, Format: tar.FormatPAX}))
	}
	if err == nil {
		_, err = tw.Write([]byte("sisältö")[:8])
	}
	g := gzip.NewWriter(&gz)
	if err = errors.Join(err, tw.Close()); err == nil {
		_, err = g.Write(tr.Bytes())
	}
	out := map[string]string{"folder": filepath.Join(dir, "folder")}
	err = errors.Join(err, g.Close(), os.MkdirAll(filepath.Join(dir, "folder", "a"), 0o700), os.WriteFile(filepath.Join(dir, "folder", "a", "Äiti.txt"), []byte("sisältö"), 0o600),
		os.WriteFile(filepath.Join(dir, "secret.txt"), []byte("outside"), 0o600))
	for name, b := range map[string][]byte{"x.zip": z.Bytes(), "x.tar": tr.Bytes(), "x.tar.gz": gz.Bytes()} {
		out[name] = filepath.Join(dir, name)
		err = errors.Join(err, os.WriteFile(out[name], b, 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestMIG1_FilesOfFolderZipAndTar(t *testing.T) {
	dir := t.TempDir()
	for name, where := range archives(t, dir) {
		f, err := openFiles(where, t.TempDir())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if b, err := f.read(`a\Äiti.txt`, 100); err != nil || !strings.HasPrefix(string(b), "sisält") {
			t.Errorf("%s: %q %v", name, b, err)
		}
		for bad, reason := range map[string]string{"b/puuttuu.txt": ReasonFileMissing, "../secret.txt": ReasonFileMissing, "a": ReasonFileMissing} {
			if _, err := f.read(bad, 100); !isRefusal(err, reason) {
				t.Errorf("%s: %s: %v", name, bad, err)
			}
		}
		if _, err := f.read("a/Äiti.txt", 3); !isRefusal(err, ReasonFileSize) {
			t.Errorf("%s: a file over the limit: %v", name, err)
		}
		if err := f.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func isRefusal(err error, reason string) bool {
	r, ok := asRefusal(err)
	return ok && r.Reason == reason
}

// pages makes a TIFF of two pages: the second directory stands behind the first
// page's file, its offsets moved.
func twoPages(t *testing.T) []byte {
	t.Helper()
	page := func(w int) []byte {
		var b bytes.Buffer
		if err := tiff.Encode(&b, image.NewGray(image.Rect(0, 0, w, 10)), nil); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	a, b := page(10), page(20)
	le := binary.LittleEndian
	shift := uint32(len(a))
	ifd := le.Uint32(b[4:])
	n := int(le.Uint16(b[ifd:]))
	for i := range n {
		e := b[int(ifd)+2+12*i:]
		tag, kind, count := le.Uint16(e), le.Uint16(e[2:]), le.Uint32(e[4:])
		size := map[uint16]uint32{1: 1, 2: 1, 3: 2, 4: 4, 5: 8}[kind] * count
		if size > 4 || tag == 273 {
			le.PutUint32(e[8:], le.Uint32(e[8:])+shift)
		}
	}
	first := le.Uint32(a[4:])
	end := int(first) + 2 + 12*int(le.Uint16(a[first:]))
	le.PutUint32(a[end:], ifd+shift)
	return append(a, b...)
}

func TestDOC1_EveryPageOfATIFF(t *testing.T) {
	b := twoPages(t)
	pages, err := tiffPages(b)
	if err != nil || len(pages) != 2 || width(t, pages[0]) != 10 || width(t, pages[1]) != 20 {
		t.Fatalf("%d pages: %v", len(pages), err)
	}
	row := &Row{Values: map[string]string{"file": "scan.tif"}}
	c, err := readContent(row, &Mapping{PageSeparator: "|"}, oneFile(b), 1<<20)
	if err != nil || strings.Count(c.xhtml, "<img ") != 2 || len(c.originals) != 1 || c.originals[0].mediaType != "image/tiff" {
		t.Errorf("%+v %v", c, err)
	}
	loop := bytes.Clone(b) // a directory that names itself as the next
	first := binary.LittleEndian.Uint32(loop[4:])
	binary.LittleEndian.PutUint32(loop[int(first)+2+12*int(binary.LittleEndian.Uint16(loop[first:])):], first)
	if _, err := contentOf("scan.tif", loop); !isRefusal(err, ReasonImage) {
		t.Errorf("pages in a circle: %v", err)
	}
}

func width(t *testing.T, page []byte) int {
	t.Helper()
	c, err := jpeg.DecodeConfig(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	return c.Width
}

// oneFile gives the same octets by any name.
type oneFile []byte

func (f oneFile) read(string, int64) ([]byte, error) { return f, nil }
func (oneFile) Close() error                         { return nil }

// TestDOC12_PagesBecomePDF: where the mapping wants it, pages become a PDF that the
// archive's checks of PDFs find nothing in, with each picture as it was.
func TestDOC12_PagesBecomePDF(t *testing.T) {
	scan := func(m image.Image) []byte {
		b, err := asJPEG(m)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	checker := pdfcheck.New(1)
	defer checker.Close()
	for name, pages := range map[string][][]byte{
		"TIFF of two pages": {twoPages(t)}, "grey": {scan(image.NewGray(image.Rect(0, 0, 40, 30)))},
		"several, in colour": {scan(image.NewRGBA(image.Rect(0, 0, 30, 40))), twoPages(t), scan(image.NewRGBA(image.Rect(0, 0, 30, 40)))},
	} {
		t.Run(name, func(t *testing.T) {
			names, f := "0", manyFiles(pages)
			for i := range pages[1:] {
				names += "|" + strconv.Itoa(i+1)
			}
			c, err := readContent(&Row{Values: map[string]string{"file": names}}, &Mapping{PageSeparator: "|", Pages: "pdf"}, f, 1<<20)
			if err != nil || c.xhtml != "" || len(c.originals) != len(pages) {
				t.Fatalf("%+v %v", c, err)
			}
			if v, err := checker.Check(t.Context(), c.pdf); err != nil || v != pdfcheck.Sound {
				t.Errorf("structure: %s %v", v, err)
			}
			if !bytes.Contains(c.pdf, []byte("<pdfaid:part>2</pdfaid:part>")) {
				t.Error("it does not say that it is PDF/A")
			}
			for _, p := range pages {
				if kindOf(p) == kindJPEG && !bytes.Contains(c.pdf, p) {
					t.Error("a picture is not as it was")
				}
			}
			for _, never := range []string{"/DeviceRGB", "/DeviceGray", "/Interpolate", "/SMask", "/Font"} {
				if bytes.Contains(c.pdf, []byte(never)) {
					t.Errorf("%s is in the PDF", never)
				}
			}
		})
	}
}

// manyFiles gives files by their numbers.
type manyFiles [][]byte

func (f manyFiles) read(name string, _ int64) ([]byte, error) {
	n, err := strconv.Atoi(name)
	return f[n], err
}
func (manyFiles) Close() error { return nil }

// TestDOC12_PicturesAreBounded: a small file that claims a huge picture is refused
// before any memory is taken for it.
func TestDOC12_PicturesAreBounded(t *testing.T) {
	b, err := asJPEG(image.NewGray(image.Rect(0, 0, 16, 16)))
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(b, []byte{0xff, 0xc0}) // the frame's head: length, precision, height, width
	copy(b[at+5:], []byte{0xff, 0xff, 0xff, 0xff})
	if _, err := contentOf("scan.jpg", b); !isRefusal(err, ReasonImage) {
		t.Errorf("65535 × 65535: %v", err)
	}
}

func TestMIG2_ReasonsHaveTextAndRemedyInThreeLanguages(t *testing.T) {
	if len(reasons()) < 25 {
		t.Errorf("%d reasons", len(reasons()))
	}
	for id, r := range reasons() {
		for _, w := range []Words{r.Text, r.Remedy} {
			for _, lang := range []string{"fi", "sv", "en"} {
				if w.In(lang) == "" {
					t.Errorf("%s lacks %s", id, lang)
				}
			}
		}
	}
}

func TestMIG2_OldWordsBecomeCodes(t *testing.T) {
	m := &Mapping{Table: "x.csv", System: System{OID: "1.2.3", Root: "1.2.4"}, User: User{ID: "x", Family: "y"}, Tasks: map[string]Coded{"LS ": {Code: "10"}, "Muu": {Code: "7", Display: "Muut"}},
		Types: map[string]Coded{"Päätös": {Code: "11"}}, Units: map[string]Organisation{"Talo": {"1.2.5", "Talo"}}, Controllers: map[string]Organisation{"A": {"1.2.6", "Alue"}},
		Rules: []ContextRule{{When: map[string]string{"type": "*kiireellinen*"}, Set: map[string]string{"task": "LS"}}, {When: map[string]string{"task": "ls"}, Set: map[string]string{"unit": "Talo"}}}, Defaults: map[string]string{"type": "Päätös"}}
	if err := m.finish(); err != nil {
		t.Fatal(err)
	}
	row := &Row{Number: 2, Values: map[string]string{"family": "A", "given": "B", "hetu": "010181-900C", "date": "1.1.2010", "task": " ls", "type": ""}}
	f, err := readFacts(row, m, time.Now())
	if err != nil || f.task != (Coded{"10", "Lastensuojelu"}) || f.kind.Code != "11" || f.unit.OID != "1.2.5" || f.controller.OID != "1.2.6" {
		t.Errorf("%+v %v", f, err)
	}
	m.Tasks["x"] = Coded{Code: "4711"}
	if err := m.finish(); err == nil {
		t.Error("a code without a name is taken")
	}
}
