package pipeline

import (
	"context"
	"fmt"
	"sync/atomic"

	"portti/cda/organisations"
	"portti/store"
)

// Organisations holds what is known of organisations, exchanged while the gateway
// runs. The zero value knows nothing. It is safe for concurrent use.
type Organisations struct {
	now atomic.Pointer[organisations.Directory]
}

// Directory gives the present state; nil where nothing is known.
func (o *Organisations) Directory() *organisations.Directory {
	if o == nil {
		return nil
	}
	return o.now.Load()
}

// Set makes a state the present one.
func (o *Organisations) Set(d *organisations.Directory) { o.now.Store(d) }

// DirectoryOf makes the state of the entries that an archive has in force; nil where
// there are none.
func DirectoryOf(entries []store.DirectoryEntry) (*organisations.Directory, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	var register *organisations.Register
	var joined organisations.Joined
	for _, e := range entries {
		var err error
		switch e.Kind {
		case store.DirectoryOrganisations:
			register, err = organisations.Decode(e.Content)
		case store.DirectorySystem:
			err = joined.AddSystem(e.Content)
		case store.DirectoryContract:
			err = joined.AddContract(e.Content)
		case store.DirectoryRegister:
			err = joined.AddRegister(e.Content)
		}
		if err != nil {
			return nil, fmt.Errorf("pipeline: %s %s: %w", e.Kind, e.Key, err)
		}
	}
	return organisations.NewDirectory(register, joined), nil
}

// LoadOrganisations takes the present state from an archive that is open.
func (o *Organisations) LoadOrganisations(ctx context.Context, st *store.Store) error {
	entries, err := st.Directory(ctx)
	if err != nil {
		return err
	}
	d, err := DirectoryOf(entries)
	if err == nil {
		o.Set(d)
	}
	return err
}

// PeekOrganisations takes the present state from the archive in a directory, which
// another process may be at work on.
func (o *Organisations) PeekOrganisations(ctx context.Context, dir string) error {
	entries, err := store.PeekDirectory(ctx, dir)
	if err != nil {
		return err
	}
	d, err := DirectoryOf(entries)
	if err == nil {
		o.Set(d)
	}
	return err
}
