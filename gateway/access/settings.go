package access

import (
	"bytes"
	"fmt"
	"os"

	"go.yaml.in/yaml/v3"
)

// Settings are the choices that the sources leave open (decisions, Archive).
type Settings struct {
	// Delays is the closing delay of registry-use rights in weekdays, by
	// controller (RKO-4; Helsinki's is 7); Delay is that of the others.
	Delays map[string]int `yaml:"closing_delay_by_controller"`
	Delay  int            `yaml:"closing_delay"`
	// UnknownCases takes documents whose case or client relationship the archive does
	// not have: for an archive to which these come by another way, or not at all.
	UnknownCases bool `yaml:"accept_unknown_cases"`
	// Calendar tells weekdays.
	Calendar Calendar `yaml:"calendar"`
	// Codes gives codes to the service tasks and services of worktasks.yaml that
	// have none there, by key.
	Codes map[string]string `yaml:"codes"`

	matrix *Matrix
}

func (s *Settings) useCodes() (err error) {
	s.matrix, err = matrix().withCodes(s.Codes)
	return err
}

// delay is the closing delay of a controller in weekdays.
func (s *Settings) delay(controller string) int {
	if n, ok := s.Delays[controller]; ok {
		return n
	}
	return s.Delay
}

// maxDelay bounds a closing delay: a year of weekdays is no delay any more.
const maxDelay = 260

// LoadSettings reads settings from a YAML file. A field that it does not know, a
// negative or endless delay is an error.
func LoadSettings(path string) (Settings, error) {
	var s Settings
	b, err := os.ReadFile(path)
	if err != nil {
		return s, err
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(&s); err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	for c, n := range s.Delays {
		if n < 0 || n > maxDelay {
			return s, fmt.Errorf("%s: closing delay %d of %s is not between 0 and %d", path, n, c, maxDelay)
		}
	}
	if s.Delay < 0 || s.Delay > maxDelay {
		return s, fmt.Errorf("%s: closing delay %d is not between 0 and %d", path, s.Delay, maxDelay)
	}
	return s, s.useCodes()
}
