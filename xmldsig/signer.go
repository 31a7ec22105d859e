package xmldsig

import (
	"strings"

	"portti/internal/xmltree"
)

// signerBlocks holds localSocialHeader/signature (allekirjoitustiedot), which
// tells readers who signed, against the certificates of those who did: the
// header is not covered by any signature (interface 5.3 no. 20, 7.6).
func (k *kanta) signerBlocks() {
	if !k.layout.social || len(k.items) == 0 {
		return
	}
	var blocks []xmltree.Node
	for c := range k.t.Children(k.layout.local) {
		if k.t.Is(c, nsFI, "signature") {
			blocks = append(blocks, c)
		}
	}
	signers, unread := k.professionals()
	if len(blocks) == 0 {
		if len(signers) > 0 {
			k.add(RuleSignerMissing, k.layout.local, "")
		}
		return
	}
	k.compareSigners(blocks, signers, unread)
}

// professionals gives the registration numbers of those who signed by a
// professional's signature, and whether one could not be read.
func (k *kanta) professionals() (numbers []string, unread bool) {
	for _, s := range k.verdict.Signatures {
		switch {
		case s.Type == 0 || (s.Type == TypeProfessional || s.Type == TypeMulti) && s.Signer == nil:
			unread = true
		case s.Type == TypeProfessional || s.Type == TypeMulti:
			numbers = append(numbers, s.Signer.Subject.SerialNumber)
		}
	}
	return numbers, unread
}

// compareSigners demands that every professional who signed is named, and that
// nobody is named who did not.
func (k *kanta) compareSigners(blocks []xmltree.Node, signers []string, unread bool) {
	named := make(map[string]bool, len(blocks))
	at := make([]xmltree.Node, 0, len(blocks))
	for _, b := range blocks {
		n := k.t.Child(b, nsFI, "assignedAuthorSigner")
		if n == xmltree.None {
			k.add(RuleSignerMissing, b, "")
			return
		}
		named[strings.TrimSpace(k.t.Text(n))] = true
		at = append(at, n)
	}
	signed := make(map[string]bool, len(signers))
	mismatch := false
	for _, s := range signers {
		if !named[s] && !signed[s] {
			k.add(RuleSignerMismatch, at[0], strings.TrimSpace(k.t.Text(at[0])))
			mismatch = true
		}
		signed[s] = true
	}
	if mismatch || unread {
		return
	}
	for _, n := range at {
		if number := strings.TrimSpace(k.t.Text(n)); !signed[number] {
			k.add(RuleSignerRedundant, n, number)
		}
	}
}
