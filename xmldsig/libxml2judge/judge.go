// Package libxml2judge asks libxml2 for canonical forms of documents and
// elements, as a second opinion in tests of package xmldsig. Only tests use it;
// bytes from outside never reach it in a running program.
package libxml2judge

/*
#cgo pkg-config: libxml-2.0
#include <stdlib.h>
#include <string.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/c14n.h>
#include <libxml/xmlerror.h>

// The type of the second parameter is const from libxml2 2.12 on; the cast takes both.
static void quiet(void *ctx, void *err) { (void)ctx; (void)err; }
static void quietGeneric(void *ctx, const char *msg, ...) { (void)ctx; (void)msg; }

static xmlDocPtr parse(const char *doc, int size) {
	xmlSetStructuredErrorFunc(NULL, (xmlStructuredErrorFunc)quiet);
	xmlSetGenericErrorFunc(NULL, quietGeneric);
	return xmlReadMemory(doc, size, NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_HUGE);
}

// nth gives the element with that number in document order.
static xmlNodePtr nth(xmlNodePtr n, int *left) {
	for (; n != NULL; n = n->next) {
		if (n->type != XML_ELEMENT_NODE) continue;
		if ((*left)-- == 0) return n;
		xmlNodePtr found = nth(n->children, left);
		if (found != NULL) return found;
	}
	return NULL;
}

typedef struct { xmlNodePtr apex, exclude; } subset;

// visible is asked for nodes, attributes and namespace nodes with their parent.
static int visible(void *data, xmlNodePtr node, xmlNodePtr parent) {
	subset *s = data;
	xmlNodePtr p = node->type == XML_NAMESPACE_DECL ? parent : node;
	int in = s->apex == NULL;
	for (; p != NULL; p = p->parent) {
		if (p == s->exclude) return 0;
		if (p == s->apex) in = 1;
	}
	return in;
}

// canonical gives the length of out, or -1.
static int canonical(xmlDocPtr d, int apex, int exclude, int mode, int comments, xmlChar **prefixes, char **out) {
	subset s = {NULL, NULL};
	int left;
	if (apex >= 0) { left = apex; s.apex = nth(d->children, &left); }
	if (exclude >= 0) { left = exclude; s.exclude = nth(d->children, &left); }
	xmlOutputBufferPtr buf = xmlAllocOutputBuffer(NULL);
	int ok;
	if (apex < 0 && exclude < 0) ok = xmlC14NExecute(d, NULL, NULL, mode, prefixes, comments, buf);
	else ok = xmlC14NExecute(d, visible, &s, mode, prefixes, comments, buf);
	int n = -1;
	if (ok >= 0) {
		n = (int)xmlOutputBufferGetSize(buf);
		*out = malloc(n + 1);
		memcpy(*out, xmlOutputBufferGetContent(buf), n);
	}
	xmlOutputBufferClose(buf);
	return n;
}

static xmlChar **newList(int n) { return calloc(n + 1, sizeof(xmlChar *)); }
static void setList(xmlChar **l, int i, char *s) { l[i] = (xmlChar *)s; }
static void freeList(xmlChar **l) { for (int i = 0; l[i]; i++) free(l[i]); free(l); }
*/
import "C"

import (
	"runtime"
	"unsafe"
)

// Modes of canonicalization.
const (
	Inclusive10 = C.XML_C14N_1_0
	Exclusive10 = C.XML_C14N_EXCLUSIVE_1_0
	Inclusive11 = C.XML_C14N_1_1
)

// Doc is a parsed document. Close it.
type Doc struct{ d C.xmlDocPtr }

// Parse parses src; nil where libxml2 refuses it.
func Parse(src []byte) *Doc {
	if len(src) == 0 {
		return nil
	}
	runtime.LockOSThread() // handlers of messages are kept by thread
	defer runtime.UnlockOSThread()
	d := C.parse((*C.char)(unsafe.Pointer(&src[0])), C.int(len(src)))
	if d == nil {
		return nil
	}
	return &Doc{d}
}

// Close frees the document.
func (d *Doc) Close() { C.xmlFreeDoc(d.d) }

// Canonical gives the canonical form of the apex-th element in document order
// (-1: the document), without the exclude-th element (-1: none); false where
// libxml2 makes none.
func (d *Doc) Canonical(apex, exclude, mode int, comments bool, prefixes []string) ([]byte, bool) {
	var list **C.xmlChar
	if len(prefixes) > 0 {
		list = C.newList(C.int(len(prefixes)))
		defer C.freeList(list)
		for i, p := range prefixes {
			C.setList(list, C.int(i), C.CString(p))
		}
	}
	with := C.int(0)
	if comments {
		with = 1
	}
	var out *C.char
	n := C.canonical(d.d, C.int(apex), C.int(exclude), C.int(mode), with, list, &out)
	if n < 0 {
		return nil, false
	}
	defer C.free(unsafe.Pointer(out))
	return C.GoBytes(unsafe.Pointer(out), n), true
}
