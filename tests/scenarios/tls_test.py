#!/usr/bin/python3
"""TLS from outside: what STARTTLS lets through, versions, names, tickets on any worker, and who is too slow."""
import os
import signal
import socket
import ssl

from client import SASL, STREAM, Client, Closed, text_of
from facts import equal, run
from server import PASSWORD, Server
from tls_client import SSL, TlsClient

STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
STARTTLS_TAG = "{urn:ietf:params:xml:ns:xmpp-tls}starttls"
HEADER = ("<?xml version='1.0'?><stream:stream to='localhost' xmlns='jabber:client' "
          "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>")
AUTH = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AHJvbWVvAHNlY3JldA==</auth>"


def rest_of(raw):
    """All bytes up to the close."""
    data = b""
    while True:
        try:
            more = raw.recv(65536)
        except ConnectionError:
            return data
        if not more:
            return data
        data += more


def refused(what, *arguments, **how):
    """A handshake that must fail; returns what OpenSSL said."""
    try:
        TlsClient(*arguments, direct_tls=True, **how).close()
    except (SSL.Error, OSError) as e:
        return str(e)
    raise AssertionError(what + " was accepted")


def pipelining(server):
    """bytes behind <starttls/> in its packet close the connection, and are never looked at"""
    for behind in (HEADER, AUTH, " ", "<", "\x16\x03\x01\x00\x05hello", HEADER + AUTH):
        mark = server.log.mark()
        client = Client(server)
        client.open()
        client.socket.sendall((STARTTLS + behind).encode("latin-1"))
        rest = rest_of(client.socket)
        client.close()
        for said in (b"stream:stream", b"success", b"failure", b"features"):
            if said in rest:
                raise AssertionError("behind %r came %r" % (behind, rest))
        server.log.wait("bytes in clear behind starttls", mark)


def starttls_twice(server):
    """STARTTLS inside TLS is not there to be had"""
    client = TlsClient(server)
    client.open()
    features = client.starttls()
    equal(features.find(STARTTLS_TAG), None, "offer")
    client.send(STARTTLS)
    answer = client.get()
    equal(answer.tag, STREAM + "error", text_of(answer))
    client.close()


def starttls_after_login(server):
    """who has logged in in clear, where that is allowed, is not offered STARTTLS any more (RFC 6120 5.3.4)"""
    client = Client(server, host="clear.example")
    features = client.open()
    equal(features.find(STARTTLS_TAG) is not None, True, "before")
    equal(client.scram("romeo", PASSWORD).tag, SASL + "success")
    equal(client.open().find(STARTTLS_TAG), None, "after")
    client.bind("x")
    client.close()


