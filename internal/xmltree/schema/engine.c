#include "engine.h"

#include <stdlib.h>
#include <string.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>
#include <libxml/xmlIO.h>

/* ---- files: libxml2 sees ours, while one of ours is compiled, and no other ---- */

typedef struct {
	char **names, **data;
	int *sizes, n;
} files;

static __thread const files *open_files;
static long refused;

static const char *last_segment(const char *url) {
	const char *slash = strrchr(url, '/');
	return slash == NULL ? url : slash + 1;
}

static xmlParserInputPtr load(const char *url, const char *id, xmlParserCtxtPtr ctxt) {
	(void)id;
	if (open_files != NULL && url != NULL) {
		for (int i = 0; i < open_files->n; i++) {
			if (strcmp(open_files->names[i], last_segment(url)) != 0) continue;
			xmlParserInputBufferPtr b = xmlParserInputBufferCreateMem(
				open_files->data[i], open_files->sizes[i], XML_CHAR_ENCODING_NONE);
			if (b == NULL) return NULL;
			xmlParserInputPtr in = xmlNewIOInputStream(ctxt, b, XML_CHAR_ENCODING_NONE);
			if (in == NULL) {
				xmlFreeParserInputBuffer(b);
				return NULL;
			}
			in->filename = (char *)xmlStrdup((const xmlChar *)url);
			return in;
		}
	}
	__atomic_add_fetch(&refused, 1, __ATOMIC_RELAXED);
	return NULL;
}

static void quiet(void *ctx, const char *msg, ...) { (void)ctx; (void)msg; }

void portti_init(void) {
	xmlInitParser();
	xmlSetExternalEntityLoader(load);
}

long portti_refused(void) { return __atomic_load_n(&refused, __ATOMIC_RELAXED); }

/* ---- compiling ---- */

typedef struct {
	char *text;
	size_t size;
	int failed;
} reason;

/* The error's type is const from libxml2 2.12 on; the casts below take both. */
static void on_compile_error(void *ctx, void *error) {
	reason *r = ctx;
	xmlErrorPtr e = error;
	if (e->level < XML_ERR_ERROR || r->failed) return;
	r->failed = 1;
	if (e->message != NULL && r->size > 0) {
		strncpy(r->text, e->message, r->size - 1);
		r->text[r->size - 1] = 0;
	}
}

xmlSchemaPtr portti_compile(char **names, char **data, int *sizes, int n,
	const char *url, char *err, size_t errSize) {
	files f = { names, data, sizes, n };
	reason why = { err, errSize, 0 };
	xmlSchemaPtr s = NULL;
	if (errSize > 0) err[0] = 0;
	open_files = &f;
	xmlSetGenericErrorFunc(NULL, quiet);
	xmlSchemaParserCtxtPtr p = xmlSchemaNewParserCtxt(url);
	if (p != NULL) {
		xmlSchemaSetParserStructuredErrors(p, (xmlStructuredErrorFunc)on_compile_error, &why);
		s = xmlSchemaParse(p);
		xmlSchemaFreeParserCtxt(p);
	}
	open_files = NULL;
	xmlResetLastError();
	if (s != NULL && why.failed) {
		xmlSchemaFree(s);
		s = NULL;
	}
	return s;
}

/* ---- validating ---- */

/* An element that has not ended. */
typedef struct {
	int32_t node, local, space;
} element;

typedef struct portti_run {
	xmlSchemaValidCtxtPtr v;
	xmlSAXHandlerPtr sax;
	void *data;
	xmlSchemaSAXPlugPtr plug;

	const int32_t *start; /* the START event at work, or NULL */
	element *open;
	size_t depth, deepest;
	const char *names, *block;
	const xmlChar **ptr; /* the lists of a START, as libxml2 wants them */
	size_t nptr;
	int32_t node, phase, max;
	int broken;
	portti_result out;
	size_t nnotes, cnotes;
} run;

/* text passes over a constant and gives what follows, or NULL. */
static const char *text(const char *p, const char *want) {
	size_t n = strlen(want);
	return p != NULL && strncmp(p, want, n) == 0 ? p + n : NULL;
}

