package negotiate

import (
	"strings"
	"testing"
)

func TestLanguage(t *testing.T) {
	for header, want := range map[string]string{
		"":                                "en",
		"sv":                              "sv",
		"sv-FI, fi;q=0.8":                 "sv",
		"fi;q=0.8, sv;q=0.9":              "sv",
		"FI":                              "fi",
		"de, fr;q=0.5":                    "en",
		"*":                               "en",
		"fi;q=0":                          "en",
		"fi;q=2, sv;q=0.1":                "sv",
		"fi;q=NaN":                        "en",
		"fi ; q = 0.3 , sv;q=0.2":         "fi",
		"sv;level=1":                      "sv",
		";;,,;q=":                         "en",
		strings.Repeat("de,", 100) + "sv": "en",
	} {
		if got := Language(header, []string{"fi", "sv", "en"}, "en"); got != want {
			t.Errorf("%.40q: %s, want %s", header, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	for header, want := range map[string]bool{
		"":                         false,
		"*/*":                      false,
		"application/*":            false,
		"application/problem+json": true,
		"text/html, application/problem+json;q=0.5": true,
		"application/problem+json;q=0":              false,
		"APPLICATION/Problem+JSON":                  true,
		"application/json":                          false,
		"application/problem+json; q=x":             false,
	} {
		if got := Names(header, "application/problem+json"); got != want {
			t.Errorf("%q: %t", header, got)
		}
	}
}
