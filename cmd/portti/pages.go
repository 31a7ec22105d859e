package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"portti/fixtures"
	"portti/gateway"
	"portti/gateway/web"
)

// archivistConfig is an archivist in the configuration:
//
//	archivists:
//	  - card: "99900000101"                        # serialNumber of the card's certificate
//	    name: Arja Arkisto
//	    controllers: [1.2.246.10.99999901.10.0]    # whose registers
type archivistConfig struct {
	Card        string   `koanf:"card"`
	Name        string   `koanf:"name"`
	Controllers []string `koanf:"controllers"`
}

func (c *config) archivists() ([]web.Archivist, error) {
	var out []web.Archivist
	for i, a := range c.Archivists {
		if a.Card == "" || a.Name == "" || len(a.Controllers) == 0 {
			return nil, usage(fmt.Errorf("configuration: archivist %d lacks card, name or controllers", i+1), "each archivist has all three")
		}
		out = append(out, web.Archivist(a))
	}
	return out, nil
}

// oidc gives the login by OpenID Connect; nil where none is configured.
func (c *config) oidc() (*web.OIDC, error) {
	o := c.OIDC
	if o.Issuer == "" {
		return nil, nil
	}
	if o.Client == "" || o.SecretFile == "" || o.Redirect == "" {
		return nil, usage(errors.New("configuration: oidc lacks client, secret_file or redirect"), "oidc has issuer, client, secret_file and redirect")
	}
	secret, err := os.ReadFile(o.SecretFile)
	if err != nil {
		return nil, usage(fmt.Errorf("configuration: oidc: %w", err), "secret_file holds the client's secret")
	}
	return &web.OIDC{Issuer: o.Issuer, Client: o.Client, Secret: strings.TrimSpace(string(secret)), Redirect: o.Redirect, Mandates: o.Mandates}, nil
}

// demoPages gives the demo's gateway archivists, who may be chosen without a card from
// this machine, and the samples to download.
func (m *Main) demoPages(c *gateway.Config, w *fixtures.World, dir string) error {
	first, second := w.Organisations[0], w.Organisations[1]
	c.Archivists = []web.Archivist{
		{Card: "99900000101", Name: "Arja Arkisto (" + first.Title + ")", Controllers: []string{first.OID}},
		{Card: "99900000102", Name: "Bo Arkiv (" + second.Title + ")", Controllers: []string{second.OID}},
		{Card: "99900000103", Name: "Cilla Kaksi", Controllers: []string{first.OID, second.OID}},
	}
	c.DemoLogin = true
	world := filepath.Join(dir, "world")
	if _, err := os.Stat(world); err != nil {
		return system(errors.Join(errors.New("the demo world is not there"), err), "")
	}
	c.Samples = os.DirFS(world)
	return nil
}
