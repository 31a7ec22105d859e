"""Sends transfer frames with zeep, by the WSDL that the gateway serves.

usage: zeep_send.py WSDL-URL SOAP-PORT FRAME-FILE...

Prints a line for each: the acknowledgement's verdict, for a query also its outcome
and how many documents it gives of how many, or "fault" and its text.
"""
import sys

from lxml import etree
from zeep import Client
from zeep.exceptions import Fault

HL7 = "{urn:hl7-org:v3}"


def main(wsdl, port, *frame_files):
    service = Client(wsdl).bind("Portti", port)
    for name in frame_files:
        frame = etree.parse(name).getroot()
        operation = service[etree.QName(frame).localname]
        try:
            answer = operation(_value_1=list(frame), ITSVersion=frame.get("ITSVersion"))
        except Fault as fault:
            print("fault", fault.message)
            continue
        print(*told(answer._value_1))


def told(elements):
    """What the elements of an answer say, in words."""
    for element in elements:
        if element.tag == HL7 + "acknowledgement":
            yield element.get("typeCode")
        for ack in element.iter(HL7 + "queryAck"):
            yield ack.find(HL7 + "queryResponseCode").get("code")
            yield ack.find(HL7 + "resultCurrentQuantity").get("value")
            total = ack.find(HL7 + "resultTotalQuantity")
            if total is not None:
                yield "of " + total.get("value")


main(*sys.argv[1:])
