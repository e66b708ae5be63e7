#!/usr/bin/env python3
"""A session's stanzas are handled in order, also while a store does not answer, when it dies, and when the session does."""
import os
import signal

import client as xmpp
from facts import equal, run
from server import PASSWORD, Server, stopped

CARD = "<iq type='set' id='%s'><vCard xmlns='vcard-temp'><FN>%s</FN></vCard></iq>"
OFFLINE = "<message to='nurse@localhost' type='chat' id='%s'><body>x</body></message>"
CORE, MSG = 0, 1


def enter(server, jid, cut):
    client = xmpp.Client(server, cut)
    client.login(jid, PASSWORD, tls=False)
    return client


def session_of(server, client):
    return next((s for s in server.sessions() if s["port"] == client.port), None)


def store(server, number):
    return server.processes("store")[number]["pid"]


def send_all(server, client, text):
    """Until the worker has read it, or as much as it wants to."""
    before = session_of(server, client)["octets_in"]
    client.send(text)
    server.wait_for(lambda: session_of(server, client)["octets_in"] > before, "the worker reads")


def is_back(server, number, old):
    return lambda: any(p["pid"] != old and p["state"] == "ready" for p in server.processes("store")[number:number + 1])


def waits(server):
    """nothing is handled behind a change that its store has not answered, and everything behind one that it has"""
    for cut in (False, True):
        for number, text in ((CORE, CARD % ("first", "x")), (MSG, OFFLINE % "first")):
            romeo = enter(server, "romeo@localhost/phone", cut)
            nobody = enter(server, "juliet@localhost/other", False)
            with stopped(store(server, number)):
                handled = session_of(server, romeo)["stanzas_in"]
                send_all(server, romeo, text + xmpp.ping("second"))
                server.wait_for(lambda: session_of(server, romeo)["stanzas_in"] > handled, "the first is handled")
                nobody.ping()
                equal(session_of(server, romeo)["stanzas_in"], handled + 1, "handled while the store sleeps")
            ids = [romeo.get().get("id") for _ in range(2 if number == CORE else 1)]
            equal(ids, ["first", "second"][-len(ids):], "answers")
            romeo.close()
            nobody.close()


def store_dies(server):
    """a store that is killed meanwhile is waited for: its replacement answers, then the next stanza comes"""
    for number, text in ((CORE, CARD % ("first", "y")), (MSG, OFFLINE % "first")):
        romeo = enter(server, "romeo@localhost/phone", False)
        old = store(server, number)
        with stopped(old):
            send_all(server, romeo, text + xmpp.ping("second"))
            os.kill(old, signal.SIGKILL)
        ids = [romeo.get().get("id") for _ in range(2 if number == CORE else 1)]
        equal(ids, ["first", "second"][-len(ids):], "answers")
        server.wait_for(is_back(server, number, old), "the store is back")
        romeo.close()


def session_ends(server):
    """a session that goes meanwhile, whoever ends it, leaves nothing behind"""
    for how in ("closes", "is kicked", "is replaced"):
        romeo = enter(server, "romeo@localhost/phone", False)
        with stopped(store(server, CORE)):
            send_all(server, romeo, CARD % ("first", "z") + xmpp.ping("second"))
            if how == "closes":
                romeo.close()
            elif how == "is kicked":
                server.ctl("kick", "romeo@localhost/phone")
            else:
                again = enter(server, "romeo@localhost/phone", False)
        if how != "closes":
            romeo.wait_for_close()
            romeo.close()
        if how == "is replaced":
            again.ping()
            again.close()
        server.wait_for(lambda: not server.sessions(), "the session is gone after it " + how)


FACTS = [waits, store_dies, session_ends]

if __name__ == "__main__":
    run(FACTS, lambda: Server(workers=1, host_options="require_tls = false;",
                              accounts=("romeo@localhost", "juliet@localhost", "nurse@localhost")))
