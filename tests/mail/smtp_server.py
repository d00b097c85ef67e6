#!/usr/bin/python3
"""A mail server for tests: aiosmtpd, which nobody here wrote, with the failures that the recipient's name asks for.

    smtp_server.py FOLDER [--tls implicit|starttls] [--login USER:PASSWORD] [--name HOST]

FOLDER gets `port` when the server listens, `cert.pem` (its own authority) where there is TLS, a letter that was taken as
`N.eml` with its envelope in `N.json`, and `log`, a line a thing that happened. A recipient is treated by the part before
the `@`:

    refused…    550 to RCPT, always                later…N…   451 to RCPT, the first N times
    spam…       554 when the letter has come       busy…N…    450 when the letter has come, the first N times
    drop…N…     the connection ends when the letter has come, before an answer, the first N times
    slow…       the letter is taken, and the answer waits for the file `go`

and a sender by it, too: foreign… is refused with 553.
"""
import argparse
import asyncio
import json
import os
import re
import ssl
import subprocess
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("--tls", choices=["implicit", "starttls"])
parser.add_argument("--login")
parser.add_argument("--name", default="localhost")
options = parser.parse_args()
counts = {}


def path(name):
    return os.path.join(options.folder, name)


def log(line):
    with open(path("log"), "a", encoding="utf-8") as file:
        file.write(line + "\n")


def still(kind, address):
    """Whether this recipient is troubled once more: `later2@…` is for the first two times."""
    name = address.split("@")[0]
    if not name.startswith(kind):
        return False
    times = int((re.search(r"\d+", name) or ["1"])[0])
    counts[address] = counts.get(address, 0) + 1
    return counts[address] <= times


class Handler:
    async def handle_MAIL(self, server, session, envelope, address, mail_options):
        if address.startswith("foreign"):
            log(f"553 {address}")
            return "553 5.7.1 Sender address rejected: not owned by the user"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if address.startswith("refused"):
            log(f"550 {address}")
            return "550 5.1.1 No such user here"
        if still("later", address):
            log(f"451 {address}")
            return "451 4.7.1 Greylisted, come again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        to = envelope.rcpt_tos[0]
        if to.startswith("spam"):
            log(f"554 {to}")
            return "554 5.7.1 Looks like spam"
        if still("busy", to):
            log(f"450 {to}")
            return "450 4.2.1 The mailbox is busy"
        if still("drop", to):
            log(f"dropped {to}")
            server.transport.abort()
            return "421 gone"
        number = counts["letters"] = counts.get("letters", 0) + 1
        with open(path(f"{number}.eml"), "wb") as file:
            file.write(envelope.original_content)
        with open(path(f"{number}.json"), "w", encoding="utf-8") as file:
            json.dump({"from": envelope.mail_from, "to": envelope.rcpt_tos, "hello": session.host_name,
                       "tls": server.transport.get_extra_info("ssl_object") is not None,
                       "login": session.auth_data.login.decode() if session.auth_data else None}, file)
        log(f"taken {number} {to}")
        if to.startswith("slow"):
            while not os.path.exists(path("go")):
                await asyncio.sleep(0.01)
        return "250 Taken"


def authenticate(server, session, envelope, mechanism, data):
    user, password = options.login.split(":", 1)
    good = isinstance(data, LoginPassword) and data.login == user.encode() and data.password == password.encode()
    log("login" if good else "535")
    return AuthResult(success=good, handled=False, auth_data=data)


def tls_context():
    """An authority of our own and a certificate by it, made for this run."""
    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    kind = f"IP:{options.name}" if re.match(r"[\d.]+$", options.name) else f"DNS:{options.name}"
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj",
            f"/CN={options.name}", "-addext", f"subjectAltName={kind}", "-keyout", path("key.pem"), "-out", path("cert.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path("cert.pem"), path("key.pem"))
    return context


async def serve():
    context = tls_context() if options.tls else None
    kind = {"hostname": options.name, "enable_SMTPUTF8": False}
    if options.tls == "starttls":
        kind.update(tls_context=context, require_starttls=True)
    if options.login:
        kind.update(authenticator=authenticate, auth_required=True, auth_require_tls=options.tls == "starttls")
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Handler(), **kind), "127.0.0.1", 0,
                                      ssl=context if options.tls == "implicit" else None)
    with open(path("port.new"), "w", encoding="utf-8") as file:
        file.write(str(server.sockets[0].getsockname()[1]))
    os.rename(path("port.new"), path("port"))
    await server.serve_forever()


sys.exit(asyncio.run(serve()))
