package schema

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"portti/internal/xmltree"
)

// Attack: a document names schemas in files and on the network, hoping that the
// engine opens them. The files are pipes that nobody writes to: opening one would
// hang, so the test would not end; the address counts connections.
func TestSchemaLocationOpensNothing(t *testing.T) {
	s := testSchema(t)
	dir := t.TempDir()
	pipe := filepath.Join(dir, "canary.xsd")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip("no pipes here: ", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var connections atomic.Int32
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			c.Close()
		}
	}()
	before := Refused()
	for _, at := range []string{pipe, "file://" + pipe, "http://" + l.Addr().String() + "/canary.xsd"} {
		for _, attr := range []string{"schemaLocation=\"urn:t " + at + " urn:x " + at + "\"", "noNamespaceSchemaLocation=\"" + at + "\""} {
			tree := parse(t, doc(` xmlns:xsi="`+spaceXSI+`" xsi:`+attr, `<x xsi:`+attr+`/><inner xsi:`+attr+`/>`))
			done := make(chan error, 1)
			go func() {
				_, err := s.Validate(tree, tree.Root(), testOptions)
				done <- err
			}()
			select {
			case err := <-done:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("%s was opened", at)
			}
		}
	}
	if n := connections.Load(); n != 0 {
		t.Errorf("%d connections", n)
	}
	if n := Refused() - before; n != 0 {
		t.Errorf("libxml2 wanted to open %d things", n)
	}
}

// Attack: text cut into very many pieces by comments, instructions and sections. The
// engine appends each piece at the cost of all before it; it must see one.
func TestTextInManyPiecesIsOneText(t *testing.T) {
	s := testSchema(t)
	for name, piece := range map[string]string{"comments": "12<!--x-->", "instructions": "12<?p?>", "sections": "12<![CDATA[34]]>"} {
		const n = 50_000
		tree := parse(t, doc("", "<fixed>"+strings.Repeat(piece, n)+"</fixed>"))
		f := newFeed(tree, &Options{})
		f.walk(tree.Root())
		f.flush()
		texts := 0
		for i := 0; i < len(f.ev); {
			switch f.ev[i] {
			case phaseStart:
				i += startHead + int(2*f.ev[i+4]+4*f.ev[i+5])
			case phaseText, phaseBig:
				texts++
				i += 3
			default:
				i++
			}
		}
		f.release()
		if texts != 1 {
			t.Errorf("%s: %d texts", name, texts)
		}
		faults, err := s.Validate(tree, tree.Root(), testOptions)
		if err != nil || len(faults) != 1 || faults[0].Kind != ValueFixed {
			t.Errorf("%s: %v %v", name, faults, err)
		}
	}
}

// A text joined of pieces is judged as one, also where a large piece is among them.
func TestJoinedText(t *testing.T) {
	s := testSchema(t)
	for text, valid := range map[string]bool{
		"1<!---->2<?p?><![CDATA[3]]>": true, "1<!----> 2": false, "<![CDATA[]]>7": true,
		strings.Repeat("1", 20) + "<!-- -->" + strings.Repeat("1", bigText): false,
	} {
		tree := parse(t, doc("", "<number>"+text+"</number>"))
		if got := validate(t, s, tree, tree.Root(), testOptions); (len(got) == 0) != valid {
			t.Errorf("%.40s: %q", text, got)
		}
	}
	for _, n := range []int{bigText - 1, bigText, bigText + 1, 10 * bigText} {
		tree := parse(t, doc("", "<text>"+strings.Repeat("ä", n)+"</text><fixed>"+strings.Repeat("x", n)+"</fixed>"))
		faults, err := s.Validate(tree, tree.Root(), testOptions)
		if err != nil || len(faults) != 1 || faults[0].Kind != ValueFixed {
			t.Errorf("%d: %v %v", n, faults, err)
		}
	}
}

// Attack: values that imitate the engine's messages, to be told as something else or
// to have parts of them taken for names of the schema.
func TestValuesThatLookLikeMessages(t *testing.T) {
	s := testSchema(t)
	trick := `', attribute '{urn:t}must': type 'secret' is not an element of the set {'secret'}.&#10;`
	tree := parse(t, `<doc xmlns="urn:t" kind="`+trick+`" xmlns:a="urn:t}x', attribute '{u" a:b="1">`+
		`<first must="1" root="`+trick+`" class="`+trick+`" a:must="`+trick+`"/><a:x/>`+
		`<number>`+trick+`</number><stamp ID="`+trick+`">`+trick+`</stamp>`+last+`</doc>`)
	faults, err := s.Validate(tree, tree.Root(), testOptions)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{
		"attribute /doc/@*[local-name()='b']": true, "enum /doc/@kind: A B": true,
		"pattern /doc/first/@root: oid": true, "fixed /doc/first/@class: LEAF": true,
		"attribute /doc/first/@*[local-name()='must']": true,
		"type /doc/number: xs:integer":                 true, "type /doc/stamp/@ID: xs:ID": true,
		"type /doc/stamp: xs:dateTime": true,
		"unexpected /doc/*[local-name()='x']: first second either or foreign pair text number": true,
	}
	for _, f := range faults {
		line := tell(tree, f)
		if !want[line] {
			t.Errorf("told: %s", line)
		}
		delete(want, line)
	}
	for line := range want {
		t.Errorf("not told: %s", line)
	}
}

