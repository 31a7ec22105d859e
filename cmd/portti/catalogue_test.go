package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"portti/cda"
	"portti/cda/codes"
	"portti/cda/frame"
	"portti/cda/rules"
	"portti/cda/rules/catalogue"
	"portti/cda/sosmeta"
	"portti/cda/xsd"
	"portti/gateway"
	"portti/gateway/access"
	"portti/gateway/fhir"
	"portti/gateway/pipeline"
	"portti/gateway/soap"
	"portti/gateway/validation"
	"portti/store"
	"portti/xmldsig"
	"portti/xmldsig/trust"
)

// named are the rules that each package says it can name.
func named() map[string][]string {
	return map[string][]string{
		"cda": cda.Rules(), "cda/codes": codes.Rules(), "cda/frame": frame.Rules(), "cda/rules": rules.Rules(), "cda/sosmeta": sosmeta.Rules(), "cda/xsd": xsd.Rules,
		"gateway": gateway.Rules, "gateway/access": access.Rules, "gateway/fhir": fhir.Rules, "gateway/pipeline": pipeline.Rules, "gateway/soap": soap.Rules, "gateway/validation": validation.Rules,
		"store": store.Rules, "xmldsig": xmldsig.Rules, "xmldsig/trust": trust.Rules,
	}
}

// TestNoRuleIsDeadAndNoneIsMissing: the catalogue holds exactly the rules that the
// packages can name, and each rule is named by one package.
func TestNoRuleIsDeadAndNoneIsMissing(t *testing.T) {
	by := map[string]string{}
	for pkg, ids := range named() {
		for _, id := range ids {
			if other := by[id]; other != "" {
				t.Errorf("%s is listed by %s and %s", id, other, pkg)
			}
			by[id] = pkg
			if catalogue.Default().Rule(id) == nil {
				t.Errorf("%s of %s is not in the catalogue", id, pkg)
			}
		}
	}
	for _, id := range catalogue.Default().IDs() {
		if by[id] == "" {
			t.Errorf("%s is in the catalogue, but no package names it", id)
		}
	}
}

var ruleForm = regexp.MustCompile(`^[A-Z0-9]+(-[A-Z0-9]+)+$`)

// TestEveryRuleConstantIsListed reads the sources: a constant of a rule that its
// package does not list would be missed by every other test.
func TestEveryRuleConstantIsListed(t *testing.T) {
	all := map[string]bool{}
	for _, ids := range named() {
		for _, id := range ids {
			all[id] = true
		}
	}
	found := 0
	for name, ids := range ruleConstants(t, filepath.Join("..", "..")) {
		for _, id := range ids {
			found++
			if !all[id] {
				t.Errorf("%s: %s is a rule's constant, but no package lists it", name, id)
			}
		}
	}
	if found < 200 {
		t.Errorf("only %d constants were found: does this test look in the right place?", found)
	}
}

// ruleConstants gives the values of constants named Rule… or rule… by file.
func ruleConstants(t *testing.T, root string) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := d.Name(); path != root && (strings.HasPrefix(base, ".") || base == "testdata" || base == "var" || base == "bin") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, src, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if g, ok := n.(*ast.GenDecl); ok && g.Tok == token.CONST {
				out[path] = append(out[path], constantsOf(g)...)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// constantsOf gives the rules among the constants of one declaration.
func constantsOf(g *ast.GenDecl) []string {
	var out []string
	for _, spec := range g.Specs {
		v, ok := spec.(*ast.ValueSpec)
		if !ok {
			continue
		}
		for i, name := range v.Names {
			if i >= len(v.Values) || !strings.HasPrefix(strings.ToLower(name.Name), "rule") {
				continue
			}
			if lit, ok := v.Values[i].(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if id, err := strconv.Unquote(lit.Value); err == nil && ruleForm.MatchString(id) {
					out = append(out, id)
				}
			}
		}
	}
	return out
}

// TestDocumentedAreasAreUsed: each area of the catalogue is some package's.
func TestDocumentedAreasAreUsed(t *testing.T) {
	used := map[string]bool{}
	for _, ids := range named() {
		for _, id := range ids {
			used[catalogue.AreaOf(id)] = true
		}
	}
	if slices.ContainsFunc(catalogue.Areas(), func(a catalogue.Area) bool { return !used[a.ID] }) {
		t.Error("an area has no rules")
	}
}
