package trust

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"strconv"
	"time"

	"portti/internal/finding"
	"portti/xmldsig"
)

// build makes the chain of c at a time within c's validity, or names why there is
// none (RFC 5280, 6).
func (st *state) build(c *x509.Certificate, intermediates []*x509.Certificate, at time.Time) chainEntry {
	refuse := func(rule string, params ...finding.Param) chainEntry {
		return chainEntry{faults: []xmldsig.TrustFault{{Rule: rule, Params: params}}, from: at, to: at}
	}
	var faults []xmldsig.TrustFault
	if c.IsCA {
		faults = append(faults, xmldsig.TrustFault{Rule: RuleIsCA})
	}
	if len(c.UnhandledCriticalExtensions) > 0 {
		id := c.UnhandledCriticalExtensions[0].String()
		faults = append(faults, xmldsig.TrustFault{Rule: RuleCritical, Value: id, Params: []finding.Param{finding.P("extension", id)}})
	}
	if rule := st.issuerFault(c, intermediates); rule != "" {
		e := refuse(rule)
		e.from, e.to = c.NotBefore, c.NotAfter // whatever the time
		e.faults = append(faults, e.faults...)
		return e
	}
	chains, err := st.verify(c, intermediates, at)
	if err != nil {
		e := refuse(ruleOf(err))
		e.faults = append(faults, e.faults...)
		return e
	}
	return st.best(chains, faults, at)
}

// verify builds chains with the standard library. What was judged before is taken
// out of its sight, so that it tells about the rest.
func (st *state) verify(c *x509.Certificate, intermediates []*x509.Certificate, at time.Time) ([][]*x509.Certificate, error) {
	leaf := *c
	leaf.UnhandledCriticalExtensions = nil
	pool := x509.NewCertPool()
	for _, i := range intermediates {
		pool.AddCert(i)
	}
	chains, err := leaf.Verify(x509.VerifyOptions{
		Roots: st.pool, Intermediates: pool, CurrentTime: at,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	for _, chain := range chains {
		chain[0] = c
	}
	return chains, err
}

// best takes the first chain whose CA keys are large enough.
func (st *state) best(chains [][]*x509.Certificate, faults []xmldsig.TrustFault, at time.Time) chainEntry {
	weak := 0
	for _, chain := range chains {
		bits := weakest(chain[1:])
		if bits == 0 || bits >= st.minRSA {
			from, to := span(chain)
			return chainEntry{chain: chain, faults: faults, from: from, to: to}
		}
		weak = bits
	}
	bits := strconv.Itoa(weak)
	faults = append(faults, xmldsig.TrustFault{Rule: RuleChainKey, Value: bits, Params: []finding.Param{finding.P("bits", bits)}})
	return chainEntry{faults: faults, from: at, to: at}
}

// weakest gives the smallest RSA modulus in bits, 0 where there is no RSA key.
func weakest(chain []*x509.Certificate) int {
	least := 0
	for _, c := range chain {
		if key, ok := c.PublicKey.(*rsa.PublicKey); ok && (least == 0 || key.N.BitLen() < least) {
			least = key.N.BitLen()
		}
	}
	return least
}

// issuerFault tells apart what the standard library calls an unknown authority:
// no anchors at all, no certificate of the issuer's name, one of that name whose
// key did not sign (forged), one that is no CA, a digest that no longer proves
// anything.
func (st *state) issuerFault(c *x509.Certificate, intermediates []*x509.Certificate) string {
	if len(st.anchors) == 0 {
		return RuleNoAnchors
	}
	rule := RuleUnknownIssuer
	for _, list := range [][]*x509.Certificate{st.anchors, intermediates} {
		for _, i := range list {
			if !bytes.Equal(i.RawSubject, c.RawIssuer) {
				continue
			}
			switch err := c.CheckSignatureFrom(i); {
			case err == nil:
				return ""
			case errors.As(err, new(x509.InsecureAlgorithmError)):
				return RuleChainAlgorithm
			case errors.As(err, new(x509.ConstraintViolationError)):
				rule = RuleIssuerNotCA
			case rule == RuleUnknownIssuer:
				rule = RuleForged
			}
		}
	}
	return rule
}

// ruleOf names why the standard library built no chain.
func ruleOf(err error) string {
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &invalid):
		switch invalid.Reason {
		case x509.Expired:
			return RuleChainExpired
		case x509.TooManyIntermediates:
			return RuleChainLength
		case x509.NotAuthorizedToSign:
			return RuleIssuerNotCA
		case x509.NameMismatch, x509.CANotAuthorizedForThisName, x509.NameConstraintsWithoutSANs, x509.UnconstrainedName, x509.TooManyConstraints:
			return RuleChainName
		}
	case errors.As(err, new(x509.UnhandledCriticalExtension)):
		return RuleChainCritical
	case errors.As(err, new(x509.InsecureAlgorithmError)):
		return RuleChainAlgorithm
	case errors.As(err, new(x509.UnknownAuthorityError)):
		return RuleUnknownIssuer
	}
	return RuleChainOther
}
