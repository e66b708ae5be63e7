#!/usr/bin/env python3
"""How much waits for a client with stream management: one that reads never meets the limit, of one that does not nothing is lost."""
import contextlib
import os
import signal
import sys

import client as xmpp
from facts import Facts, equal
from managed import NS, SM, Managed
from pair import enter
from server import PASSWORD, Server

CONTACTS = 300
KEPT = 1000
OVERFLOW = 300	# of 10 KB each
ACCOUNTS = ["romeo@localhost", "juliet@localhost"]


def make_server(options="", accounts=ACCOUNTS):
    return Server(workers=2, hosts=("localhost",), host_options="require_tls = false;", options=options, accounts=accounts)


def bites(server, limit):
    return next(l["bites"] for l in server.ctl_json("limits")["limits"] if l["name"] == limit)


def sessions_of(server, client):
    return [s for s in server.sessions() if s["jid"] == client.jid]


def message(to, number, size):
    return "<message to='%s' type='chat' id='%s'><body>%s</body></message>" % (to, number, "x" * size)


def ids(elements):
    return [e.get("id") for e in elements if e.tag == "{jabber:client}message"]


# --- who reads ---

def contacts(_):
    """300 contacts come online and send at once: their client gets each one's presence, then its message, and no limit bites"""
    names = ["c%d@localhost" % i for i in range(CONTACTS)]
    with make_server(accounts=ACCOUNTS + names) as server, contextlib.ExitStack() as stack:
        others = [stack.enter_context(contextlib.closing(enter(server, jid + "/phone"))) for jid in names]
        for other in others:
            other.send("<presence type='subscribed' to='juliet@localhost'/>")
        for other in others:
            other.until_answered()
        juliet = Managed(server, "juliet@localhost/balcony")
        juliet.send("<presence/>" + "".join("<presence type='subscribe' to='%s'/>" % jid for jid in names))
        juliet.until_answered()
        for other in others:	# as large as a presence may be: all of it together is four fifths of outbox_bytes
            other.send("<presence><status>%s</status></presence>" % ("x" * 7500) + message("juliet@localhost", "1", 3500))
        came = {other.jid: [] for other in others}
        for _ in range(2 * CONTACTS):
            stanza = juliet.get()
            came[stanza.get("from")].append(stanza.tag.partition("}")[2])
        equal([c for c in came.values() if c != ["presence", "message"]], [], "what came of one of them")
        equal(juliet.until_answered(), [], "more")
        equal((bites(server, "outbox_bytes"), juliet.conn.ended), (0, False), "bites, and whether the stream has ended")


def kept(_):
    """1,000 kept messages of more than outbox_bytes come in order and once, and no limit bites"""
    with make_server('offline_bytes = "64 MiB"; offline_strangers = 1000;') as server:
        romeo = enter(server, "romeo@localhost/orchard")
        romeo.send("".join(message("juliet@localhost", i, 10000) for i in range(KEPT)))
        equal(romeo.until_answered(), [], "refusals")
        juliet = Managed(server, "juliet@localhost/balcony")
        juliet.send("<presence/>")
        came = []
        while len(came) < KEPT:
            came += ids([juliet.get()])
        equal(came, [str(i) for i in range(KEPT)], "messages")
        equal(ids(juliet.until_answered()), [], "more")
        equal(bites(server, "outbox_bytes"), 0, "bites")
        juliet.close()
        again = enter(server, "juliet@localhost/again")
        again.send("<presence/>")
        equal(ids(again.until_answered()), [], "once more")


# --- who does not ---

def stuck(_):
    """a client that stops reading gets no more than outbox_bytes, loses its connection, and resumes with all that was taken"""
    with make_server('outbox_bytes = "256 KiB";') as server:
        juliet = Managed(server, "juliet@localhost/balcony")
        romeo = Managed(server, "romeo@localhost/orchard")
        for i in range(100):
            romeo.send(message(juliet.jid, i, 10000))
        refused = ids(romeo.until_acked())
        taken = [str(i) for i in range(100) if str(i) not in refused]
        equal(refused, [str(i) for i in range(len(taken), 100)], "refused")
        equal(len(taken) in range(25, 28), True, "%d were taken" % len(taken))
        server.move_clock(61)
        server.log.wait("connection lost .*juliet")
        equal([s["hibernating"] for s in sessions_of(server, juliet)], [True], "hibernates")
        juliet.got = 0
        juliet.resume()
        equal([juliet.get().get("id") for _ in taken], taken, "messages")
        equal(juliet.until_answered(), [], "more")
        romeo.message(juliet.jid, "after")
        equal(juliet.body(), "after")


def pid(server, kind, number):
    return next(p["pid"] for p in server.processes(kind) if p["number"] == number)


