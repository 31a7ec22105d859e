package wsdl

import (
	"encoding/xml"
	"os"
	"reflect"
	"strings"
	"testing"
)

// description is what the test reads of a WSDL.
type description struct {
	Elements []struct {
		Name string `xml:"name,attr"`
	} `xml:"types>schema>element"`
	Operations []struct {
		Name   string `xml:"name,attr"`
		Input  part   `xml:"input"`
		Output part   `xml:"output"`
	} `xml:"portType>operation"`
	Bindings []struct {
		Name       string `xml:"name,attr"`
		Operations []struct {
			Name string `xml:"name,attr"`
			SOAP struct {
				Action string `xml:"soapAction,attr"`
			} `xml:"operation"`
		} `xml:"operation"`
	} `xml:"binding"`
	Ports []struct {
		Address struct {
			Location string `xml:"location,attr"`
		} `xml:"address"`
	} `xml:"service>port"`
}

type part struct {
	Message string `xml:"message,attr"`
}

func read(t *testing.T, b []byte) description {
	t.Helper()
	var d description
	if err := xml.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestServedAndTransportDescriptionsAreAlike(t *testing.T) {
	b, err := os.ReadFile("transport.wsdl")
	if err != nil {
		t.Fatal(err)
	}
	served, transport := read(t, document), read(t, b)
	if len(served.Operations) == 0 || !reflect.DeepEqual(served, transport) {
		t.Fatalf("served %+v\ntransport %+v", served, transport)
	}
}

func TestEveryOperationHasBothBindingsAndItsAction(t *testing.T) {
	d := read(t, document)
	if len(d.Bindings) != 2 {
		t.Fatalf("%d bindings", len(d.Bindings))
	}
	for _, b := range d.Bindings {
		if len(b.Operations) != len(d.Operations) {
			t.Errorf("%s: %d operations", b.Name, len(b.Operations))
		}
		for _, o := range b.Operations {
			if o.SOAP.Action != "urn:hl7-org:v3:"+o.Name {
				t.Errorf("%s: %s has action %q", b.Name, o.Name, o.SOAP.Action)
			}
		}
	}
}

func TestAddressIsFilledAndEscaped(t *testing.T) {
	const address = `https://archive.example/soap?a="b"&c`
	b := Document(address)
	for _, p := range read(t, b).Ports {
		if p.Address.Location != address {
			t.Errorf("location %q", p.Address.Location)
		}
	}
	if strings.Contains(string(b), "ADDRESS") {
		t.Error("placeholder is left")
	}
}
