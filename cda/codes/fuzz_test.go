package codes

import (
	"testing"
	"time"
)

// checkImported looks at what every list that was taken must be.
func checkImported(t *testing.T, l *List) {
	t.Helper()
	s, err := NewSet(l)
	if err != nil {
		t.Fatalf("an imported list is broken: %v", err)
	}
	for _, c := range l.Codes {
		if r := s.Check(l.OID(), c.Code, time.Time{}); r.Entry == nil || r.Open {
			t.Fatalf("%q is not found in its own list: %+v", c.Code, r)
		}
	}
}

func FuzzParseCSV(f *testing.F) {
	f.Add([]byte("code,name,parent,beginDate\n1,x,,2011-12-01\n2,y,1,\n"))
	f.Add([]byte("Koodi;Nimi\n\"1;\"\"\";x\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		if l, err := ParseCSV(task, src); err == nil {
			checkImported(t, l)
		}
	})
}

func FuzzParsePages(f *testing.F) {
	f.Add([]byte(`{"conceptCodes":[{"conceptCodeId":"1","beginDate":1322697600000,"expirationDate":"2020-12-31","status":"ACTIVE","attributes":[{"attributeName":"LongName","attributeValue":["x"]}]}],"page":1,"totalItems":1,"totalPages":1}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		if l, err := ParsePages(task, [][]byte{src}); err == nil {
			checkImported(t, l)
		}
	})
}

func FuzzParseXML(f *testing.F) {
	f.Add([]byte(xmlExport))
	f.Fuzz(func(t *testing.T, src []byte) {
		lists, err := ParseXML(src)
		if err != nil {
			return
		}
		for _, l := range lists {
			checkImported(t, l)
		}
	})
}
