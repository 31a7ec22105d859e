// Package libxml2judge asks libxml2 for a second opinion on a document: whether it
// is well-formed, and its canonical form. Only tests of package xmltree use it;
// bytes from outside never reach it in a running program.
package libxml2judge

/*
#cgo pkg-config: libxml-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/tree.h>
#include <libxml/c14n.h>
#include <libxml/xmlerror.h>

enum { most = 32 };

typedef struct {
	int wellFormed, nsWellFormed, line, dtd;
	int codes[most], count;
	xmlChar *canonical;
	int length;
	xmlBufferPtr tree;
} verdict;

// The type of the second parameter is const from libxml2 2.12 on; the cast takes both.
static void collect(void *ctx, void *err) {
	verdict *v = ctx;
	xmlErrorPtr e = err;
	if (e->level < XML_ERR_ERROR) return;
	if (v->count == 0) v->line = e->line;
	if (v->count < most) v->codes[v->count++] = e->code;
}
static void quiet(void *ctx, const char *msg, ...) { (void)ctx; (void)msg; }

static void mute(void *ctx, void *err) { (void)ctx; (void)err; }

// field writes a string with its length before it; NULL is the empty string.
static void field(xmlBufferPtr b, const xmlChar *s, int size) {
	char number[24];
	snprintf(number, sizeof number, "%d:", size);
	xmlBufferCCat(b, number);
	if (size > 0) xmlBufferAdd(b, s, size);
}

static void string(xmlBufferPtr b, const xmlChar *s) { field(b, s, s == NULL ? 0 : xmlStrlen(s)); }

static void name(xmlBufferPtr b, const char *tag, xmlNsPtr ns, const xmlChar *local) {
	xmlBufferCCat(b, tag);
	string(b, ns == NULL ? NULL : ns->prefix);
	string(b, ns == NULL ? NULL : ns->href);
	string(b, local);
}

static void start(xmlBufferPtr b, xmlNodePtr n) {
	name(b, "(", n->ns, n->name);
	for (xmlNsPtr ns = n->nsDef; ns != NULL; ns = ns->next) {
		xmlBufferCCat(b, "N");
		string(b, ns->prefix);
		string(b, ns->href);
	}
	for (xmlAttrPtr a = n->properties; a != NULL; a = a->next) {
		name(b, "A", a->ns, a->name);
		xmlChar *value = xmlNodeListGetString(n->doc, a->children, 1);
		string(b, value);
		if (value != NULL) xmlFree(value);
	}
}

// dump writes the tree without recursion. Texts and CDATA sections that touch are
// one run, as libxml2 joins some of them itself.
static xmlBufferPtr dump(xmlDocPtr d) {
	xmlBufferPtr b = xmlBufferCreate(), run = xmlBufferCreate();
	xmlNodePtr n = d->children;
	while (n != NULL) {
		int text = n->type == XML_TEXT_NODE || n->type == XML_CDATA_SECTION_NODE;
		if (text && n->content != NULL) xmlBufferCat(run, n->content);
		int last = n->next == NULL || (n->next->type != XML_TEXT_NODE && n->next->type != XML_CDATA_SECTION_NODE);
		if (text && last && xmlBufferLength(run) > 0) {
			xmlBufferCCat(b, "T");
			field(b, xmlBufferContent(run), xmlBufferLength(run));
			xmlBufferEmpty(run);
		}
		if (n->type == XML_COMMENT_NODE) {
			xmlBufferCCat(b, "C");
			string(b, n->content);
		} else if (n->type == XML_PI_NODE) {
			xmlBufferCCat(b, "P");
			string(b, n->name);
			string(b, n->content);
		} else if (n->type == XML_ELEMENT_NODE) {
			start(b, n);
			if (n->children != NULL) {
				n = n->children;
				continue;
			}
			xmlBufferCCat(b, ")");
		}
		while (n != NULL && n->next == NULL) {
			n = n->parent;
			if (n == NULL || n->type != XML_ELEMENT_NODE) {
				n = NULL;
				break;
			}
			xmlBufferCCat(b, ")");
		}
		if (n != NULL) n = n->next;
	}
	xmlBufferFree(run);
	return b;
}

static verdict judge(const char *doc, int size, int plain, int mode) {
	verdict v;
	memset(&v, 0, sizeof v);
	v.length = -1;
	// Handlers are kept by thread, so they are set at each call.
	xmlSetStructuredErrorFunc(&v, (xmlStructuredErrorFunc)collect);
	xmlSetGenericErrorFunc(NULL, quiet);
	xmlParserCtxtPtr c = xmlNewParserCtxt();
	if (c == NULL) return v;
	int options = XML_PARSE_NONET;
	if (plain) options |= XML_PARSE_HUGE | XML_PARSE_NOENT;
	xmlDocPtr d = xmlCtxtReadMemory(c, doc, size, NULL, NULL, options);
	v.wellFormed = d != NULL && c->wellFormed;
	v.nsWellFormed = c->nsWellFormed;
	v.dtd = d != NULL && d->intSubset != NULL;
	xmlSetStructuredErrorFunc(NULL, (xmlStructuredErrorFunc)mute);
	if (v.wellFormed) v.tree = dump(d);
	if (v.wellFormed && mode >= 0)
		v.length = xmlC14NDocDumpMemory(d, NULL, mode, NULL, 1, &v.canonical);
	if (d != NULL) xmlFreeDoc(d);
	xmlFreeParserCtxt(c);
	xmlSetStructuredErrorFunc(NULL, NULL);
	return v;
}

static void release(verdict v) {
	if (v.canonical != NULL) xmlFree(v.canonical);
	if (v.tree != NULL) xmlBufferFree(v.tree);
}
*/
import "C"

