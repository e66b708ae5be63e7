#!/usr/bin/env python3
"""A stanza that kills a worker does not kill the next one: when its client sends it again it is refused."""
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenarios"))

import client as xmpp  # noqa: E402
from facts import equal, run  # noqa: E402
from server import PASSWORD, Server, stopped  # noqa: E402

TRIES = 3000
NOTHING = "0" * 16


def make_server():
    return Server(workers=1, accounts=("romeo@localhost", "juliet@localhost"), hosts=("localhost",),
                  options="stanza_rate = 0; byte_rate = 0; account_stanza_rate = 0; account_byte_rate = 0;",
                  host_options="require_tls = false;")


def enter(server, jid):
    client = xmpp.Client(server)
    client.login(jid, PASSWORD, tls=False)
    client.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
    return client, client.get().get("id")


def come_back(server, bare, name, h):
    client = xmpp.Client(server)
    client.authenticate_as(bare, PASSWORD, tls=False)
    client.send("<resume xmlns='urn:xmpp:sm:3' previd='%s' h='%d'/>" % (name, h))
    return client, int(client.get().get("h"))


def message(number):
    return ("<message to='juliet@localhost/balcony' type='headline' id='%d'><body>%s</body></message>"
            % (number, "poison " * 4000))


def kill_in_the_act(server, romeo):
    """Stops the worker at random until it is in the middle of a stanza, and ends it there; the messages that were sent until then."""
    worker = server.worker(0)
    for sent in range(1, TRIES + 1):
        romeo.send(message(sent))
        with stopped(worker["pid"]):
            caught = server.worker(0)
            if caught["handling"] != NOTHING:
                os.kill(worker["pid"], signal.SIGABRT)	# before it goes on
                return caught, sent
    raise AssertionError("never met it at a stanza")


def send_all(romeo, numbers):
    """Sends these messages; the numbers of those that came back as refused."""
    for number in numbers:
        romeo.send(message(number))
    return [int(element.get("id")) for element in romeo.until_answered()
            if element.tag.endswith("message") and element.find(".//{*}internal-server-error") is not None]


def poisoned(server):
    """of all that a client sends again, only the stanza that the worker died of is refused"""
    server.wait_for(lambda: server.worker(0)["up_ms"] > 1000, "the worker is up for a second")
    romeo, name = enter(server, "romeo@localhost/orchard")
    mark = server.log.mark()
    killed, sent = kill_in_the_act(server, romeo)
    number = server.log.wait(r"died of a stanza.*stanza=(\w+)", mark).group(1)
    equal(number, killed["handling"], "the number of the stanza")
    server.wait_for(lambda: server.worker(0)["pid"] != killed["pid"] and server.worker(0)["state"] == "ready",
                    "the worker is back")
    back = server.worker(0)
    romeo, h = come_back(server, "romeo@localhost", name, 0)
    refused = send_all(romeo, range(h + 1, sent + 1))
    if not refused:  # it died when all that the stanza asked for stood already, and h counts it
        refused = send_all(romeo, [h])
        equal(refused, [h], "refused of what h counts")
    equal(len(refused), 1, "refused")
    server.log.wait("a stanza that a worker died of is refused.*" + number, mark)
    equal(server.worker(0)["pid"], back["pid"], "the worker that lives")
    romeo.close()


run([poisoned], make_server)
