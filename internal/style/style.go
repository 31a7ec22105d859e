// Package style is the one style sheet of everything that is shown as HTML: the
// gateway's pages, which link to it, and reports and lists that stand alone and carry
// it within. It names no file and no host, so that a page stays whole wherever it lies.
package style

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"html/template"
)

//go:embed style.css
var sheet string

// Sheet is the style sheet.
func Sheet() []byte { return []byte(sheet) }

// CSS is the style sheet for a page that carries it in a style element.
func CSS() template.CSS { return template.CSS(sheet) }

// Name is the sheet's name, which changes with its content.
func Name() string {
	sum := sha256.Sum256([]byte(sheet))
	return "style-" + hex.EncodeToString(sum[:8]) + ".css"
}

// Policy is the Content-Security-Policy of a page that stands alone: its own style, and
// nothing else that a browser could run or fetch.
func Policy() string {
	sum := sha256.Sum256([]byte(sheet))
	return "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Alone is the template "alone-head" with which a page that stands alone begins, and
// "alone-foot" with which it ends. The data of the first is a Head.
const Alone = `{{define "alone-head"}}<!DOCTYPE html>
<html lang="{{.Lang}}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{{.Policy}}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{{.Title}} – portti</title>
<style>{{.CSS}}</style>
</head>
<body>
<a class="skip" href="#main">{{.Skip}}</a>
<main id="main">
<h1>{{.Title}}</h1>
{{end}}{{define "alone-foot"}}</main>
{{with .Not}}<footer><p>{{.}}</p></footer>
{{end}}</body>
</html>
{{end}}`

// Head is what a page that stands alone begins and ends with.
type Head struct {
	// Lang is the page's language as HTML names it.
	Lang, Title string
	// Not says, in the page's language, what this program is not; "" says nothing.
	Not string
}

// Policy is the page's own policy.
func (Head) Policy() string { return Policy() }

// CSS is the page's style.
func (Head) CSS() template.CSS { return CSS() }

// Skip is the link past what stands before the content.
func (h Head) Skip() string {
	switch h.Lang {
	case "fi":
		return "Siirry sisältöön"
	case "sv":
		return "Gå till innehållet"
	}
	return "Skip to the content"
}