def clear_on_tls_port(server):
    """bytes in clear on the port of direct TLS close the connection, and so does TLS on the port of STARTTLS"""
    for port, data in ((server.tls_port, HEADER.encode()), (server.port, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc")):
        raw = socket.create_connection(("127.0.0.1", port), 20)
        raw.sendall(data)
        if b"features" in rest_of(raw):
            raise AssertionError("port %d answered" % port)
        raw.close()


def versions(server):
    """TLS 1.2 and 1.3 are spoken, 1.0 and 1.1 are refused"""
    for version in ("1.2", "1.3"):
        client = TlsClient(server, version=version, direct_tls=True)
        equal(client.tls.get_protocol_version_name(), "TLSv" + version)
        client.close()
    for version in ("1.0", "1.1"):
        refused("TLS " + version, server, version=version)


def weak_ciphers(server):
    """without forward secrecy there is no TLS"""
    context = ssl.create_default_context(cafile=server.path("localhost.crt"))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-SHA:AES256-GCM-SHA384:AES128-GCM-SHA256:@SECLEVEL=0")
    raw = socket.create_connection(("127.0.0.1", server.tls_port), 20)
    try:
        context.wrap_socket(raw, server_hostname="localhost")
    except (ssl.SSLError, OSError):
        return
    finally:
        raw.close()
    raise AssertionError("a key exchange without forward secrecy was accepted")


def renegotiation(server):
    """a renegotiation under TLS 1.2 ends the connection"""
    client = TlsClient(server, version="1.2", direct_tls=True)
    client.open()
    mark = server.log.mark()
    client.tls.renegotiate()
    try:
        client.socket.patiently(client.tls.do_handshake)
        client.send(" ")
        while client.get() is not None:
            pass
    except (SSL.Error, OSError, Closed):
        pass
    else:
        raise AssertionError("the connection lives on")
    server.log.wait("renegotiation", mark)
    client.close()


def protocols(server):
    """ALPN chooses xmpp-client among others, refuses where it is not offered, and may be left out"""
    for offer in (["xmpp-client"], ["http/1.1", "xmpp-client"]):
        client = TlsClient(server, protocols=offer, direct_tls=True)
        equal(client.tls.get_alpn_proto_negotiated(), b"xmpp-client", offer)
        client.close()
    refused("h2", server, protocols=["h2", "http/1.1"])
    refused("xmpp-server", server, protocols=["xmpp-server"])
    client = TlsClient(server, protocols=[], direct_tls=True)
    equal(client.tls.get_alpn_proto_negotiated(), b"", "without")
    client.open()
    client.close()


def subject(client):
    return client.certificate().subject.rfc4514_string()


def names(server):
    """the name that the client asks for picks the certificate, by either way into TLS"""
    for host in ("localhost", "example.org"):
        for direct in (True, False):
            client = TlsClient(server, host=host, direct_tls=direct)
            if direct:
                client.open()
            else:
                client.open()
                client.starttls()
            equal(subject(client), "CN=" + host)
            client.close()
    client = TlsClient(server, host="example.org", name="EXAMPLE.ORG", direct_tls=True)
    equal(subject(client), "CN=example.org", "in capitals")
    client.close()


def names_by_stream(server):
    """a client that asks for no name, or one that is not served, gets the certificate of its stream's host"""
    for name in ("", "xmpp.example.net"):
        client = TlsClient(server, host="example.org", name=name)
        client.open()
        client.starttls()
        equal(subject(client), "CN=example.org", "name " + name)
        client.close()


def direct(server):
    """direct TLS logs in, and `sessions` tells the ways apart"""
    client = TlsClient(server, direct_tls=True)
    client.open()
    equal(client.plain("romeo", PASSWORD).tag, SASL + "success")
    client.open()
    client.bind("direct")
    other = Client(server)
    other.login("romeo@localhost/starttls", PASSWORD)
    ways = {s["jid"]: (s["secure"], s["direct_tls"]) for s in server.sessions() if s["jid"]}
    equal(ways.get("romeo@localhost/direct"), (True, True))
    equal(ways.get("romeo@localhost/starttls"), (True, False))
    client.close()
    other.close()


def seated(server, wanted, **how):
    """Connects until a worker took it for which wanted(number) holds."""
    for _ in range(200):
        client = TlsClient(server, direct_tls=True, **how)
        client.open()		# a ticket of TLS 1.3 comes with the first bytes
        client.worker = server.worker_of(client)
        if wanted(client.worker):
            return client
        client.close()
    raise AssertionError("the kernel seats all connections on one worker")


def ticket_of(client):
    session = client.tls.get_session()
    client.close()
    return session


def tickets(server):
    """a ticket of one worker resumes on another, under TLS 1.2 and 1.3"""
    for version in ("1.2", "1.3"):
        first = seated(server, lambda worker: True, version=version)
        equal(first.is_resumed(), False, "first")
        session = ticket_of(first)
        again = seated(server, lambda worker: worker != first.worker, version=version, session=session)
        equal(again.is_resumed(), True, version)
        again.close()


def tickets_outlive_workers(server):
    """a ticket resumes after the worker that gave it was killed"""
    first = seated(server, lambda worker: True, version="1.3")
    session = ticket_of(first)
    victim = server.worker(first.worker)
    os.kill(victim["pid"], signal.SIGKILL)
    server.wait_for(lambda: server.worker(first.worker)["state"] == "ready" and
                    server.worker(first.worker)["pid"] != victim["pid"], "a replacement")
    again = seated(server, lambda worker: worker == first.worker, version="1.3", session=session)
    equal(again.is_resumed(), True)
    again.close()


def tickets_of_hosts(server):
    """a ticket of one host opens no other"""
    first = seated(server, lambda worker: True, version="1.3")
    session = ticket_of(first)
    other = TlsClient(server, host="example.org", version="1.3", session=session, direct_tls=True)
    equal(other.is_resumed(), False)
    equal(subject(other), "CN=example.org")
    other.close()


def silence(server):
    """who connects and says nothing is dropped after 10 seconds, on either port"""
    raw = [socket.create_connection(("127.0.0.1", port), 20) for port in (server.port, server.tls_port)]
    server.wait_for(lambda: len(server.sessions()) >= 2, "both are accepted")
    server.move_clock(9)
    equal(len(server.sessions()), 2, "after 9 seconds")
    server.move_clock(2)
    for one in raw:
        rest_of(one)
        one.close()


def slow_handshake(server):
    """a handshake that does not come to its end within 10 seconds is dropped, though bytes still trickle"""
    hello = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), None)
    hello.set_connect_state()
    try:
        hello.do_handshake()
    except SSL.WantReadError:
        pass
    data = hello.bio_read(4096)
    raw = socket.create_connection(("127.0.0.1", server.tls_port), 20)
    for i in range(3):
        raw.sendall(data[i * 8:i * 8 + 8])
        server.wait_for(lambda: server.sessions(), "accepted")
        server.move_clock(5)
    equal(rest_of(raw), b"")
    raw.close()


