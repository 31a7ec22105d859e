// Package migrate empties an old client information system into an archive
// (requirements MIG-1 to MIG-3, PRO-4, DOC-1, META-1, SIG-1).
//
//	mapping.yaml ─┐
//	table, files ─┴─ Build ─→ journal (signed documents) ─ Push ─→ archive
//	                   │                                     │
//	                  Plan (the same, kept nowhere)         Report, Reconcile
//
// Build reads a table of metadata (CSV, XLSX, JSON lines) row by row with the
// files it names (folder, zip, tar), translates old classes to service tasks by
// the mapping (palvelutehtävien peilaus), and makes old documents (vanha
// asiakasasiakirja) with a system signature. Client relationships and cases that
// the documents need are made too. A row that cannot be taken is refused with a
// reason of reasons.yaml, which tells what to do.
//
// # Stopping
//
// Everything stands in one SQLite file, the journal: which row became what, which
// temporary identifier a client got, what the archive answered. Both Build and
// Push commit at least twice a second, go on where the journal ends, and may be
// killed at any moment. An id follows from the old system's own identifiers and
// the content, and a document's bytes are kept before they are first sent: what
// is sent again is the same to the archive, which answers as it did the first time.
//
// Rows that became no document are read anew when asked (BuildOptions.Again), once the
// mapping, the table or the files are mended; what was made stays as it is.
//
// # Memory
//
// Rows, files and bodies pass through in small numbers; lists live in the journal, and
// the list of a zip or tar in a table beside it.
//
// The journal and the reports hold clients' data: their directory is made for its
// owner alone.
package migrate
