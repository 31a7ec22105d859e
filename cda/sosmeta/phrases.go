package sosmeta

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Phrases reads the originals of the fixed phrases from a folder of THL's JSON
// Schemas, for Generate. They are not kept anywhere.
func Phrases(dir string) (map[Hash]string, error) {
	fsys := os.DirFS(dir)
	files, err := schemaFiles(fsys)
	if err != nil {
		return nil, err
	}
	out := make(map[Hash]string)
	for _, name := range files {
		src, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		rep := Decode(src, Options{Limits: Limits{Bytes: maxSchema, Depth: 200, Values: 1 << 21}})
		if rep.Broken() {
			return nil, fmt.Errorf("sosmeta: %s: %w", name, errors.New("not sound JSON"))
		}
		collectPhrases(rep.Instance, out)
	}
	return out, nil
}

func collectPhrases(in *Instance, out map[Hash]string) {
	for i := range in.values {
		r := Ref(i)
		if in.Type(r) != TypeObject {
			continue
		}
		rep, _ := nameOf(in, in.Get(r, "sosmeta"), "representation")
		if Representation(rep) != Phrase {
			continue
		}
		values, err := stringList(in, in.Get(r, "enum"))
		if err != nil {
			continue
		}
		for _, v := range values {
			out[sha256.Sum256([]byte(v))] = v
		}
	}
}
