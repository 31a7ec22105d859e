package migrate

import (
	"strconv"
	"strings"
	"time"

	"portti/cda"
)

// hetuOf reads the identity code in a client's key.
func hetuOf(key string) (cda.Hetu, bool) {
	h, fault := cda.ParseHetu(strings.TrimPrefix(key, "h:"))
	return h, fault == cda.HetuOk
}

// temporary gives a client a temporary identifier (tilapäinen yksilöintitunnus,
// DOC-10): the organisation's arc, .22. and the year, and eleven characters that
// look as an identity code of the 900 series looks, which no identity code is
// (kanta-facts-2 6). One birth date has 100 for each century sign and root.
func (j *Journal) temporary(p *person, controller Organisation, year int) error {
	born, err := time.Parse("20060102", p.born)
	if err != nil {
		return refuse(ReasonBorn, "")
	}
	arc, _, _ := strings.Cut(strings.TrimPrefix(controller.OID, "1.2.246.10."), ".")
	p.root = "1.2.246.10." + arc + ".22." + strconv.Itoa(year)
	signs := "-YXWVU"
	switch {
	case born.Year() < 1900:
		signs = "+"
	case born.Year() >= 2000:
		signs = "ABCDEF"
	}
	// People see the code without its root: two clients have the same one only where a
	// birth date has no codes left.
	taken, here, err := j.taken(born.Format("020106"), p.root)
	if err != nil {
		return err
	}
	for _, no := range []map[string]bool{taken, here} {
		for _, sign := range signs {
			for individual := 900; individual < 1000; individual++ {
				code := []byte(cda.FormatHetu(born, individual))
				code[6] = byte(sign)
				if !no[string(code)] {
					p.id = string(code)
					return j.keep(p)
				}
			}
		}
	}
	return refuse(ReasonSpent, "")
}

// taken gives the codes of a birth date (DDMMYY) that clients have, and those of them
// under a root.
func (j *Journal) taken(day, root string) (all, here map[string]bool, err error) {
	all, here = map[string]bool{}, map[string]bool{}
	if err = j.begin(); err != nil {
		return nil, nil, err
	}
	rows, err := j.tx.Query(`SELECT id, root FROM persons WHERE id>? AND id<?`, day, day+"~")
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id, of string
		if err := rows.Scan(&id, &of); err != nil {
			return nil, nil, err
		}
		all[id] = true
		if of == root {
			here[id] = true
		}
	}
	return all, here, rows.Err()
}