import (
	"sync"
	"unsafe"
)

// Verdict is what libxml2 says of a document.
type Verdict struct {
	// WellFormed and NamespaceWellFormed are its two verdicts.
	WellFormed, NamespaceWellFormed bool
	// Codes are its first errors (xmlParserErrors), Line is where the first was found.
	Codes []int
	Line  int
	// DTD tells of a document type declaration.
	DTD bool
	// Canonical is the canonical form (inclusive, version 1.0, with comments); nil
	// where the document is not well-formed or libxml2 makes none.
	Canonical []byte
	// Tree is everything it read: per element "(" and its name, "N" per namespace
	// declaration, "A" per attribute, its content, ")"; "T" per run of text and CDATA,
	// "C" per comment, "P" per instruction. A name is prefix, namespace and local part;
	// each string has its length and a colon before it. Nil where it is not well-formed.
	Tree []byte
}

// Accepted tells whether the document is well-formed with its namespaces.
func (v Verdict) Accepted() bool { return v.WellFormed && v.NamespaceWellFormed }

// Version is libxml2's version as it says itself, such as "20914".
func Version() string { return C.GoString(C.xmlParserVersion) }

var initOnce sync.Once

// Judge parses without network and without loading anything. For documents without a
// document type declaration, which the caller tells by plain, it lifts libxml2's own
// limits on depth and size, and has it expand the predefined entities: it would write
// an ampersand in a namespace name as a reference else.
func Judge(doc []byte, plain bool) Verdict {
	initOnce.Do(func() { C.xmlInitParser() })
	if len(doc) == 0 {
		return Verdict{}
	}
	p := C.int(0)
	if plain {
		p = 1
	}
	v := C.judge((*C.char)(unsafe.Pointer(&doc[0])), C.int(len(doc)), p, C.XML_C14N_1_0)
	defer C.release(v)
	out := Verdict{
		WellFormed: v.wellFormed != 0, NamespaceWellFormed: v.nsWellFormed != 0,
		Line: int(v.line), DTD: v.dtd != 0,
	}
	for _, c := range v.codes[:v.count] {
		out.Codes = append(out.Codes, int(c))
	}
	if v.length >= 0 {
		out.Canonical = C.GoBytes(unsafe.Pointer(v.canonical), v.length)
	}
	if v.tree != nil {
		out.Tree = C.GoBytes(unsafe.Pointer(C.xmlBufferContent(v.tree)), C.xmlBufferLength(v.tree))
	}
	return out
}
