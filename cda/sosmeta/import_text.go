package sosmeta

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
)

// text imports a string: its pattern, length and accepted values, or the hashes
// of its fixed phrases.
func (im *importer) text(in *Instance, r Ref) (wireSpec, error) {
	w := wireSpec{Kind: kindLetters[String]}
	if err := allow(in, r, "minLength", "pattern", "enum"); err != nil {
		return w, err
	}
	im.annotations(in, r, &w)
	var err error
	if w.MinLength, err = count(in, in.Get(r, "minLength")); err != nil {
		return w, err
	}
	if p := in.Get(r, "pattern"); p != None {
		w.Pattern = in.Text(p)
		if _, err := newMatcher(w.Pattern); err != nil || w.Pattern == "" {
			return w, schemaError(in, p, "the pattern is not supported: %v", err)
		}
	}
	values, err := stringList(in, in.Get(r, "enum"))
	if err != nil {
		return w, err
	}
	if w.Representation == Phrase {
		im.phrases(in, r, values, &w)
		return w, nil
	}
	// An item that stands twice (1506.4018.2022.9.28 has one) says nothing more.
	for _, v := range values {
		if !slices.Contains(w.Accepted, v) {
			w.Accepted = append(w.Accepted, v)
		}
	}
	return w, nil
}

// phrases keeps hashes only: sentences of the definitions do not carry over.
func (im *importer) phrases(in *Instance, r Ref, values []string, w *wireSpec) {
	for _, v := range values {
		w.Phrases = append(w.Phrases, phraseHash(v))
	}
	list := in.Path(r, "sosmeta", "phrase")
	if list == None {
		return
	}
	for c := range in.Children(list) {
		h := phraseHash(in.Text(in.Get(c, "value")))
		if !slices.Contains(w.Phrases, h) && !slices.Contains(w.Alternatives, h) {
			w.Alternatives = append(w.Alternatives, h)
		}
	}
}

func phraseHash(s string) string {
	h := sha256.Sum256([]byte(s))
	return base64.RawStdEncoding.EncodeToString(h[:])
}

// stringList reads an array of strings; None is the empty list.
func stringList(in *Instance, r Ref) ([]string, error) {
	if r == None {
		return nil, nil
	}
	if in.Type(r) != TypeArray {
		return nil, schemaError(in, r, "expected an array of strings")
	}
	var out []string
	for c := range in.Children(r) {
		if in.Type(c) != TypeString {
			return nil, schemaError(in, c, "expected a string")
		}
		out = append(out, in.Text(c))
	}
	return out, nil
}

// annotations takes from a node's sosmeta object the facts that ship: name,
// representation, code system, identifier system, and whether only leaf codes are
// meant, which an implementation note says.
func (im *importer) annotations(in *Instance, r Ref, w *wireSpec) {
	meta := in.Get(r, "sosmeta")
	if meta == None {
		return
	}
	if fi, sv := nameOf(in, meta, "name"); fi != "" {
		w.Name = im.name(fi, sv)
	}
	rep, _ := nameOf(in, meta, "representation")
	w.Representation = Representation(rep)
	w.System = firstText(in, meta, "classificationOid")
	if !isOID(w.System) {
		w.System = "" // internal classifications carry a name in its place
	}
	w.SystemURI = firstText(in, meta, "systemUri")
	note, _ := nameOf(in, meta, "implementationNote")
	w.LeafOnly = w.Representation == Coded && strings.Contains(note, "lehtisolmu")
}

func (im *importer) name(fi, sv string) int32 {
	pair := [2]string{fi, sv}
	if i, ok := im.names[pair]; ok {
		return i
	}
	im.table.names = append(im.table.names, pair)
	i := int32(len(im.table.names)) // index + 1
	im.names[pair] = i
	return i
}

// nameOf reads a list [{lang, value}] and gives the first Finnish and Swedish text.
func nameOf(in *Instance, meta Ref, key string) (fi, sv string) {
	list := in.Get(meta, key)
	if list == None || in.Type(list) != TypeArray {
		return "", ""
	}
	for c := range in.Children(list) {
		v := strings.TrimSpace(in.Text(in.Get(c, "value")))
		switch in.Text(in.Get(c, "lang")) {
		case "fi":
			if fi == "" {
				fi = v
			}
		case "sv":
			if sv == "" {
				sv = v
			}
		}
	}
	return fi, sv
}

func firstText(in *Instance, meta Ref, key string) string {
	list := in.Get(meta, key)
	if list == None || in.Type(list) != TypeArray {
		return ""
	}
	for c := range in.Children(list) {
		return strings.TrimSpace(in.Text(in.Get(c, "value")))
	}
	return ""
}
