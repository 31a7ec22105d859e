package cases

import "portti/cda/rules/catalogue"

// Told is a case in one language, as people read it.
type Told struct {
	*Case
	Title, Given, Failure string
	// ProfileNames are the profiles in words.
	ProfileNames string
	Steps        []ToldStep
}

// ToldStep is a step in one language. Expect is what must come of it, in short; Parts
// are what is sent at the same time.
type ToldStep struct {
	Say, Expect string
	Parts       []string
}

// Tell tells a case.
func (s *Set) Tell(c *Case, lang catalogue.Lang) Told {
	out := Told{Case: c, Title: c.Title.In(lang), Given: s.givenText(c, lang), Failure: c.Failure.In(lang), ProfileNames: s.profiles(c, lang)}
	for i := range c.Steps {
		x := &c.Steps[i]
		t := ToldStep{Say: x.Say.In(lang), Expect: x.expectation()}
		if x.Setup {
			t.Say += " (" + s.word("report", "precondition", lang) + ")"
		}
		for _, p := range x.Parts {
			t.Parts = append(t.Parts, p.Say.In(lang))
		}
		out.Steps = append(out.Steps, t)
	}
	return out
}
