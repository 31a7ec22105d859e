package catalogue

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Words are words by key and language, as a word file has them.
type Words map[string]Text

// MustWords reads a word file that is part of the program: key: {fi: …, sv: …, en: …}.
// A key that lacks a language is a slip of ours.
func MustWords(file []byte) Words {
	w := Words{}
	dec := yaml.NewDecoder(bytes.NewReader(file))
	if err := dec.Decode(&w); err != nil {
		panic(err)
	}
	for key, t := range w {
		for _, l := range Langs {
			if t[l] == "" {
				panic(fmt.Sprintf("catalogue: the word %q is not there in %s", key, l))
			}
		}
	}
	return w
}

// In gives the word of a key in a language; "" where there is no such key.
func (w Words) In(lang Lang, key string) string { return w[key].In(lang) }

// Into fills a struct, whose fields name their keys by yaml tags, with the words of
// one language. Each field must have its word, and each word its field.
func (w Words) Into(lang Lang, to any) error {
	one := make(map[string]string, len(w))
	for key, t := range w {
		one[key] = t.In(lang)
	}
	b, err := yaml.Marshal(one)
	if err != nil {
		return err
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	return dec.Decode(to)
}