def overflow(is_killed):
    """More than the ring to a store takes, while that store stands still."""
    with make_server('offline_bytes = "64 MiB"; offline_strangers = 1000;') as server:
        juliet, romeo = Managed(server, "juliet@localhost/balcony", 0), Managed(server, "romeo@localhost/orchard", 1)
        for i in range(OVERFLOW):
            romeo.send(message(juliet.jid, i, 10000))
        equal(romeo.until_acked(), [], "refused at once")
        store = pid(server, "store", 1)
        os.kill(store, signal.SIGSTOP)
        juliet.lose()
        server.wait_for(lambda: handed_on(server) > 40, "it is handed on")
        if is_killed:
            os.kill(pid(server, "worker", 0), signal.SIGKILL)
        os.kill(store, signal.SIGCONT)
        server.wait_for(lambda: server.ctl_json("stats")["memory"]["slots_used"] == 1, "all of it is handed on")
        equal(romeo.until_answered(), [], "refused later")
        _, client = late(server, juliet.id, juliet.got)
        came = []
        while len(came) < OVERFLOW:
            came += ids([client.get()])
        equal(came, [str(i) for i in range(OVERFLOW)], "messages")
        equal(ids(client.until_answered()), [], "more")


def it_waits(_):
    """more than a store takes at once waits for it, and is there in order and once; none is refused"""
    overflow(False)


def its_worker_dies(_):
    """the same where the worker is killed meanwhile: its replacement goes on"""
    overflow(True)


def late(server, id, h):
    """A new session where the old one is no more: the server's h of that, and what was kept."""
    client = xmpp.Client(server)
    client.authenticate_as("juliet@localhost", PASSWORD, tls=False)
    client.send("<resume xmlns='%s' previd='%s' h='%d'/>" % (NS, id, h))
    failed = client.get()
    equal((failed.tag, [c.tag.partition("}")[2] for c in failed]), (SM + "failed", ["item-not-found"]), "answer")
    client.bind("phone")
    client.send("<presence/>")
    return failed.get("h"), client


def counter(server, name):
    return server.ctl_json("stats")["counters"][name]


def handed_on(server):
    return counter(server, "handed_on")


def acknowledge(client):
    client.conn.send("<a xmlns='%s' h='%d'/>" % (NS, client.got))
    client.until_acked()


def spill(options, count, size, is_killed):
    """Messages to a session that waits on the other worker: with the last of them more wait than may."""
    with make_server(options) as server:
        juliet, romeo = Managed(server, "juliet@localhost/balcony", 0), Managed(server, "romeo@localhost/orchard", 1)
        for i in range(3):
            romeo.message(juliet.jid, "read%d" % i)
        equal([juliet.body() for _ in range(3)], ["read0", "read1", "read2"], "read")
        juliet.ping()
        acknowledge(juliet)
        juliet.lose()
        server.log.wait("connection lost .*juliet")
        for i in range(count):
            romeo.send(message(juliet.jid, i, size))
        equal(romeo.until_acked(), [], "refused")
        server.wait_for(lambda: handed_on(server) == count, "all of it is handed on")
        if is_killed:
            server.kill_worker(0)
        h, client = late(server, juliet.id, juliet.got)
        equal(h, str(juliet.sent), "h")
        came = []
        while len(came) < count:
            came += ids([client.get()])
        equal(came, [str(i) for i in range(count)], "messages")
        equal(ids(client.until_answered()), [], "more")


def many_wait(_):
    """more stanzas than may wait for a session go to the store in order and once; its client learns h and finds them there"""
    spill("hibernated_stanzas = 150; offline_strangers = 1000;", 151, 100, False)


def much_waits(_):
    """the same where it is their bytes, and its worker dies afterwards"""
    spill('hibernated_bytes = "512 KiB"; offline_strangers = 1000;', 52, 10000, True)


def archive_nothing(client):
    client.send("<iq type='set' id='never'><prefs xmlns='urn:xmpp:mam:2' default='never'><always/><never/></prefs></iq>")
    equal(client.get().get("type"), "result", "preferences")


def newer(_):
    """what comes at another worker while they are on their way to the store is there behind them"""
    with make_server("hibernated_stanzas = 150; offline_strangers = 1000;") as server:
        romeo, juliet = Managed(server, "romeo@localhost/orchard", 0), Managed(server, "juliet@localhost/balcony", 1)
        for client in (romeo, juliet):	# the store takes from its rings in turn, and what is for the archives later
            archive_nothing(client)
        acknowledge(juliet)
        juliet.lose()
        server.log.wait("connection lost .*juliet")
        for i in range(150):
            romeo.send(message(juliet.jid, i, 100))
        equal(romeo.until_acked(), [], "refused")
        store = pid(server, "store", 1)
        os.kill(store, signal.SIGSTOP)
        romeo.send(message(juliet.jid, 150, 100))
        server.wait_for(lambda: handed_on(server) == 151, "all of it is handed on")
        before = counter(server, "stanzas_in")
        romeo.send(message(juliet.jid, 151, 100))
        server.wait_for(lambda: counter(server, "stanzas_in") > before, "the newer one is there")
        os.kill(store, signal.SIGCONT)
        equal(romeo.until_acked(), [], "refused")
        _, client = late(server, juliet.id, juliet.got)
        came = []
        while len(came) < 152:
            came += ids([client.get()])
        equal(came, [str(i) for i in range(152)], "messages")


def main():
    facts = Facts()
    for fact in (contacts, kept, stuck, many_wait, much_waits, newer, it_waits, its_worker_dies):
        if not sys.argv[1:] or fact.__name__ in sys.argv[1:]:
            facts.show(fact, None)
    facts.end()


if __name__ == "__main__":
    main()