/* qname passes over a name as the engine writes it: {space}local. */
static const char *qname(const char *p, const run *r, int32_t space, int32_t local) {
	if (space >= 0) {
		p = text(p, "{");
		p = text(p, r->names + space);
		p = text(p, "}");
	}
	return text(p, r->names + local);
}

/*
 * attribute tells which attribute of the element at work a message is about. The
 * message begins with names out of the document, so it is compared with what these
 * names must make of it, never searched.
 */
static int32_t attribute(const run *r, const char *msg) {
	if (r->start == NULL || msg == NULL) return -1;
	const int32_t *e = r->start;
	const char *p = text(msg, "Element '");
	p = qname(p, r, e[3], e[2]);
	p = text(p, "', attribute '");
	if (p == NULL) return -1;
	const int32_t *a = e + EV_HEAD + 2 * e[4];
	for (int32_t i = 0; i < e[5]; i++, a += 4)
		if (text(qname(p, r, a[1], a[0]), "': ") != NULL) return i;
	return -1;
}

/*
 * keep copies at most max bytes to the notes, the last ones where last is set. What a
 * fault before this one kept (at, len) is not copied again: of a thousand faults most
 * say the same.
 */
static void keep(run *r, const char *s, size_t max, int last, int32_t *at, int32_t *len) {
	if (s == NULL) {
		*at = *len = 0;
		return;
	}
	size_t n = strlen(s);
	if (n > max) {
		if (last) s += n - max;
		n = max;
	}
	if (n == (size_t)*len && memcmp(r->out.notes + *at, s, n) == 0) return;
	*at = *len = 0;
	if (r->nnotes + n > r->cnotes) {
		size_t c = 2 * r->cnotes + n + 1024;
		char *b = realloc(r->out.notes, c);
		if (b == NULL) {
			r->broken = 1;
			return;
		}
		r->out.notes = b;
		r->cnotes = c;
	}
	memcpy(r->out.notes + r->nnotes, s, n);
	*at = (int32_t)r->nnotes;
	*len = (int32_t)n;
	r->nnotes += n;
}

static void on_fault(void *ctx, void *error) {
	run *r = ctx;
	xmlErrorPtr e = error;
	if (e->level < XML_ERR_ERROR) return;
	if (e->code == XML_SCHEMAV_INTERNAL || e->domain != XML_FROM_SCHEMASV || e->code < XML_SCHEMAV_NOROOT) {
		r->broken = 1;
		return;
	}
	if (r->out.n >= r->max) {
		r->out.cut = 1;
		return;
	}
	if ((r->out.n & (r->out.n - 1)) == 0) { /* full at every power of two */
		int32_t c = r->out.n == 0 ? 1 : 2 * r->out.n;
		portti_fault *f = realloc(r->out.faults, (size_t)c * sizeof *f);
		if (f == NULL) {
			r->broken = 1;
			return;
		}
		r->out.faults = f;
	}
	portti_fault *f = &r->out.faults[r->out.n];
	portti_fault none = { 0 };
	*f = r->out.n > 0 ? f[-1] : none;
	r->out.n++;
	f->node = r->node;
	f->code = e->code;
	f->phase = r->phase;
	f->attr = attribute(r, e->message);
	/* Of a missing attribute the name is the first string, of a facet the second. */
	keep(r, e->code == XML_SCHEMAV_CVC_COMPLEX_TYPE_4 ? e->str1 : e->str2, 2000, 0, &f->note, &f->noteLen);
	/* The message's end is asked of faults of a built-in type alone. */
	int32_t code = e->code;
	keep(r, code >= XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_1 && code <= XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_3 ? e->message : NULL,
		160, 1, &f->tail, &f->tailLen);
}

static const xmlChar *at(const char *bytes, int32_t off) {
	return off < 0 ? NULL : (const xmlChar *)bytes + off;
}

/* enter makes e the element at work. */
static void enter(run *r, const int32_t *e) {
	if (r->depth == r->deepest) {
		size_t n = 2 * r->deepest + 64;
		element *o = realloc(r->open, n * sizeof *o);
		if (o == NULL) {
			r->broken = 1;
			return;
		}
		r->open = o;
		r->deepest = n;
	}
	element in = { e[1], e[2], e[3] };
	r->open[r->depth++] = in;
	r->node = e[1];
}

