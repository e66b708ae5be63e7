#!/usr/bin/env python3
"""What strangers can make the server hold: connections that send the most they may, and many that break off."""
import resource
import socket
import ssl

import client as xmpp
import reports
from facts import equal, run
from scram import Scram
from server import BUILD, PASSWORD, Server

CONNECTIONS = 1000
BYTES_EACH = 64 * 1024
CUTS = 2000
GROWTH = 1024 * 1024
HEADER = ("<?xml version='1.0'?><stream:stream to='%s' xmlns='jabber:client' "
          "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>")
AUTH = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='%s'>"


def memory(server):
    return sum(p["rss_bytes"] for p in server.processes("worker"))


def at_most(most, got):
    print("     %+.1f KiB" % (got / 1024))
    if reports.is_sanitized(BUILD):
        print("     SKIPPED: " + reports.OWN_MALLOC)
    elif got > most:
        raise AssertionError("%.1f KiB" % (got / 1024))


def many_attributes():
    return "<auth %s " % " ".join("a%d='%s'" % (i, "x" * 100) for i in range(60))


def many_elements():
    return AUTH % "PLAIN" + "<a b='c'>" * 6 + "<d/>" * 20 + "<e>" + "&amp;" * 1500


# All but the end of an element, each below the 8 KiB, 32 elements, 64 attributes and 8 levels of before the login.
FILLS = (AUTH % "PLAIN" + "A" * 8000, many_attributes(), many_elements(), AUTH % "PLAIN" + "<a><b><c>" + "x" * 7900,
         "<auth xmlns='" + "n" * 8000)


def fill(server, number):
    """Header, features, TLS for every second, then as much as fits, without an end."""
    client = xmpp.Client(server)
    client.open()
    if number % 2:
        client.starttls()
    client.send(FILLS[number % len(FILLS)])
    return client


def let_read(server):
    """Both workers have read what came before: a round trip on each, behind all that."""
    seen = set()
    while len(seen) < server.workers:
        client = xmpp.Client(server)
        client.open()
        seen.add(server.worker_of(client))
        client.close()


def unfinished(server):
    """1,000 strangers that send the most they may and stay cost less than 64 KiB each"""
    warm = [fill(server, i) for i in range(50)]
    let_read(server)
    for client in warm:
        client.close()
    server.wait_for(lambda: not server.sessions(), "they are gone")
    before = memory(server)
    clients = [fill(server, i) for i in range(CONNECTIONS)]
    let_read(server)
    equal(len(server.sessions()), CONNECTIONS, "connections that stay")
    each = (memory(server) - before) / CONNECTIONS
    for client in clients:
        client.close()
    server.wait_for(lambda: not server.sessions(), "they are gone", 60)
    at_most(BYTES_EACH, each)


# --- connections that break off ---

def raw(server, data=b"", port=None):
    one = socket.create_connection(("127.0.0.1", port or server.port), xmpp.TIMEOUT)
    one.sendall(data)
    return one


def client_hello():
    inside = ssl.MemoryBIO()
    outside = ssl.MemoryBIO()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(inside, outside, server_hostname="localhost")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outside.read()


HELLO = client_hello()


def connected(server):
    return raw(server)


def in_header(server):
    return raw(server, (HEADER % "localhost").encode()[:60])


def after_features(server):
    client = xmpp.Client(server)
    client.open()
    return client


def in_hello(server):
    return raw(server, HELLO[:100], server.tls_port)


def in_handshake(server):
    one = raw(server, HELLO, server.tls_port)
    one.recv(1)
    return one


def under_tls(server):
    client = after_features(server)
    client.starttls()
    return client


def in_auth(server):
    client = under_tls(server)
    client.send(AUTH % "PLAIN" + "AAAA")
    return client


def at_challenge(server):
    client = under_tls(server)
    equal(client.auth("SCRAM-SHA-256", Scram("SCRAM-SHA-256", "romeo", PASSWORD).first()).tag, xmpp.SASL + "challenge")
    return client


def at_work(server):
    """PBKDF2 is under way, or just done, when the connection goes."""
    client = under_tls(server)
    client.send(AUTH % "PLAIN" + xmpp.encode(b"\0romeo\0secret") + "</auth>")
    return client


def logged_in(server):
    client = under_tls(server)
    equal(client.plain("romeo", PASSWORD).tag, xmpp.SASL + "success")
    return client


def unbound(server):
    client = logged_in(server)
    client.open()
    return client


STATES = (connected, in_header, after_features, in_hello, in_handshake, under_tls, in_auth, at_challenge, at_work,
          logged_in, unbound)


def break_off(server, count):
    for number in range(count):
        STATES[number % len(STATES)](server).close()
    server.wait_for(lambda: not server.sessions(), "all are gone", 60)


def broken_off(server):
    """2,000 connections that break off, in every state, leave memory flat and all slots free"""
    break_off(server, CUTS // 4)
    before = memory(server)
    break_off(server, CUTS)
    growth = memory(server) - before
    equal(server.ctl_json("stats")["memory"]["slots_used"], 0, "slots in use")
    at_most(GROWTH, growth)


FACTS = [unfinished, broken_off]

if __name__ == "__main__":
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 16384), most))
    run(FACTS, lambda: Server(workers=2, accounts=("romeo@localhost",), log_level="warn",
                              options="handshake_timeout = \"2 min\"; login_timeout = \"10 min\";"))
