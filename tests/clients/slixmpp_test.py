#!/usr/bin/python3
"""
Two slixmpp clients, on different workers, talk over TLS with a certificate they have verified.

slixmpp 1.8.3, which Debian 12 has, knows no channel binding but tls-unique, which TLS 1.3 has not. It tries that with
every -PLUS, whatever types the server names (XEP-0440); then it tells a server that offers -PLUS that it offers none:
RFC 5802 6 has such a login fail, since an attacker may have taken the offer out. What is left is PLAIN. No honest offer
changes that (the order does not count: it has scores of its own; 1.8.5 has it mended), so example.org offers no -PLUS,
and at localhost the client is told not to bind where SCRAM is wanted.
"""
from slixmpp_kit import TIMEOUT, Client, logged_in, on_loop, seat_of

import facts
from facts import equal
from server import PASSWORD, Server

HOST = "example.org"
MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN")


async def talk(server):
    """they log in on different workers, and hear each other both ways, in order"""
    romeo = await logged_in(server, "romeo@" + HOST + "/orchard", 0)
    juliet = await logged_in(server, "juliet@" + HOST + "/balcony", 1)
    for sender, receiver in ((romeo, juliet), (juliet, romeo)):
        for i in range(20):
            sender.send_message(receiver.boundjid, "line %d \u2665 <&>" % i, mtype="chat")
        for i in range(20):
            message = await receiver.hear()
            equal((message["from"].full, message["body"]), (sender.boundjid.full, "line %d \u2665 <&>" % i))
    await romeo.end()
    await juliet.end()


async def to_bare_jid(server):
    """a message to the bare JID reaches the resource that has sent presence"""
    romeo = await logged_in(server, "romeo@" + HOST + "/orchard", 0)
    juliet = await logged_in(server, "juliet@" + HOST + "/balcony", 1)
    juliet.send_presence()
    await juliet.handled()
    romeo.send_message("juliet@" + HOST, "who is there?", mtype="chat")
    equal((await juliet.hear())["body"], "who is there?")
    await romeo.end()
    await juliet.end()


async def version(server):
    """one asks the other and the server for their versions, and pings both"""
    romeo = await logged_in(server, "romeo@" + HOST + "/orchard", 0)
    juliet = await logged_in(server, "juliet@" + HOST + "/balcony", 1)
    answer = await romeo["xep_0092"].get_version(juliet.boundjid, timeout=TIMEOUT)
    equal(answer["software_version"]["name"], "test of juliet")
    answer = await romeo["xep_0092"].get_version(HOST, timeout=TIMEOUT)
    equal(answer["software_version"]["name"], "Rookery")
    await romeo["xep_0199"].ping(juliet.boundjid, timeout=TIMEOUT)
    await romeo["xep_0199"].ping(HOST, timeout=TIMEOUT)
    info = await romeo["xep_0030"].get_info(HOST, timeout=TIMEOUT)
    equal("urn:xmpp:ping" in info["disco_info"]["features"], True, "disco")
    await romeo.end()
    await juliet.end()


async def wrong_password(server):
    """a wrong password is refused with not-authorized"""
    client = Client(server, "romeo@%s/x" % HOST, "wrong")
    equal(set((await client.start()).split()), {"not-authorized"})
    await client.end()


async def wrong_certificate(server):
    """with another authority's certificate there is no login: the check above is one"""
    client = Client(server, "romeo@%s/x" % HOST, PASSWORD)
    client.ca_certs = server.path("localhost.crt")
    outcome = await client.start()
    equal(outcome.startswith("certificate"), True, outcome)
    await client.end()


def without_binding(client):
    """It has no option for that."""
    plugin = client["feature_mechanisms"]
    ask = plugin.sasl_callback
    plugin.sasl_callback = lambda needed, optional: dict(ask(needed, optional), channel_binding=None)
    return client


async def defaults(server):
    """left to itself it tries all that binds, in vain, and comes to PLAIN under TLS within its attempts"""
    client = await logged_in(server, "romeo@localhost/defaults")
    equal(client.failures, ["not-authorized"] * 6)
    seat = seat_of(server, client)
    equal((seat["mechanism"], seat["secure"]), ("PLAIN", True))
    await client.end()


async def mechanisms(server):
    """each mechanism it knows logs in when it is told to take that one, with -PLUS beside it or not"""
    for host in ("localhost", HOST):
        for mechanism in MECHANISMS:
            client = Client(server, "romeo@%s/%s" % (host, mechanism), PASSWORD, sasl_mech=mechanism)
            if host == "localhost":
                without_binding(client)
            equal(await client.start(), "started", mechanism)
            taken = [s["mechanism"] for s in server.sessions() if s["jid"] == client.boundjid.full]
            equal(taken, [mechanism])
            await client.end()


FACTS = [on_loop(f) for f in (talk, to_bare_jid, version, wrong_password, wrong_certificate, defaults, mechanisms)]

if __name__ == "__main__":
    facts.run(FACTS, lambda: Server(
        workers=2, accounts=("romeo@localhost", "romeo@" + HOST, "juliet@" + HOST),
        options_of={HOST: "mechanisms = [ %s ];" % ", ".join('"%s"' % m for m in MECHANISMS)}))