// Very long names and values of every place leave the engine whole.
func TestVeryLongValues(t *testing.T) {
	s := testSchema(t)
	long := strings.Repeat("v%s%n'{}", 40_000)
	name := strings.Repeat("n", 900)
	for place, d := range map[string]string{
		"attribute": doc(` kind="`+long+`"`, ``), "content": doc("", `<number>`+long+`</number>`),
		"fixed": doc("", `<fixed>`+long+`</fixed>`), "namespace": doc("", `<x xmlns="`+long+`"/>`),
		"attribute namespace": doc(` xmlns:p="`+long+`" p:`+name+`="1"`, ``),
		"element":             doc("", `<`+name+`/>`), "attribute name": doc(` `+name+`="1"`, ``),
		"pattern": doc("", `<second must="1" root="1`+strings.Repeat(".1", 100_000)+`x"/>`),
		"list":    doc("", `<text>`+long+`<c/></text>`),
	} {
		tree := parse(t, d)
		faults, err := s.Validate(tree, tree.Root(), testOptions)
		if err != nil || len(faults) != 1 {
			t.Errorf("%s: %d faults, %v", place, len(faults), err)
		}
		for _, f := range faults {
			for _, n := range f.Expected {
				if len(n.Local) > 20 {
					t.Errorf("%s: %.100s is expected", place, n.Local)
				}
			}
		}
	}
}

// One compiled schema serves many goroutines, each with its own verdict.
func TestConcurrentUse(t *testing.T) {
	s := testSchema(t)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 100 {
				id := fmt.Sprintf("i%d.%d", g, i)
				tree, err := xmltree.Parse([]byte(doc(` ID="`+id+`"`, strings.Repeat(`<pair root="0"/>`, g)+`<text>`+strings.Repeat(id, 1000)+`</text>`)), xmltree.Limits{})
				if err != nil {
					t.Error(err)
					return
				}
				faults, err := s.Validate(tree, tree.Root(), testOptions)
				if err != nil || len(faults) != 2*g {
					t.Errorf("%d faults, %v; want %d", len(faults), err, 2*g)
					return
				}
			}
		}()
	}
	wg.Wait()
}

// Nothing is left behind in C memory, neither by valid documents nor by faulty ones.
func TestNoLeak(t *testing.T) {
	s := testSchema(t)
	trees := []*xmltree.Tree{
		parse(t, doc(` ID="a" kind="A"`, `<pair must="1" root="1.2"/><text>`+strings.Repeat("x", 10_000)+`</text>`)),
		parse(t, doc(` ID="a" kind="C"`, `<pair/><x/><second root="1.02"/><number>x</number><text><c/></text>`)),
		parse(t, `<doc xmlns="urn:t" xmlns:xsi="`+spaceXSI+`" xsi:type="x:y"><inner>`+first+`<x/>`+strings.Repeat(`<pair/>`, 50)+last+`</inner></doc>`),
	}
	run := func(n int) {
		for range n {
			for _, tree := range trees {
				if _, err := s.Validate(tree, tree.Root(), testOptions); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	run(500)
	before := resident(t)
	run(5000)
	// A leak of 200 bytes a document would be 3 MB.
	if grown := resident(t) - before; grown > 2<<20 {
		t.Errorf("%d KB more are resident after 15,000 documents", grown>>10)
	}
}

// resident is the resident memory of the process in bytes, after Go has given back
// what it does not need.
func resident(t *testing.T) int {
	debug.FreeOSMemory()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("no /proc here: ", err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(b))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// Attack: files of the same names as embedded schemas lie where the process runs.
// They are pipes, so opening one would hang.
func TestCompileOpensNothingOnDisk(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"main.xsd", "part.xsd", wrapperFile} {
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Skip("no pipes here: ", err)
		}
	}
	t.Chdir(dir)
	head := `<xs:schema xmlns:xs="` + spaceXSD + `" targetNamespace="urn:t">`
	files := fstest.MapFS{
		"main.xsd": {Data: []byte(head + `<xs:include schemaLocation="part.xsd"/></xs:schema>`)},
		"part.xsd": {Data: []byte(head + `<xs:element name="doc" type="xs:string"/></xs:schema>`)},
	}
	before := Refused()
	done := make(chan error, 1)
	go func() {
		s, err := Compile(files, "main.xsd")
		if err == nil {
			tree := parse(t, `<doc xmlns="urn:t">x</doc>`)
			_, err = s.Validate(tree, tree.Root(), Options{})
		}
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil || Refused() != before {
			t.Errorf("%v, %d attempts", err, Refused()-before)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("a file was opened")
	}
}
