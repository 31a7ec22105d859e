package web

import (
	"math"
	"strconv"
)

// luminance is WCAG's relative luminance of a colour rrggbb.
func luminance(rgb string) float64 {
	weights := [3]float64{0.2126, 0.7152, 0.0722}
	sum := 0.0
	for i, w := range weights {
		v, err := strconv.ParseUint(rgb[2*i:2*i+2], 16, 8)
		if err != nil {
			panic(err)
		}
		c := float64(v) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += w * c
	}
	return sum
}