/*
 * start feeds one START event and gives the place after it. libxml2 does not look at
 * prefixes of elements and attributes.
 */
static const int32_t *start(run *r, const int32_t *e) {
	int32_t nns = e[4], nattrs = e[5];
	const int32_t *x = e + EV_HEAD;
	const xmlChar **p = r->ptr;
	for (int32_t i = 0; i < nns; i++, x += 2) {
		*p++ = at(r->names, x[0]);
		*p++ = at(r->names, x[1]);
	}
	const xmlChar **attrs = p;
	for (int32_t i = 0; i < nattrs; i++, x += 4) {
		*p++ = at(r->names, x[0]);
		*p++ = NULL;
		*p++ = at(r->names, x[1]);
		*p++ = at(r->block, x[2]);
		*p++ = at(r->block, x[3]);
	}
	enter(r, e);
	r->start = e;
	r->phase = EV_START;
	r->sax->startElementNs(r->data, at(r->names, e[2]), NULL, at(r->names, e[3]), nns, r->ptr, nattrs, 0, attrs);
	r->start = NULL;
	return x;
}

static void end(run *r) {
	if (r->depth == 0) {
		r->broken = 1;
		return;
	}
	element e = r->open[--r->depth];
	r->phase = EV_END;
	r->sax->endElementNs(r->data, at(r->names, e.local), NULL, at(r->names, e.space));
	r->node = r->depth > 0 ? r->open[r->depth - 1].node : -1;
}

static void walk(run *r, const int32_t *ev, const int32_t *stop, const char *const *big) {
	while (ev < stop && !r->broken && !r->out.cut) {
		switch (ev[0]) {
		case EV_START:
			ev = start(r, ev);
			break;
		case EV_TEXT:
		case EV_BIG:
			r->phase = ev[0];
			r->sax->characters(r->data,
				ev[0] == EV_TEXT ? at(r->block, ev[1]) : (const xmlChar *)big[ev[1]], ev[2]);
			ev += 3;
			break;
		case EV_END:
			end(r);
			ev++;
			break;
		default:
			r->broken = 1;
		}
	}
}

portti_run *portti_begin(xmlSchemaPtr schema, int32_t maxFaults) {
	run *r = calloc(1, sizeof *r);
	if (r == NULL) return NULL;
	r->max = maxFaults;
	r->node = -1;
	r->v = xmlSchemaNewValidCtxt(schema);
	if (r->v != NULL) {
		xmlSchemaSetValidStructuredErrors(r->v, (xmlStructuredErrorFunc)on_fault, r);
		r->plug = xmlSchemaSAXPlug(r->v, &r->sax, &r->data);
	}
	r->broken = r->plug == NULL;
	return r;
}

/* room makes place for the lists of a START. */
static void room(run *r, size_t n) {
	if (n <= r->nptr) return;
	const xmlChar **p = realloc(r->ptr, n * sizeof *p);
	if (p == NULL) {
		r->broken = 1;
		return;
	}
	r->ptr = p;
	r->nptr = n;
}

portti_result portti_feed(portti_run *r, const int32_t *ev, size_t nev, const char *names,
	const char *block, const char *const *big, size_t maxPointers) {
	/* The thread may be another one than before. */
	xmlSetGenericErrorFunc(NULL, quiet);
	room(r, maxPointers + 1);
	r->names = names;
	r->block = block;
	walk(r, ev, ev + nev, big);
	r->block = NULL;
	/* The thread's last error holds values of the document. */
	xmlResetLastError();
	r->out.status = r->broken ? -1 : 0;
	return r->out;
}

portti_result portti_end(portti_run *r) {
	int valid = r->plug == NULL ? -1 : xmlSchemaIsValid(r->v);
	r->out.status = -1;
	if (!r->broken && valid == 1 && r->out.n == 0) r->out.status = 0;
	if (!r->broken && valid == 0 && r->out.n > 0) r->out.status = 1;
	return r->out;
}

void portti_free(portti_run *r) {
	if (r->plug != NULL) xmlSchemaSAXUnplug(r->plug);
	if (r->v != NULL) xmlSchemaFreeValidCtxt(r->v);
	free(r->ptr);
	free(r->open);
	free(r->out.faults);
	free(r->out.notes);
	free(r);
	xmlResetLastError();
}
