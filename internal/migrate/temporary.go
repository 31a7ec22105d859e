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
// (kanta-facts-2 6). One birth date has 100 for each century sign.
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
	for _, sign := range signs {
		for individual := 900; individual < 1000; individual++ {
			code := []byte(cda.FormatHetu(born, individual))
			code[6] = byte(sign)
			r, err := j.row(`SELECT count(*) FROM persons WHERE root=? AND id=?`, p.root, string(code))
			if err != nil {
				return err
			}
			var taken int
			if err := r.Scan(&taken); err != nil {
				return err
			}
			if taken == 0 {
				p.id = string(code)
				return j.keep(p)
			}
		}
	}
	return refuse(ReasonSpent, "")
}
