#!/usr/bin/python3
"""Limits of what waits for a client: in its outbox, in all of them, while it is inactive, while it is away."""
import select

import client as xmpp
from facts import equal, run
from limits import (JULIET, ROMEO, STANZAS, Bites, bites, bites_once, gone, logged_in, make_server,
                    with_capabilities, with_options)
from managed import Managed

MESSAGE = "{jabber:client}message"
BALCONY = JULIET + "/balcony"


def ping(client):
    """All that came before its answer. Where the server is slow to read it, time passes until it does."""
    client.send(xmpp.ping("p"))
    found = []
    while True:
        while not (client.waiting or client.socket.pending() or select.select([client.socket], [], [], 1)[0]):
            client.server.move_clock(5)
        found.append(client.get())
        if found[-1].get("id") == "p":
            return found[:-1]


def tell(client, size, number=0):
    client.send("<message to='%s' id='%d'><body>%s</body></message>" % (BALCONY, number, "x" * size))


def forgetful(server):
    """A client that reads and never acknowledges: all it gets stays in its outbox."""
    client = logged_in(server, BALCONY)
    client.send("<enable xmlns='urn:xmpp:sm:3'/>")
    equal(client.get().tag, "{urn:xmpp:sm:3}enabled", "answer")
    return client


def messages(client, count):
    """Returns how many of them came; requests to acknowledge do not count."""
    while count > 0:
        count -= client.get().tag == MESSAGE


def until_refused(server, name, sender, receiver, size, most):
    """How many are taken before the first that is refused: with an error that says it may be tried again."""
    before = bites(server, name)
    for number in range(most):
        tell(sender, size, number)
        errors = ping(sender)
        equal(bites(server, name) - before, len(errors), "bites of " + name)
        if errors:
            error = errors[0].find("{jabber:client}error")
            equal((error.get("type"), error[0].tag), ("wait", STANZAS + "resource-constraint"), xmpp.text_of(errors[0]))
            return number
        messages(receiver, 1)
    raise AssertionError("%d were taken" % most)


def room_again(sender, receiver, taken):
    receiver.send("<a xmlns='urn:xmpp:sm:3' h='%d'/>" % taken)
    ping(receiver)
    tell(sender, 10)
    equal(ping(sender), [], "errors")
    messages(receiver, 1)


def outbox(server):
    """so many bytes wait for one client; with one message more its sender is told to try again"""
    gone(server)
    with_options(server, outbox_bytes='"64 KiB"', stanza_bytes='"64 KiB"')
    romeo, juliet = logged_in(server, ROMEO + "/phone"), forgetful(server)
    taken = until_refused(server, "outbox_bytes", romeo, juliet, 10000, 20)
    equal(taken, 7, "messages of 10 KB in 64 KiB")
    room_again(romeo, juliet, taken)
    for client in (romeo, juliet):
        client.close()


def arena(server):
    """so many bytes wait for all clients of a worker; then senders are told the same"""
    gone(server)
    with_options(server, outbox_bytes='"16 MiB"', ack_timeout='"1 h"')
    romeo, juliet = logged_in(server, ROMEO + "/phone"), forgetful(server)
    taken = until_refused(server, "arena_bytes", romeo, juliet, 250000, 100)
    if not 16 << 20 > taken * 250000 > 15 << 20:
        raise AssertionError("%d messages of 250 KB in 16 MiB" % taken)
    room_again(romeo, juliet, taken)
    for client in (romeo, juliet):
        client.close()


def inactive(server):
    """so many stanzas are held back from an inactive client; with one more it gets them all"""
    gone(server)
    with_options(server, csi_queue=3)
    romeo, juliet = logged_in(server, ROMEO + "/phone"), logged_in(server, BALCONY)
    juliet.send("<inactive xmlns='urn:xmpp:csi:0'/>")
    server.wait_for(lambda: any(s["inactive"] for s in server.sessions()), "it is inactive")
    typing = "<message to='%s' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>" % BALCONY
    with Bites(server, "csi_queue", 0):
        romeo.send(typing * 3)
        equal(ping(romeo), [], "errors")
        equal([s["queue_entries"] for s in server.sessions() if s["jid"] == BALCONY], [3], "entries that wait")
    bites_once(server, "csi_queue", lambda: romeo.send(typing))
    messages(juliet, 4)
    for client in (romeo, juliet):
        client.close()


def away(server, name, options, size):
    """Two wait for a client that comes back; with three the session ends, and they wait for another one."""
    gone(server)
    with_options(server, **options)
    romeo, juliet = logged_in(server, ROMEO + "/phone"), Managed(server, BALCONY, 0)

    def lose(count):
        juliet.lose()
        server.wait_for(lambda: any(s["hibernating"] for s in server.sessions()), "it hibernates")
        for number in range(count):
            tell(romeo, size, number)
        equal(ping(romeo), [], "errors")
    with Bites(server, name, 0):
        lose(2)
        juliet.resume(0)	# on another worker it is asked for by a timer
        equal([juliet.get().get("id") for _ in range(2)], ["0", "1"], "what waited")
        juliet.conn.send("<a xmlns='urn:xmpp:sm:3' h='%d'/>" % juliet.got)
        juliet.ping()
        juliet.conn.send("<a xmlns='urn:xmpp:sm:3' h='%d'/>" % juliet.got)
    bites_once(server, name, lambda: lose(3))
    server.wait_for(lambda: len(server.sessions()) == 1, "the session ends")
    again = logged_in(server, BALCONY)
    again.send("<presence/>")
    messages(again, 3)
    for client in (romeo, again):
        client.close()


def stanzas_of_who_is_away(server):
    """so many stanzas wait for a client that may resume its session; with one more they go where offline messages go"""
    away(server, "hibernated_stanzas", {"hibernated_stanzas": 2}, 10)


def bytes_of_who_is_away(server):
    """the same for bytes"""
    away(server, "hibernated_bytes", {"hibernated_bytes": 16384}, 7000)


def questions(server):
    """so many questions of the server wait for one client's answers; one more is not asked"""
    gone(server)
    with_options(server, iq_outstanding=2)
    client = logged_in(server, ROMEO + "/phone")

    def asked(ver):
        client.send(with_capabilities(ver))
        return [one.get("id") for one in ping(client) if one.get("type") == "get"]
    with Bites(server, "iq_outstanding", 0):
        equal(asked("a") + asked("b"), ["caps-a", "caps-b"], "questions")
    with Bites(server, "iq_outstanding", 1):
        equal(asked("c"), [], "questions")
    client.send("<iq type='result' id='caps-a' to='localhost'/>")
    with Bites(server, "iq_outstanding", 0):
        equal(asked("c"), ["caps-c"], "questions, after one was answered")
    client.close()


if __name__ == "__main__":
    run([outbox, arena, inactive, stanzas_of_who_is_away, bytes_of_who_is_away, questions], make_server)
