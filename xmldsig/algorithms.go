package xmldsig

import (
	"crypto"
	_ "crypto/sha1" // legacy switch only
	_ "crypto/sha256"
	_ "crypto/sha512"
)

// Namespaces.
const (
	nsHL7  = "urn:hl7-org:v3"
	nsFI   = "urn:hl7finland"
	nsDSig = "http://www.w3.org/2000/09/xmldsig#"
	nsExc  = "http://www.w3.org/2001/10/xml-exc-c14n#"
)

// Algorithm identifiers of XML Signature that are named in what we write.
const (
	AlgExcC14N     = nsExc
	AlgC14N10      = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
	AlgC14N11      = "http://www.w3.org/2006/12/xml-c14n11"
	AlgEnveloped   = nsDSig + "enveloped-signature"
	AlgSHA256      = "http://www.w3.org/2001/04/xmlenc#sha256"
	AlgSHA384      = "http://www.w3.org/2001/04/xmldsig-more#sha384"
	AlgSHA512      = "http://www.w3.org/2001/04/xmlenc#sha512"
	AlgRSASHA256   = more01 + "rsa-sha256"
	AlgRSASHA384   = more01 + "rsa-sha384"
	AlgRSASHA512   = more01 + "rsa-sha512"
	AlgECDSASHA256 = more01 + "ecdsa-sha256"
	AlgECDSASHA384 = more01 + "ecdsa-sha384"
	AlgECDSASHA512 = more01 + "ecdsa-sha512"
	AlgPSSSHA256   = more07 + "sha256-rsa-MGF1"
	AlgPSSSHA384   = more07 + "sha384-rsa-MGF1"
	AlgPSSSHA512   = more07 + "sha512-rsa-MGF1"

	algBase64 = nsDSig + "base64"
	algRSAPSS = more07 + "rsa-pss"
	algMGF1   = more07 + "MGF1"

	algSHA1      = nsDSig + "sha1"
	algRSASHA1   = nsDSig + "rsa-sha1"
	algECDSASHA1 = more01 + "ecdsa-sha1"

	more01 = "http://www.w3.org/2001/04/xmldsig-more#"
	more07 = "http://www.w3.org/2007/05/xmldsig-more#"
)

// scheme is the mathematics of a signature method.
type scheme uint8

const (
	rsaPKCS1 scheme = iota + 1
	rsaPSS
	ecdsaRaw // r and s side by side (XML Signature 1.1, 6.4.3)
)

// method is a signature algorithm on the allow-list.
type method struct {
	scheme scheme
	hash   crypto.Hash
}

// methods is the allow-list of signature algorithms. SHA-1 stands apart: see
// legacyMethods.
var methods = map[string]method{
	AlgRSASHA256:   {rsaPKCS1, crypto.SHA256},
	AlgRSASHA384:   {rsaPKCS1, crypto.SHA384},
	AlgRSASHA512:   {rsaPKCS1, crypto.SHA512},
	AlgPSSSHA256:   {rsaPSS, crypto.SHA256},
	AlgPSSSHA384:   {rsaPSS, crypto.SHA384},
	AlgPSSSHA512:   {rsaPSS, crypto.SHA512},
	AlgECDSASHA256: {ecdsaRaw, crypto.SHA256},
	AlgECDSASHA384: {ecdsaRaw, crypto.SHA384},
	AlgECDSASHA512: {ecdsaRaw, crypto.SHA512},
}

// legacyMethods are taken with the explicit switch only (interface 7.5).
var legacyMethods = map[string]method{
	algRSASHA1:   {rsaPKCS1, crypto.SHA1},
	algECDSASHA1: {ecdsaRaw, crypto.SHA1},
}

// refusedMethods names why a known signature algorithm is refused.
var refusedMethods = map[string]string{
	algRSASHA1:               RuleAlgorithmSHA1,
	algECDSASHA1:             RuleAlgorithmSHA1,
	more07 + "sha1-rsa-MGF1": RuleAlgorithmSHA1,
	more01 + "rsa-md5":       RuleAlgorithmMD5,
	more07 + "md5-rsa-MGF1":  RuleAlgorithmMD5,
	nsDSig + "dsa-sha1":      RuleAlgorithmDSA,
	"http://www.w3.org/2009/xmldsig11#dsa-sha256": RuleAlgorithmDSA,
	nsDSig + "hmac-sha1":                          RuleAlgorithmHMAC,
	more01 + "hmac-md5":                           RuleAlgorithmHMAC,
	more01 + "hmac-sha224":                        RuleAlgorithmHMAC,
	more01 + "hmac-sha256":                        RuleAlgorithmHMAC,
	more01 + "hmac-sha384":                        RuleAlgorithmHMAC,
	more01 + "hmac-sha512":                        RuleAlgorithmHMAC,
	more01 + "hmac-ripemd160":                     RuleAlgorithmHMAC,
}

// methodOf finds a signature algorithm, or the rule that refuses it.
func methodOf(uri string, legacy bool) (m method, rule string) {
	if m, ok := methods[uri]; ok {
		return m, ""
	}
	if m, ok := legacyMethods[uri]; ok && legacy {
		return m, ""
	}
	if rule := refusedMethods[uri]; rule != "" {
		return method{}, rule
	}
	return method{}, RuleAlgorithmUnknown
}

// digestOf finds a digest algorithm, or the rule that refuses it.
func digestOf(uri string, legacy bool) (h crypto.Hash, rule string) {
	switch uri {
	case AlgSHA256:
		return crypto.SHA256, ""
	case AlgSHA384:
		return crypto.SHA384, ""
	case AlgSHA512:
		return crypto.SHA512, ""
	case algSHA1:
		if legacy {
			return crypto.SHA1, ""
		}
		return 0, RuleAlgorithmSHA1
	case more01 + "md5":
		return 0, RuleAlgorithmMD5
	}
	return 0, RuleDigestUnknown
}

// canonicalizers are the canonicalizations that the policy generic takes.
var canonicalizers = map[string]Canonicalizer{
	AlgExcC14N:                  {Algorithm: Exclusive10},
	AlgExcC14N + "WithComments": {Algorithm: Exclusive10, Comments: true},
	AlgC14N10:                   {Algorithm: Inclusive10},
	AlgC14N10 + "#WithComments": {Algorithm: Inclusive10, Comments: true},
	AlgC14N11:                   {Algorithm: Inclusive11},
	AlgC14N11 + "#WithComments": {Algorithm: Inclusive11, Comments: true},
}

// refusedTransforms names why a known transform is refused.
var refusedTransforms = map[string]string{
	"http://www.w3.org/TR/1999/REC-xslt-19991116":  RuleTransformXSLT,
	"http://www.w3.org/TR/1999/REC-xpath-19991116": RuleTransformXPath,
	"http://www.w3.org/2002/06/xmldsig-filter2":    RuleTransformFilter2,
}
