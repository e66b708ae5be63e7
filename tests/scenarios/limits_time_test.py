#!/usr/bin/python3
"""Limits of time: a client is there until its time is up, then its connection ends, and is counted."""
import contextlib

from client import STREAM, Client
from facts import equal, run
from limits import (JULIET, ROMEO, STREAMS, Bites, bites_once, gone, logged_in, make_server, with_capabilities,
                    with_options)
from server import PASSWORD

QUESTION = b"<iq type='get' id='q' to='localhost'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>"


def login_time(server):
    """who has not logged in in time is told so"""
    gone(server)
    with_options(server, login_timeout='"20 s"', handshake_timeout='"10 s"')
    client = Client(server)
    client.open()
    with Bites(server, "handshake_timeout", 1):
        server.move_clock(11)
        equal(client.get()[0].tag, STREAMS + "connection-timeout", "condition")
    client.close()
    client = Client(server)
    client.open()
    for _ in range(2):
        server.move_clock(8)
        client.send(" ")
    with Bites(server, "login_timeout", 1):
        server.move_clock(5)
        equal(client.get()[0].tag, STREAMS + "connection-timeout", "condition")
    client.close()


def is_there(server, client, jid):
    client.ping()
    equal([s["jid"] for s in server.sessions()], [jid], "sessions")


def dropped(server, name, client):
    """Its connection ends without a word once the other half of its time is over."""
    bites_once(server, name, lambda: server.move_clock(31))
    client.wait_for_close()
    server.wait_for(lambda: not server.sessions(), "its session ends")
    client.close()


def silence(server):
    """who says nothing is asked for a sign of life, and dropped where none comes"""
    gone(server)
    with_options(server, idle_timeout='"60 s"', idle_drop='"60 s"')
    client = logged_in(server, ROMEO + "/phone")
    with Bites(server, "idle_drop", 0):
        for _ in range(2):
            server.move_clock(61)
            equal(client.get().get("id"), "alive", "question")
            server.move_clock(30)
            is_there(server, client, ROMEO + "/phone")
    server.move_clock(61)
    equal(client.get().get("id"), "alive", "question")
    server.move_clock(30)
    dropped(server, "idle_drop", client)


def deafness(server):
    """who reads nothing of what waits for it is dropped"""
    gone(server)
    with_options(server, write_timeout='"60 s"')
    client = Client(server)
    client.login(ROMEO + "/phone", PASSWORD, tls=False)
    client.socket.setblocking(False)
    rest = b""

    def ask():
        nonlocal rest
        with contextlib.suppress(OSError):	# it would block, or the connection has ended
            while True:
                rest = rest or QUESTION * 50
                rest = rest[client.socket.send(rest):]

    def is_stuck():
        ask()
        return server.sessions()[0]["queue_bytes"] > 65536

    def is_dropped():
        ask()
        server.move_clock(31)	# since its socket took the last byte, which may still happen now
        return not server.sessions()
    server.wait_for(is_stuck, "it is stuck")
    with Bites(server, "write_timeout", 0):
        server.move_clock(30)
        equal(len(server.sessions()), 1, "sessions")
    with Bites(server, "write_timeout", 1):
        server.wait_for(is_dropped, "its session ends")
    client.close()


def end(server):
    """who does not answer the end of the stream is dropped, and who does is not counted"""
    gone(server)
    with_options(server, close_timeout='"60 s"')
    for answers in (True, False):
        client = logged_in(server, ROMEO + "/phone")
        client.send("<wrong/>")
        equal(client.get().tag, STREAM + "error", "answer")
        with Bites(server, "close_timeout", 0):
            server.move_clock(30)
            equal(len(server.sessions()), 1, "sessions")
            if answers:
                client.send("</stream:stream>")
                client.close()
                server.wait_for(lambda: not server.sessions(), "its session ends")
    dropped(server, "close_timeout", client)


def acknowledgement(server):
    """who is asked to acknowledge and does not is dropped"""
    gone(server)
    with_options(server, ack_timeout='"60 s"', ack_every=1)
    romeo, juliet = logged_in(server, ROMEO + "/phone"), logged_in(server, JULIET + "/balcony")
    juliet.send("<enable xmlns='urn:xmpp:sm:3'/>")
    equal(juliet.get().tag, "{urn:xmpp:sm:3}enabled", "answer")
    with Bites(server, "ack_timeout", 0):
        for h in (1, 2):
            romeo.send("<message to='%s/balcony'/>" % JULIET)
            equal(juliet.get().tag, "{jabber:client}message")
            equal(juliet.get().tag, "{urn:xmpp:sm:3}r")
            server.move_clock(30)
            if h == 1:
                juliet.send("<a xmlns='urn:xmpp:sm:3' h='1'/><r xmlns='urn:xmpp:sm:3'/>")
                equal(juliet.get().tag, "{urn:xmpp:sm:3}a")
    romeo.close()
    bites_once(server, "ack_timeout", lambda: server.move_clock(36))	# it is looked at every ack_after
    juliet.wait_for_close()
    juliet.close()


def answer(server):
    """who does not answer the server's question in time may be asked it again"""
    gone(server)
    with_options(server, iq_timeout='"60 s"')
    client = logged_in(server, ROMEO + "/phone")

    def asked():
        client.send(with_capabilities("ver"))
        return "caps-ver" in [stanza.get("id") for stanza in client.until_answered()]
    with Bites(server, "iq_timeout", 0):
        equal(asked(), True, "it is asked")
        server.move_clock(59)
        equal(asked(), False, "it is asked once more")
    bites_once(server, "iq_timeout", lambda: server.move_clock(1))
    equal(asked(), True, "it is asked when the time is over")
    client.close()


if __name__ == "__main__":
    run([login_time, silence, deafness, end, acknowledgement, answer], make_server)
