package xmldsig

import (
	"slices"
	"strings"

	"portti/internal/xmltree"
)

const xmlNamespace = "http://www.w3.org/XML/1998/namespace"

// baseFix is the value written for the apex's xml:base in place of its own.
type baseFix struct {
	attr  xmltree.Attr
	value string
}

// inheritAttrs adds the xml: attributes that an orphan apex takes over from its
// ancestors: all of them, nearest first, in Canonical XML 1.0 (2.4); xml:lang and
// xml:space, and xml:base by joining, in 1.1 (2.4).
func (wk *walker) inheritAttrs(n xmltree.Node) {
	for p := wk.t.Parent(n); p != xmltree.None && p != xmltree.Doc; p = wk.t.Parent(p) {
		first, end := wk.t.Attrs(p)
		for a := first; a < end; a++ {
			if wk.t.AttrSpace(a) == xmlNamespace && wk.inheritable(wk.t.AttrLocal(a)) && !wk.hasXMLAttr(wk.t.AttrLocal(a)) {
				wk.attrs = append(wk.attrs, a)
			}
		}
	}
	if wk.Algorithm == Inclusive11 {
		wk.joinBase(n)
	}
}

func (wk *walker) inheritable(local string) bool {
	return wk.Algorithm == Inclusive10 || local == "lang" || local == "space" || local == "base"
}

func (wk *walker) hasXMLAttr(local string) bool {
	return wk.xmlAttr(local) >= 0
}

// xmlAttr gives the index in wk.attrs of an xml: attribute, or -1.
func (wk *walker) xmlAttr(local string) int {
	return slices.IndexFunc(wk.attrs, func(a xmltree.Attr) bool {
		return wk.t.AttrSpace(a) == xmlNamespace && wk.t.AttrLocal(a) == local
	})
}

// joinBase gives the apex the xml:base that its left-out ancestors and itself
// amount to; an empty outcome is left out.
func (wk *walker) joinBase(n xmltree.Node) {
	i := wk.xmlAttr("base")
	if i < 0 {
		return
	}
	value := ""
	path := wk.ancestors(n)
	for j := len(path) - 1; j >= 0; j-- {
		if a, ok := wk.t.LookupAttr(path[j], xmlNamespace, "base"); ok {
			value = joinURI(value, wk.t.AttrValue(a))
		}
	}
	if value == "" {
		wk.attrs = slices.Delete(wk.attrs, i, i+1)
		return
	}
	wk.base = baseFix{wk.attrs[i], value}
}

// uriParts are the components of a URI reference (RFC 3986, 5.2.2).
type uriParts struct {
	scheme, authority, path, query  string
	hasScheme, hasAuthority, hasQry bool
}

func splitURI(s string) uriParts {
	var u uriParts
	s, _, _ = strings.Cut(s, "#") // a base has no fragment
	if hasScheme(s) {
		u.scheme, s, u.hasScheme = strings.Cut(s, ":")
	}
	if rest, ok := strings.CutPrefix(s, "//"); ok {
		u.hasAuthority = true
		i := strings.IndexAny(rest, "/?")
		if i < 0 {
			i = len(rest)
		}
		u.authority, s = rest[:i], rest[i:]
	}
	u.path, u.query, u.hasQry = strings.Cut(s, "?")
	return u
}

func (u uriParts) String() string {
	var b strings.Builder
	if u.hasScheme {
		b.WriteString(u.scheme + ":")
	}
	if u.hasAuthority {
		b.WriteString("//" + u.authority)
	}
	b.WriteString(u.path)
	if u.hasQry {
		b.WriteString("?" + u.query)
	}
	return b.String()
}

// joinURI resolves ref against base as Canonical XML 1.1 (2.4, appendix A) has
// it: RFC 3986, 5.2, without demanding a scheme of the base, keeping leading
// "../" of relative paths, and with "/" after a final "..".
func joinURI(base, ref string) string {
	if base == "" {
		return ref
	}
	if ref == "" {
		return splitURI(base).String()
	}
	b, r := splitURI(base), splitURI(ref)
	if strings.HasSuffix(b.path, "..") || b.path == "." || strings.HasSuffix(b.path, "/.") {
		b.path += "/"
	}
	switch {
	case r.hasScheme:
		r.path = removeDots(r.path)
		return r.String()
	case r.hasAuthority:
		r.path = removeDots(r.path)
	case r.path == "":
		r.path = b.path
		if !r.hasQry {
			r.query, r.hasQry = b.query, b.hasQry
		}
		r.authority, r.hasAuthority = b.authority, b.hasAuthority
	default:
		if !strings.HasPrefix(r.path, "/") {
			r.path = mergePaths(b, r.path)
		}
		r.path = removeDots(r.path)
		r.authority, r.hasAuthority = b.authority, b.hasAuthority
	}
	r.scheme, r.hasScheme = b.scheme, b.hasScheme
	return r.String()
}

func mergePaths(b uriParts, ref string) string {
	if b.hasAuthority && b.path == "" {
		return "/" + ref
	}
	return b.path[:strings.LastIndexByte(b.path, '/')+1] + ref
}

// removeDots takes "." and ".." segments and empty ones out of a path; ".." that
// have nothing to remove stay at the start of a relative path, and a last "." or
// ".." leaves a "/" (Canonical XML 1.1, 2.4).
func removeDots(path string) string {
	if path == "" {
		return ""
	}
	rooted := path[0] == '/'
	var out []string
	segs := strings.Split(path, "/")
	for i, s := range segs {
		switch {
		case s == "..":
			if len(out) > 0 && out[len(out)-1] != ".." {
				out = out[:len(out)-1]
			} else if !rooted {
				out = append(out, "..")
			}
		case s != "" && s != ".":
			out = append(out, s)
			continue
		}
		if i == len(segs)-1 && len(out) > 0 {
			out = append(out, "")
		}
	}
	s := strings.Join(out, "/")
	if rooted {
		return "/" + s
	}
	return s
}
