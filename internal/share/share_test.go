package share

import (
	"slices"
	"testing"
)

func TestSamplesAreOfTheWhole(t *testing.T) {
	list := []int{0, 1, 2, 3, 4, 5, 6}
	want, n := list, 500
	if underRace {
		want, n = []int{0, 3, 6}, 25
	}
	if got := Sample(list, 3); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := Of(500, 25); got != n {
		t.Errorf("%d, want %d", got, n)
	}
}
