package pipeline

import (
	"context"
	"path/filepath"

	"portti/cda/codes"
	"portti/cda/sosmeta"
)

// StructuresDir and CodesDir give the folders of a data directory in which
// imported document structures and code systems are kept.
func StructuresDir(data string) string { return filepath.Join(data, "structures") }

// CodesDir: see StructuresDir.
func CodesDir(data string) string { return filepath.Join(data, "codes") }

// Load gives the judge what was imported into a data directory, beside what the
// program ships: structures, code systems, and what its archive knows of organisations. It must be called before the judge is used.
func (j *Judge) Load(data string) error {
	structures, err := sosmeta.Open(StructuresDir(data))
	if err != nil {
		return err
	}
	lists, err := codes.Open(CodesDir(data))
	if err != nil {
		return err
	}
	known := new(Organisations)
	if err := known.PeekOrganisations(context.Background(), data); err != nil {
		return err
	}
	j.Structures, j.Codes, j.Organisations = structures, lists, known
	return nil
}
