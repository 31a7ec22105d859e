// Package wsdl holds the WSDL 1.1 description of the SOAP door and, in
// wsdl/client, the Go client that gowsdl generates from it.
//
// The description has one operation for each message (document/literal, SOAP 1.1
// and 1.2). Messages are open content in it: toolkits hand them through as they
// are, and no toolkit's code generator has to understand HL7 V3 types.
package wsdl

import (
	"bytes"
	_ "embed"
	"encoding/xml"
)

//go:generate go tool gowsdl -d . -p client -o client.go transport.wsdl

//go:embed portti.wsdl
var document []byte

// Namespace is the target namespace of the description.
const Namespace = "urn:portti:wsdl:1"

// Document gives the description with address as the service's address (an
// absolute URL).
func Document(address string) []byte {
	var escaped bytes.Buffer
	// Writing to a bytes.Buffer does not fail.
	_ = xml.EscapeText(&escaped, []byte(address))
	return bytes.ReplaceAll(document, []byte(`"ADDRESS"`), append(append([]byte{'"'}, escaped.Bytes()...), '"'))
}
