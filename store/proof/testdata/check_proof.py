#!/usr/bin/env python3
"""check_proof.py KEY PROOF [DOCUMENT]   Checks a proof of the archive with nothing but Python's
standard library and the checkpoint key, by PROOFS.md. Written apart from the program in Go.
Exit code 0: the proof holds; 1: it does not."""
import base64
import hashlib
import json
import struct
import sys

# --- Ed25519, RFC 8032 5.1, verification only -------------------------------------------
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(a, b):
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    e, f = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    g, h = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(k, point):
    out = (0, 1, 1, 0)
    while k:
        if k & 1:
            out = add(out, point)
        point = add(point, point)
        k >>= 1
    return out


def decode(b):
    y = int.from_bytes(b, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= P:
        raise ValueError("no point")
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if (x * x - xx) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - xx) % P or x == 0 and sign:
        raise ValueError("no point")
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = decode((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def ed25519(public, message, signature):
    if len(signature) != 64:
        return False
    try:
        a, r = decode(public), decode(signature[:32])
    except ValueError:
        return False
    s = int.from_bytes(signature[32:], "little")
    if s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    x1, y1, z1, _ = times(s, BASE)
    x2, y2, z2, _ = add(r, times(k, a))
    return (x1 * z2 - x2 * z1) % P == 0 and (y1 * z2 - y2 * z1) % P == 0


# --- signed notes ------------------------------------------------------------------------
def fail(why):
    print("the proof does not hold:", why)
    sys.exit(1)


def checkpoint(note, key):
    """The size and root that a signed note says, checked with the key."""
    name, mark, data = key.strip().split("+", 2)
    data = base64.b64decode(data)
    if hashlib.sha256(name.encode() + b"\n" + data).digest()[:4].hex() != mark or data[0] != 1:
        fail("the key is malformed")
    text, _, signatures = note.rpartition("\n\n")
    text += "\n"
    for line in signatures.splitlines():
        head = "\u2014 " + name + " "
        if not line.startswith(head):
            continue
        blob = base64.b64decode(line[len(head):])
        if blob[:4].hex() == mark and ed25519(data[1:], text.encode(), blob[4:]):
            break
    else:
        fail("no signature of the key on the checkpoint")
    lines = text.split("\n")
    if lines[0] != name:
        fail("the checkpoint is of " + lines[0])
    return int(lines[1]), base64.b64decode(lines[2])


# --- the tree, RFC 6962 --------------------------------------------------------------------
def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(index, size, leaf, hashes):
    """RFC 9162, 2.1.3.2."""
    fn, sn, r = index, size - 1, leaf
    for p in hashes:
        if sn == 0:
            fail("too many hashes")
        if fn & 1 or fn == sn:
            r = node(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node(r, p)
        fn, sn = fn >> 1, sn >> 1
    if sn:
        fail("too few hashes")
    return r


def consistent(size1, root1, size2, root2, hashes):
    """RFC 9162, 2.1.4.2."""
    if size1 == size2:
        return root1 == root2 and not hashes
    if size1 == 0 or size1 > size2:
        return False
    hashes = list(hashes)
    if size1 & (size1 - 1) == 0:
        hashes.insert(0, root1)
    if not hashes:
        return False
    fn, sn = size1 - 1, size2 - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = hashes[0]
    for c in hashes[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return fr == root1 and sr == root2 and sn == 0


def value(field):
    if "text" in field:
        return field["text"].encode()
    if "int" in field:
        return struct.pack(">q", field["int"])
    return base64.b64decode(field["bytes"])


def inclusion(proof, key, document):
    size, root = checkpoint(proof["checkpoint"], key)
    entry = base64.b64decode(proof["entry"])
    if proof.get("fields"):
        h = hashlib.sha256(b"portti leaf 1\x00" + bytes([proof["kind"]]) + base64.b64decode(proof["salt"]))
        for f in proof["fields"]:
            v = value(f)
            h.update(struct.pack(">Q", len(v)) + v)
        if h.digest() != entry:
            fail("the record is not that of the leaf")
    if not 0 <= proof["index"] < size:
        fail("the leaf is beyond the checkpoint")
    leaf = hashlib.sha256(b"\x00" + entry).digest()
    if root_of(proof["index"], size, leaf, [base64.b64decode(x) for x in proof["hashes"] or []]) != root:
        fail("the hashes do not lead to the checkpoint")
    if document is not None:
        sums = [value(f) for f in proof["fields"] if f["name"] == "sha256"]
        if sums != [hashlib.sha256(document).digest()]:
            fail("it is not of this document")
    print("holds:", proof["subject"], "is leaf", proof["index"], "of", size)


def main():
    key = open(sys.argv[1], encoding="utf-8").read()
    proof = json.load(open(sys.argv[2], encoding="utf-8"))
    if proof["format"] == "portti-inclusion-proof/1":
        document = open(sys.argv[3], "rb").read() if len(sys.argv) > 3 else None
        inclusion(proof, key, document)
    elif proof["format"] == "portti-consistency-proof/1":
        size1, root1 = checkpoint(proof["from"], key)
        size2, root2 = checkpoint(proof["to"], key)
        if not consistent(size1, root1, size2, root2, [base64.b64decode(x) for x in proof["hashes"] or []]):
            fail("the trees are not consistent")
        print("holds: the tree of", size1, "is the beginning of that of", size2)
    else:
        fail("unknown format")


main()
