// Package negotiate reads what an HTTP client would like: the headers Accept and
// Accept-Language (RFC 9110, 12.5).
package negotiate

import (
	"mime"
	"strconv"
	"strings"
)

// maxItems bounds how many items of a header are looked at.
const maxItems = 32

// Language gives the language of offered that Accept-Language likes best, fallback
// where it likes none of them. Only the primary subtag counts: "sv-FI" is "sv".
func Language[L ~string](header string, offered []L, fallback L) L {
	best, bestQ := fallback, 0.0
	for _, item := range items(header) {
		tag, q := weighed(item)
		primary, _, _ := strings.Cut(tag, "-")
		for _, l := range offered {
			if strings.EqualFold(primary, string(l)) && q > bestQ {
				best, bestQ = l, q
			}
		}
	}
	return best
}

// Names tells whether Accept names a media type itself, not by a range such as
// "*/*", and does not refuse it (q=0).
func Names(header, mediaType string) bool {
	for _, item := range items(header) {
		mt, params, err := mime.ParseMediaType(item)
		if err == nil && mt == mediaType && quality(params["q"]) > 0 {
			return true
		}
	}
	return false
}

func items(header string) []string {
	all := strings.SplitN(header, ",", maxItems+1)
	return all[:min(len(all), maxItems)]
}

// weighed takes "sv-FI;q=0.8" apart.
func weighed(item string) (tag string, q float64) {
	tag, rest, _ := strings.Cut(item, ";")
	name, value, _ := strings.Cut(strings.TrimSpace(rest), "=")
	if !strings.EqualFold(strings.TrimSpace(name), "q") {
		value = ""
	}
	return strings.TrimSpace(tag), quality(strings.TrimSpace(value))
}

// quality reads a weight: 1 where there is none, 0 where it is no number from 0 to 1.
func quality(s string) float64 {
	if s == "" {
		return 1
	}
	q, err := strconv.ParseFloat(s, 64)
	if err != nil || !(q >= 0 && q <= 1) {
		return 0
	}
	return q
}
