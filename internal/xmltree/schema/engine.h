/*
 * The C side of package schema: libxml2's schema engine, compiled from memory and
 * driven by a stream of events that the Go side writes, a part of a document a call.
 */
#ifndef PORTTI_SCHEMA_ENGINE_H
#define PORTTI_SCHEMA_ENGINE_H

#include <stdint.h>
#include <stddef.h>
#include <libxml/xmlschemas.h>

/*
 * The events, each a run of int32. Names, NUL-terminated, are told by their offsets
 * in the names, -1 standing for NULL; values and texts by offsets in the block of the
 * part. libxml2 keeps pointers to names: they stay where they are until portti_end.
 *
 *   START node local space nns nattrs
 *         { prefix space } * nns
 *         { local space begin end } * nattrs
 *   TEXT  begin length        text inside the block
 *   BIG   index length        text outside it, by its place in the list
 *   END                       of the last START that has not ended
 */
enum { EV_START = 1, EV_TEXT = 2, EV_BIG = 3, EV_END = 4, EV_HEAD = 6 };

/*
 * A fault. attr is the attribute's place among those of the START event, or -1.
 * phase is the event during which it came. note and tail are ranges of the notes:
 * what the engine says of the schema's side (facet, missing name), and the end of
 * its message.
 */
typedef struct {
	int32_t node, code, attr, phase;
	int32_t note, noteLen, tail, tailLen;
} portti_fault;

/*
 * What has come of a document so far. status: 0 valid, 1 faults, -1 the engine itself
 * failed; before portti_end it says no more than -1 or not. cut tells that the
 * greatest number of faults was reached and the rest is unread. What it points to is
 * the run's.
 */
typedef struct {
	int status, cut;
	int32_t n;
	portti_fault *faults;
	char *notes;
} portti_result;

/* A document at work. */
typedef struct portti_run portti_run;

/* Sets libxml2 up for the process: from here on it opens nothing by itself. */
void portti_init(void);

/* How often libxml2 wanted to open something that is not a schema of ours. */
long portti_refused(void);

/*
 * Compiles the schema named url out of n files in memory. On failure NULL, and the
 * reason in err.
 */
xmlSchemaPtr portti_compile(char **names, char **data, int *sizes, int n,
	const char *url, char *err, size_t errSize);

/* Begins a document, of which maxFaults faults are told; NULL where memory lacks. */
portti_run *portti_begin(xmlSchemaPtr schema, int32_t maxFaults);

/* Feeds whole events. A START may need maxPointers pointers. */
portti_result portti_feed(portti_run *r, const int32_t *ev, size_t nev, const char *names,
	const char *block, const char *const *big, size_t maxPointers);

/* Ends a document; its result lives until portti_free. */
portti_result portti_end(portti_run *r);

void portti_free(portti_run *r);

#endif
