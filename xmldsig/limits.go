package xmldsig

// Limits bound the work that one document can cause. A zero field means its
// default. What goes beyond is refused by name before it is computed.
type Limits struct {
	Signatures   int // signature elements of a document; default 16
	References   int // references of one signature, with those of its manifests; default 4, generic 64
	Transforms   int // transforms of one reference; default 4
	Prefixes     int // words of one PrefixList; default 32
	Digests      int // different digests of one element; default 4
	Work         int // nodes digested for a document, as a multiple of its nodes; default 32
	Documents    int // Refs of a multi-document list; default 1,000
	Certificates int // X509Certificate elements of one signature; default 4
	// Certificate is the size of one certificate in bytes of DER; default 16 KB.
	Certificate int
	// MinRSA and MaxRSA bound the modulus of an RSA key in bits; default 2048 to 8192.
	MinRSA, MaxRSA int
}

func (l Limits) withDefaults(p policy) Limits {
	set := func(v *int, def int) {
		if *v <= 0 {
			*v = def
		}
	}
	set(&l.Signatures, 16)
	if p == policyGeneric {
		set(&l.References, 64)
	}
	set(&l.References, 4)
	set(&l.Transforms, 4)
	set(&l.Prefixes, 32)
	set(&l.Digests, 4)
	set(&l.Work, 32)
	set(&l.Documents, 1000)
	set(&l.Certificates, 4)
	set(&l.Certificate, 16<<10)
	set(&l.MinRSA, 2048)
	set(&l.MaxRSA, 8192)
	return l
}
