package rules

import "portti/internal/finding"

// FrameAlone judges a frame that brings no document, such as a query: the identity
// codes in it, and in the test world that no real person stands in it.
func FrameAlone(in Input) []finding.Finding {
	c := &checker{Input: in}
	c.framePersons(in.Frame)
	return c.out.Items()
}
