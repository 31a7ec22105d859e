// Package store is the archive: documents with their exact bytes, version
// series, the metadata index, the logs and the integrity leaves, all in one
// embedded SQLite file in a data directory that one process owns.
//
// # Writing
//
// One goroutine writes. Calls queue; those that queue up while a commit is on
// its way to the disk share the next one (group commit). Archive, Nullify, Log
// and LogMessage return only after the COMMIT that holds their rows has returned
// from fsync: an answer given to a sender after that is a promise kept. Version
// conflicts are judged in the writer, so of two parallel new versions exactly one
// wins.
//
// What the archive does not take is an Outcome with findings, not an error: the
// attempt has been logged just as durably. An error means that the archive could
// not do its work (see Error and its kinds); whether the document is in the
// archive is then unknown to the caller only for the kinds that tell so, and
// sending again does no harm.
//
// # Reading
//
// Reads run on their own connections against a snapshot and never wait for the
// writer. Every read takes a Scope; what lies outside is not there (ErrNotFound).
// A document's bytes are checked against their SHA-256 on every read.
//
// # Personal data
//
// Identity codes, names and user ids come in plain and go into index and log
// columns only as HMAC-SHA-256 (its first 16 bytes) under the key in the file
// index.key beside the database, so they can be found by exact match only. The
// plain text stands in payloads, each of which names its codec in its first byte. In
// an encrypted archive payloads are sealed with AES-256-GCM (seal.go) under data keys
// for each controller, which a master key outside the data directory wraps.
//
// # Organisations
//
// What is known of organisations (the national register, joined systems, contracts,
// registers of controllers) stands in a directory whose entries have versions. The
// present controller and register of a series stand in series alone and change only
// by a transfer: planned, then applied in small commits, in the logs of both
// controllers and in the series' history. Documents keep what they came with.
//
// # Logs and the life of data
//
// SearchUsage and SearchDisclosures read the logs a page at a time; whoever shows what
// they give logs the look first. Purge ends the retention of log rows (12 years; of
// the message log 30 days) by a deed on record. Start events of retention periods
// (RecordEvents, and what documents tell), legal holds (AddHold) and reviewed runs
// (BeginDisposal) stand in append-only tables with leaves; Dispose judges a document
// once more in the transaction that destroys it. How long what is kept is package
// retention's. File keeps disclosure notices that came as FHIR bundles.
//
// # Walls
//
// Documents, logs and leaves are append-only by triggers. Content goes only where
// a disposal tombstone stands, log rows only behind a recorded purge. The package
// knows no CDA and no XML: a caller hands in named fields (Index) and bytes.
package store