def compression(server):
    """no compression, of TLS or of XEP-0138"""
    hello = SSL.Connection(SSL.Context(SSL.TLSv1_2_METHOD), None)
    hello.set_connect_state()
    try:
        hello.do_handshake()
    except SSL.WantReadError:
        pass
    raw = socket.create_connection(("127.0.0.1", server.tls_port), 20)
    raw.sendall(with_deflate(hello.bio_read(4096)))
    answer = raw.recv(4096)
    raw.close()
    equal(answer[:1] + answer[5:6], b"\x16\x02", "a ServerHello")
    after_session = 5 + 4 + 2 + 32 + 1 + answer[43]
    equal(answer[after_session + 2], 0, "the method of compression")
    client = TlsClient(server)
    client.open()
    equal("compress" in text_of(client.starttls()), False, "the features")
    client.close()


def with_deflate(hello):
    """A ClientHello that offers deflate before no compression: one byte more in all its lengths."""
    at = 5 + 4 + 2 + 32
    at += 1 + hello[at]
    at += 2 + int.from_bytes(hello[at:at + 2], "big")
    equal(hello[at:at + 2], b"\x01\x00", "methods of compression")
    body = hello[9:at] + b"\x02\x01\x00" + hello[at + 2:]
    return (hello[:3] + (len(body) + 4).to_bytes(2, "big") + hello[5:6] + len(body).to_bytes(3, "big") + body)


FACTS = [pipelining, starttls_twice, starttls_after_login, clear_on_tls_port, versions, weak_ciphers, renegotiation,
         protocols, names, names_by_stream, direct, tickets, tickets_outlive_workers, tickets_of_hosts, silence,
         slow_handshake, compression]

if __name__ == "__main__":
    run(FACTS, lambda: Server(
        workers=2, hosts=("localhost", "example.org", "clear.example"),
        accounts=("romeo@localhost", "romeo@example.org", "romeo@clear.example"),
        options_of={"clear.example": "require_tls = false;"}))
