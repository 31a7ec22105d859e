"""A small client system: sends the transfer frames of a folder with zeep, in order.

usage: zeep_client.py WSDL-URL FOLDER

Each subfolder is a case, each file in it a message. What was not answered by an
acknowledgement of this very message (CA accepted, CE at fault, AA answered), or was
answered CR, is sent again as it is, five times at most. A fault of the sender is not sent again.
"""
import pathlib
import sys

from lxml import etree
from zeep import Client
from zeep.exceptions import Fault

HL7 = "{urn:hl7-org:v3}"
TRIES = 5


def answer_of(answer, message_id):
    """The verdict, or None where the answer is no acknowledgement of the message."""
    for element in answer._value_1:
        if element.tag != HL7 + "acknowledgement":
            continue
        code = element.get("typeCode")
        if code is None:
            code = element.find(HL7 + "typeCode").get("code")
        target = element.find(f"{HL7}targetMessage/{HL7}id").get("extension")
        return code if target == message_id else None
    return None


def once(service, frame):
    message_id = frame.find(HL7 + "id").get("extension")
    operation = service[etree.QName(frame).localname]
    try:
        answer = operation(_value_1=list(frame), ITSVersion=frame.get("ITSVersion"))
        return answer_of(answer, message_id)
    except Fault as fault:
        sender = str(fault.code).endswith(("Client", "Sender"))
        return "fault of the sender" if sender else None
    except Exception:  # no answer, half an answer, another server's page
        return None


def send(client, name):
    port = "ArchiveSoap12" if name.name.endswith(".12.xml") else "ArchiveSoap11"
    for _ in range(TRIES):
        # bound anew: sending takes the elements out of the frame
        verdict = once(client.bind("Portti", port), etree.parse(str(name)).getroot())
        if verdict in ("CA", "CE", "AA", "fault of the sender"):
            return verdict
    return "gave up"


def main(wsdl, folder):
    client = Client(wsdl)
    for case in sorted(pathlib.Path(folder).iterdir()):
        verdicts = [send(client, name) for name in sorted(case.iterdir())]
        print(case.name, *verdicts, sep="\t")


main(*sys.argv[1:])
