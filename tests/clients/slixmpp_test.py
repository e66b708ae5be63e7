#!/usr/bin/python3
"""
Two slixmpp clients, on different workers, talk over TLS with a certificate they have verified.

slixmpp 1.8, which Debian 12 has, knows no channel binding but tls-unique, and tells a server that offers -PLUS with
others that it offers none: RFC 5802 6 has such a login fail. So example.org offers no -PLUS, and at localhost the
client is told not to bind.
"""
import asyncio
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "scenarios"))

import facts  # noqa: E402
from facts import equal  # noqa: E402
from server import PASSWORD, Server  # noqa: E402

try:
    import slixmpp
except ImportError:
    facts.skip("no slixmpp module for Python (package python3-slixmpp)")

TIMEOUT = 30
HOST = "example.org"
MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN")


class Client(slixmpp.ClientXMPP):
    """Its events in queues, so that a test awaits them."""

    all = []		# one that is collected too early complains

    def __init__(self, server, jid, password, **how):
        super().__init__(jid, password, **how)
        self.all.append(self)
        self.rookery = server
        self.ca_certs = server.path(self.boundjid.host + ".crt")
        self.plugin_config = {}
        self.register_plugin("xep_0092", {"software_name": "test of " + self.boundjid.user, "version": "1"})
        self.register_plugin("xep_0199")
        self.register_plugin("xep_0030")
        self.messages = asyncio.Queue()
        self.outcome = asyncio.get_event_loop().create_future()
        self.add_event_handler("connected", self.name_host)
        self.add_event_handler("session_start", lambda event: self.decide("started"))
        self.add_event_handler("failed_auth", lambda failure: self.decide(failure["condition"]))
        self.add_event_handler("ssl_invalid_chain", lambda error: self.decide("certificate: %s" % error))
        self.add_event_handler("connection_failed", lambda error: self.decide("connection: %s" % error))
        self.add_event_handler("message", self.messages.put_nowait)

    def name_host(self, event):
        """The name it asks a certificate for; connect() took the address."""
        self.default_domain = self.boundjid.host

    def decide(self, outcome):
        if not self.outcome.done():
            self.outcome.set_result(outcome)

    async def start(self):
        self.connect(("127.0.0.1", self.rookery.port), force_starttls=True)
        return await asyncio.wait_for(self.outcome, TIMEOUT)

    async def end(self):
        if self.is_connected():
            self.disconnect()
            await asyncio.wait_for(self.disconnected, TIMEOUT)

    async def hear(self):
        return await asyncio.wait_for(self.messages.get(), TIMEOUT)


async def logged_in(server, jid, worker=None):
    """On that worker: connects until the kernel chose it."""
    for _ in range(100):
        client = Client(server, jid, PASSWORD)
        equal(await client.start(), "started", jid)
        seats = {s["jid"]: s["worker"] for s in server.sessions()}
        if worker is None or seats.get(client.boundjid.full) == worker:
            return client
        await client.end()
    raise AssertionError("worker %d took none of 100 connections" % worker)


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
    await juliet["xep_0199"].ping(HOST, timeout=TIMEOUT)	# it has been handled
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
    equal(await client.start(), "not-authorized")
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


def end(loop):
    """Clients leave tasks behind that wait for ever."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.close()


def on_loop(fact):
    """As a plain function, with a loop of its own."""
    def run(server):
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(asyncio.wait_for(fact(server), 4 * TIMEOUT))
        finally:
            end(loop)
    run.__doc__ = fact.__doc__
    run.__name__ = fact.__name__
    return run


FACTS = [on_loop(f) for f in (talk, to_bare_jid, version, wrong_password, wrong_certificate, mechanisms)]

if __name__ == "__main__":
    facts.run(FACTS, lambda: Server(
        workers=2, accounts=("romeo@localhost", "romeo@" + HOST, "juliet@" + HOST),
        options_of={HOST: "mechanisms = [ %s ];" % ", ".join('"%s"' % m for m in MECHANISMS)}))
