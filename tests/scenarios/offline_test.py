#!/usr/bin/env python3
"""Offline messages: a thousand of them, over the quota, two clients at once, and kill -9 of the worker that gives them."""
import os
import signal

import client as xmpp
from facts import equal, run
from pair import enter, seat
from server import Server

MOST = 1000
STRANGERS = 100
QUOTA = 16 << 20
LARGE = 400
ROUNDS = 8
AT_ONCE = 150
BODY = "x" * 1500


def write(romeo, first, count, body="x", to="juliet@localhost"):
    """So many numbered messages."""
    romeo.send("".join("<message to='%s' type='chat' id='%d'><body>%s</body></message>" % (to, i, body)
                       for i in range(first, first + count)))


def fill(romeo):
    """The nurse's queue is full from now on."""
    write(romeo, 0, MOST + 1, to="nurse@localhost")
    equal(romeo.get().get("id"), str(MOST), "refusal")


def until_kept(romeo):
    """One to the nurse is refused, behind what was kept before it: a store answers in the order of requests."""
    write(romeo, MOST, 1, to="nurse@localhost")
    got = romeo.get()
    equal((got.get("type"), got.get("id")), ("error", str(MOST)), "what comes back")


def appear(client, priority=0):
    client.send("<presence><priority>%d</priority></presence>" % priority)


def numbers_until_answered(client):
    """Numbers of the messages that come before the answer of a ping."""
    return [int(got.get("id")) for got in client.until_answered() if got.tag.endswith("}message")]


def read(client, count):
    """So many messages: their numbers, in the order of their coming."""
    numbers = []
    while len(numbers) < count:
        got = client.get()
        if got is None:
            raise AssertionError("the stream ended")
        if got.tag.endswith("}message"):
            numbers.append(int(got.get("id")))
    return numbers


def strangers(server):
    """of a stranger fewer are kept, of one who is in the roster as many as there may be"""
    romeo = enter(server, "romeo@localhost/phone")
    write(romeo, 0, STRANGERS + 1)
    got = romeo.get()
    equal((got.get("type"), got.get("id")), ("error", str(STRANGERS)), "refusal")
    for jid in ("juliet@localhost/balcony", "nurse@localhost/house"):
        friend = enter(server, jid)
        friend.send("<iq type='set' id='r'><query xmlns='jabber:iq:roster'><item jid='romeo@localhost'/></query></iq>")
        equal(friend.get().get("type"), "result", "roster set")
        if jid.startswith("juliet"):
            appear(friend)
            equal(read(friend, STRANGERS), list(range(STRANGERS)), "numbers")
        friend.close()
    romeo.close()


def thousand(server):
    """a thousand messages come in order and once, the next one is refused"""
    romeo = enter(server, "romeo@localhost/phone")
    write(romeo, 0, MOST)
    write(romeo, MOST, 1)
    got = romeo.get()
    equal((got.get("type"), got.get("id"), got.get("from")), ("error", str(MOST), "juliet@localhost"), "refusal")
    equal(got.find("{jabber:client}error")[0].tag, "{urn:ietf:params:xml:ns:xmpp-stanzas}service-unavailable",
          "condition")
    juliet = enter(server, "juliet@localhost/balcony")
    appear(juliet)
    equal(read(juliet, MOST), list(range(MOST)), "numbers")
    equal(numbers_until_answered(juliet), [], "more")
    juliet.close()
    juliet = enter(server, "juliet@localhost/balcony")
    appear(juliet)
    equal(numbers_until_answered(juliet), [], "once more")
    juliet.close()
    romeo.close()


def bytes_quota(server):
    """what is over the bytes of an account is refused, what still fits is kept"""
    romeo = enter(server, "romeo@localhost/phone")
    fit = QUOTA // 200200
    write(romeo, 0, fit + 1, "x" * 200000)
    got = romeo.get()
    equal((got.get("type"), got.get("id")), ("error", str(fit)), "refusal")
    write(romeo, fit + 1, 1)
    juliet = enter(server, "juliet@localhost/balcony")
    appear(juliet)
    equal(read(juliet, fit + 1), [*range(fit), fit + 1], "numbers")
    juliet.close()
    romeo.close()


def at_once(server):
    """two clients that become available at once on two workers get each message once"""
    romeo = enter(server, "romeo@localhost/phone")
    fill(romeo)
    for _ in range(ROUNDS):
        juliets = [seat(server, "juliet@localhost/w%d" % worker, worker) for worker in (0, 1)]
        write(romeo, 0, AT_ONCE, BODY)
        until_kept(romeo)
        for juliet in juliets:
            appear(juliet)
        numbers = [[], []]
        for _ in range(2000):
            for i, juliet in enumerate(juliets):
                numbers[i] += numbers_until_answered(juliet)
            if sum(map(len, numbers)) >= AT_ONCE:
                break
        for i, juliet in enumerate(juliets):
            numbers[i] += numbers_until_answered(juliet)
            equal(numbers[i], sorted(numbers[i]), "order of worker %d's" % i)
            juliet.close()
        equal(sorted(numbers[0] + numbers[1]), list(range(AT_ONCE)), "all of them")
        server.wait_for(lambda: len(server.sessions()) == 1, "both have left")
    romeo.close()


def killed(server):
    """kill -9 of the worker that gives them loses none: the other client gets what the first did not"""
    romeo = seat(server, "romeo@localhost/phone", 1)
    first = seat(server, "juliet@localhost/first", 0)
    other = seat(server, "juliet@localhost/other", 1)
    write(romeo, 0, LARGE, "x" * 40000)
    until_kept(romeo)
    appear(first)
    numbers = read(first, 1)	# and no more: they fill what the kernel takes
    appear(other)
    equal(numbers_until_answered(other), [], "while the first one has the claim")
    victim = next(p for p in server.processes("worker") if p["number"] == 0)
    os.kill(victim["pid"], signal.SIGKILL)
    try:
        while True:
            numbers += read(first, 1)
    except (xmpp.Closed, AssertionError):
        pass
    rest = read(other, 1)
    while LARGE - 1 not in rest:
        rest += read(other, 1)
    equal(rest, list(range(rest[0], LARGE)), "the rest")
    equal(sorted(set(numbers + rest)), list(range(LARGE)), "all of them")
    equal(numbers_until_answered(other), [], "more")
    for client in (romeo, first, other):
        client.close()


def make_server():
    return Server(workers=2, host_options="require_tls = false;",
                  options='offline_messages = %d; offline_bytes = %d;' % (MOST, QUOTA),
                  accounts=("romeo@localhost", "juliet@localhost", "nurse@localhost"))


if __name__ == "__main__":
    run((strangers, thousand, bytes_quota, at_once, killed), make_server)
