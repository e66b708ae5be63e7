#!/usr/bin/env python3
"""A stream cut in two at every byte is answered as the whole one, without another byte being needed."""
import base64
import functools
import hashlib
import hmac

import client as xmpp
from facts import equal, run
from scram import Scram
from server import PASSWORD, Server

HEADER = ("<?xml version='1.0'?><stream:stream to='localhost' xmlns='jabber:client' "
          "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>")
FIRST = Scram("SCRAM-SHA-1", "romeo", PASSWORD)
AUTH = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>%s</auth>" % xmpp.encode(FIRST.first())
SESSION = HEADER + (
    "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>cut</resource></bind></iq>"
    "<presence><status>h\u00e9 &amp; \U0001f426</status></presence>\n \t"
    "<message to='romeo@localhost/cut' id='m'><body>a&lt;b&#x41;<![CDATA[<c>&]]></body>"
    "<x:y xmlns:x='urn:x' x:a='\u20ac'/><no-store xmlns='urn:xmpp:hints'/></message>" + xmpp.ping("p") +
    "<iq type='get' id='d' to='localhost'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>"
    "<message to='nobody@localhost' id='n'><body/></message>"
    "</stream:stream>")
LOGIN = (HEADER + AUTH).encode()
SESSION = SESSION.encode()


class Cutter:
    """Another connection on the one worker: its ping is answered after what came before it was read."""

    def __init__(self, server):
        self.server = server
        self.control = xmpp.Client(server)
        self.control.login("juliet@localhost/control", PASSWORD, tls=False)

    def let_read(self):
        self.control.ping()

    def send(self, client, data, cut):
        if cut:
            client.send(data[:cut])
            self.let_read()
        client.send(data[cut:])

    def login(self, cut=0):
        """Header and first message, cut; the answers, and the client after its login."""
        client = xmpp.Client(self.server)
        self.send(client, LOGIN, cut)
        features, challenge = client.get(), client.get()
        equal(client.respond(final(FIRST, base64.b64decode(challenge.text).decode())).tag, xmpp.SASL + "success")
        return client, [xmpp.text_of(features), challenge.tag]

    def session(self, cut=0):
        client = self.login()[0]
        client.new_parser()
        self.send(client, SESSION, cut)
        answers = []
        while True:
            answer = client.get()
            if answer is None:
                break
            for archived in answer.iter("{urn:xmpp:sid:0}stanza-id"):
                archived.set("id", "another each time")
            answers.append(xmpp.text_of(answer))
        client.wait_for_close()
        client.close()
        return answers


@functools.lru_cache(maxsize=None)
def salted_password(salt, iterations):
    return hashlib.pbkdf2_hmac("sha1", PASSWORD.encode(), base64.b64decode(salt), iterations)


def final(exchange, server_first):
    """As Scram.final(), with the slow part done once."""
    fields = dict(f.split("=", 1) for f in server_first.split(","))
    key = hmac.digest(salted_password(fields["s"], int(fields["i"])), b"Client Key", "sha1")
    without_proof = "c=biws,r=" + fields["r"]
    message = ",".join((exchange.first_bare, server_first, without_proof)).encode()
    signature = hmac.digest(hashlib.sha1(key).digest(), message, "sha1")
    return (without_proof + ",p=" + xmpp.encode(bytes(a ^ b for a, b in zip(key, signature)))).encode()


def cut_login(server):
    """header and <auth/> cut at every byte"""
    cutter = Cutter(server)
    whole = cutter.login()
    whole[0].close()
    for cut in range(1, len(LOGIN)):
        client, answers = cutter.login(cut)
        client.close()
        equal(answers, whole[1], "cut at %d" % cut)
    cutter.control.close()


def cut_session(server):
    """binding, presence, messages, queries and the end cut at every byte"""
    cutter = Cutter(server)
    whole = cutter.session()
    equal(len(whole), 7, "answers: " + "\n".join(whole))
    for cut in range(1, len(SESSION)):
        equal(cutter.session(cut), whole, "cut at %d" % cut)
    cutter.control.close()


FACTS = [cut_login, cut_session]

if __name__ == "__main__":
    run(FACTS, lambda: Server(workers=1, accounts=("romeo@localhost", "juliet@localhost"), log_level="warn",
                              host_options="require_tls = false;", options="scram_iterations = 4096;"))
