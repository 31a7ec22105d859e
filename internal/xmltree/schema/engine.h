/*
 * The C side of package schema: libxml2's schema engine, compiled from memory and
 * driven by a stream of events that the Go side writes; one call per document.
 */
#ifndef PORTTI_SCHEMA_ENGINE_H
#define PORTTI_SCHEMA_ENGINE_H

#include <stdint.h>
#include <stddef.h>
#include <libxml/xmlschemas.h>

/*
 * The events, each a run of int32. Offsets count in the block of bytes; -1 stands
 * for NULL. Names are NUL-terminated; values and texts are not.
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
 * What came of a document. status: 0 valid, 1 faults, -1 the engine itself failed.
 * cut tells that the greatest number of faults was reached and the rest unread.
 * portti_release frees it.
 */
typedef struct {
	int status, cut;
	int32_t n;
	portti_fault *faults;
	char *notes;
} portti_result;

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

portti_result portti_validate(xmlSchemaPtr schema, const int32_t *ev, size_t nev,
	const char *block, const char *const *big, size_t maxPointers, int32_t maxFaults);

void portti_release(portti_result r);

#endif
