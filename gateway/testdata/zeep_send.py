"""Sends a transfer frame with zeep, by the WSDL that the gateway serves.

usage: zeep_send.py WSDL-URL FRAME-FILE SOAP-PORT

Prints the acknowledgement's verdict, or "fault" and its text.
"""
import sys

from lxml import etree
from zeep import Client
from zeep.exceptions import Fault

HL7 = "{urn:hl7-org:v3}"


def main(wsdl, frame_file, port):
    frame = etree.parse(frame_file).getroot()
    service = Client(wsdl).bind("Portti", port)
    operation = service[etree.QName(frame).localname]
    try:
        answer = operation(_value_1=list(frame), ITSVersion=frame.get("ITSVersion"))
    except Fault as fault:
        print("fault", fault.message)
        return
    for element in answer._value_1:
        if element.tag == HL7 + "acknowledgement":
            print(element.get("typeCode"))


main(*sys.argv[1:])
