package codes

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// listSuffix ends the names of imported lists in a data folder.
const listSuffix = ".codes.json"

// ImportFiles reads saved exports of the code server: XML exports, CSV files, or
// the pages of one code system's REST answer (all of them), told apart by their
// content. oid names the code system of pages and CSV; XML says its own. now is
// the time of the import.
func ImportFiles(oid string, now time.Time, names ...string) ([]*List, error) {
	var lists []*List
	var pages [][]byte
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("codes: %w", err)
		}
		head := bytes.TrimLeft(bytes.TrimPrefix(src, []byte("\xef\xbb\xbf")), " \t\r\n")
		switch {
		case bytes.HasPrefix(head, []byte("{")):
			pages = append(pages, src)
			continue
		case bytes.HasPrefix(head, []byte("<")):
			ls, err := ParseXML(src)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			lists = append(lists, ls...)
		default:
			l, err := ParseCSV(oid, src)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			lists = append(lists, l)
		}
	}
	if len(pages) > 0 {
		if !isOID(oid) {
			return nil, errors.New("codes: say whose codes the pages are: the OID of the code system is missing")
		}
		l, err := ParsePages(oid, pages)
		if err != nil {
			return nil, err
		}
		lists = append(lists, l)
	}
	for _, l := range lists {
		l.Imported, l.Source = now, "file"
	}
	return lists, nil
}

// Save writes an imported list into a data folder and gives the file's name.
// Earlier imports stay, so that it can be told what was known when.
func (l *List) Save(dir string) (string, error) {
	if l.byCode == nil { // not yet checked
		if err := l.index(); err != nil {
			return "", err
		}
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", fmt.Errorf("codes: %w", err)
	}
	b, err := json.MarshalIndent(l, "", " ")
	if err != nil {
		return "", fmt.Errorf("codes: %w", err)
	}
	name := filepath.Join(dir, l.OID()+"@"+l.Imported.UTC().Format("20060102T150405Z")+listSuffix)
	tmp := name + ".tmp"
	if err := os.WriteFile(tmp, append(b, '\n'), 0o640); err != nil {
		return "", fmt.Errorf("codes: %w", err)
	}
	if err := os.Rename(tmp, name); err != nil {
		return "", fmt.Errorf("codes: %w", err)
	}
	return name, nil
}

// Open gives a set of the shipped lists and of all lists saved in a folder, which
// need not exist.
func Open(dir string) (*Set, error) {
	lists, err := Shipped()
	if err != nil {
		return nil, err
	}
	saved, err := Saved(dir)
	if err != nil {
		return nil, err
	}
	return NewSet(append(lists, saved...)...)
}

// Saved reads all lists saved in a folder, in the order of their files' names.
func Saved(dir string) ([]*List, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("codes: %w", err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), listSuffix) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	var lists []*List
	for _, name := range names {
		l, err := readList(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		lists = append(lists, l)
	}
	return lists, nil
}

func readList(name string) (*List, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("codes: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	var l List
	if err := dec.Decode(&l); err != nil {
		return nil, fmt.Errorf("codes: %s: %w", name, err)
	}
	if err := l.index(); err != nil {
		return nil, fmt.Errorf("%w (in %s)", err, name)
	}
	return &l, nil
}
