package catalogue

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// maxQuery is how much of a misspelt id is looked at.
const maxQuery = 80

// Nearest gives up to n rule ids that look most like id, the most alike first:
// what someone who misspelt it may have meant. Rules that share little with it are
// left out.
func (c *Catalogue) Nearest(id string, n int) []string {
	id = strings.ToUpper(id[:min(len(id), maxQuery)])
	query := strings.FieldsFunc(id, func(r rune) bool { return r == '-' || r == '_' || r == ' ' })
	if len(query) == 0 {
		return nil
	}
	const enough = 0.4
	type scored struct {
		id    string
		score float64
	}
	var all []scored
	weigh := c.wordWeights()
	for _, known := range c.ids {
		if s := likeness(query, strings.Split(known, "-"), weigh); s >= enough {
			all = append(all, scored{known, s})
		}
	}
	slices.SortStableFunc(all, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	var out []string
	for _, s := range all[:min(n, len(all))] {
		out = append(out, s.id)
	}
	return out
}

// wordWeights tells how much each word of the ids says: rare ones say more.
func (c *Catalogue) wordWeights() map[string]float64 {
	seen := map[string]float64{}
	for _, id := range c.ids {
		for _, w := range strings.Split(id, "-") {
			seen[w]++
		}
	}
	for w, n := range seen {
		seen[w] = 1 + math.Log(float64(len(c.ids))/n)
	}
	return seen
}

// likeness is the share of an id's weight that the query's words cover, less for
// words of the query that the id lacks: 0 nothing, 1 all.
func likeness(query, words []string, weigh map[string]float64) float64 {
	const unmatchedWeight = 2
	covered, total := 0.0, 0.0
	used := make([]bool, len(query))
	for _, w := range words {
		total += weigh[w]
		best, at := 0.0, -1
		for i, q := range query {
			if s := similar(q, w); s > best && !used[i] {
				best, at = s, i
			}
		}
		if at >= 0 {
			used[at] = true
			covered += best * weigh[w]
		}
	}
	for _, u := range used {
		if !u {
			total += unmatchedWeight
		}
	}
	return covered / total
}

// similar is 1 for the same word, less for one with letters changed, 0 for another word.
func similar(a, b string) float64 {
	const sameWord = 0.6
	s := 1 - float64(distance(a, b))/float64(max(len(a), len(b)))
	if s < sameWord {
		return 0
	}
	return s
}

// distance is the least number of letters to insert, delete or change (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
