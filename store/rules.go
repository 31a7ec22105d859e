package store

// The rules of the commit stage, as they stand in the catalogue's store.yaml.
// The paragraph is kanta-interface 10.3 unless said otherwise.
const (
	// RuleIDTaken: the document id cannot be used. Says nothing about who has it.
	RuleIDTaken = "STORE-ID-TAKEN"
	// RuleIDBytes: the sender's own controller has archived other bytes under the id.
	RuleIDBytes = "STORE-ID-BYTES"
	// RuleResendDiffers: the same document comes again with other frame facts.
	RuleResendDiffers = "STORE-RESEND-DIFFERS"
	// RuleSetFirst: version 1 whose setId is not its id.
	RuleSetFirst = "STORE-SET-FIRST"
	// RuleSetUnknown: a later version of a series that this controller does not have.
	RuleSetUnknown = "STORE-SET-UNKNOWN"
	// RuleParentFirst: version 1 that says it replaces a document.
	RuleParentFirst = "STORE-PARENT-FIRST"
	// RuleParentMissing: a later version that does not name the one it replaces.
	RuleParentMissing = "STORE-PARENT-MISSING"
	// RuleVersionNumber: the version number is not newest + 1.
	RuleVersionNumber = "STORE-VERSION-NUMBER"
	// RuleNotNewest: the replaced or nullified document is not the newest version.
	RuleNotNewest = "STORE-VERSION-NOT-NEWEST"
	// RuleNullified: the series is nullified and takes no versions.
	RuleNullified = "STORE-SERIES-NULLIFIED"
	// RuleClientDiffers: the new version is about other clients.
	RuleClientDiffers = "STORE-CLIENT-DIFFERS"
	// RuleGroupDiffers: the new version is of another document group.
	RuleGroupDiffers = "STORE-GROUP-DIFFERS"
	// RuleDocumentUnknown: the document to nullify is not this controller's.
	RuleDocumentUnknown = "STORE-DOCUMENT-UNKNOWN"
	// RuleDisposed: the series has been disposed of and takes no versions.
	RuleDisposed = "STORE-SERIES-DISPOSED"
	// RuleNoticeTaken: the id of a disclosure notice stands for other content.
	RuleNoticeTaken = "STORE-NOTICE-TAKEN"
	// RuleBusy: the archive cannot take it now; the same may be sent again.
	RuleBusy = "STORE-BUSY"
)

// Rules lists every rule that this package can emit.
var Rules = []string{
	RuleIDTaken, RuleIDBytes, RuleResendDiffers, RuleSetFirst, RuleSetUnknown,
	RuleParentFirst, RuleParentMissing, RuleVersionNumber, RuleNotNewest,
	RuleNullified, RuleClientDiffers, RuleGroupDiffers, RuleDocumentUnknown, RuleDisposed, RuleNoticeTaken, RuleBusy,
}
