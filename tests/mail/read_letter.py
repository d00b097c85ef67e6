#!/usr/bin/python3
"""What Python's own reader of mail finds in a letter (FILE.eml, or standard input), as JSON; and what of it breaks a rule.

    {"headers": {"Subject": "…", …}, "counts": {"subject": 1, …}, "parts": [{"type", "charset", "name", "size", "text"}],
     "structure": "mixed(alternative(text/plain,text/html),application/pdf)", "faults": […]}
"""
import email
import email.policy
import hashlib
import json
import sys


def faults_of(raw):
    faults = []
    lines = raw.split(b"\r\n")
    if b"\n" in b"".join(lines) or b"\r" in b"".join(lines):
        faults.append("a line ends with something else than CRLF")
    if any(len(line) > 998 for line in lines):
        faults.append("a line is longer than 998 bytes")
    if any(byte > 126 or (byte < 32 and byte not in (9, 10, 13)) for byte in raw):
        faults.append("a byte that is no printable ASCII")
    head = raw.split(b"\r\n\r\n", 1)[0].split(b"\r\n")
    if any(len(line) > 78 for line in head):
        faults.append("a line of the headers is longer than 78")
    return faults


def structure_of(part):
    if part.is_multipart():
        return part.get_content_subtype() + "(" + ",".join(structure_of(one) for one in part.iter_parts()) + ")"
    return part.get_content_type()


def read(raw):
    message = email.message_from_bytes(raw, policy=email.policy.default)
    faults = faults_of(raw)
    headers, counts, parts = {}, {}, []
    for name, value in message.items():
        counts[name.lower()] = counts.get(name.lower(), 0) + 1
        headers[name] = str(value)
        faults += [f"{name}: {defect!r}" for defect in getattr(value, "defects", [])]
    for part in message.walk():
        faults += [repr(defect) for defect in part.defects]
        for name, value in part.items():
            faults += [f"{name}: {defect!r}" for defect in getattr(value, "defects", [])]
        if part.is_multipart():
            continue
        one = {"type": part.get_content_type(), "name": part.get_filename(), "disposition": part.get_content_disposition()}
        if "Content-ID" in part:
            one["content_id"] = str(part["Content-ID"]).strip("<>")
        content = part.get_content()
        if isinstance(content, str):
            content = content.replace("\r\n", "\n")
            one.update(charset=part.get_content_charset(), text=content)
            content = content.encode()
        one.update(size=len(content), sha256=hashlib.sha256(content).hexdigest())
        parts.append(one)
    people = {}
    for name in ("From", "To", "Reply-To"):
        if name in message:
            people[name] = [[one.display_name, one.addr_spec] for one in message[name].addresses]
    moment = message["Date"].datetime.isoformat() if message["Date"] else None
    return {"headers": headers, "counts": counts, "people": people, "date": moment, "structure": structure_of(message),
            "parts": parts, "faults": faults}


raw = open(sys.argv[1], "rb").read() if len(sys.argv) > 1 else sys.stdin.buffer.read()
json.dump(read(raw), sys.stdout, ensure_ascii=False, indent=1)
