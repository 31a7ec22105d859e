// Package share tells how much of a long test is done under the race detector, which
// makes it several times as slow: a sample. `make test` does the whole of these tests
// once more without it (WHOLE in the Makefile).
package share

// Of gives whole, or under the race detector raced.
func Of(whole, raced int) int {
	if underRace {
		return raced
	}
	return whole
}

// Sample gives the whole list, or under the race detector each nth of it.
func Sample[T any](list []T, n int) []T {
	if !underRace {
		return list
	}
	var out []T
	for i := 0; i < len(list); i += n {
		out = append(out, list[i])
	}
	return out
}
