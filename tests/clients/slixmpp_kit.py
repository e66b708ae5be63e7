"""Clients of slixmpp, seated on workers of a test's choice, whose events a test awaits."""
import asyncio
import logging
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "scenarios"))

import facts  # noqa: E402
from facts import equal  # noqa: E402
from server import PASSWORD  # noqa: E402

try:
    import slixmpp
except ImportError:
    facts.skip("no slixmpp module for Python (package python3-slixmpp)")

# What it still wants to answer when it has been told to end is no news.
logging.getLogger("slixmpp.xmlstream.xmlstream").setLevel(logging.CRITICAL)

TIMEOUT = 30
PLUGINS = ("xep_0030", "xep_0199")


class Client(slixmpp.ClientXMPP):
    """Its events in queues, so that a test awaits them. plugins: more of them; events: more to be awaited."""

    all = []		# one that is collected too early complains

    def __init__(self, server, jid, password, plugins=(), events=(), **how):
        super().__init__(jid, password, **how)
        self.all.append(self)
        self.rookery = server
        self.ca_certs = server.path(self.boundjid.host + ".crt")
        self.plugin_config = {}
        self.register_plugin("xep_0092", {"software_name": "test of " + self.boundjid.user, "version": "1"})
        for plugin in PLUGINS + tuple(plugins):
            self.register_plugin(plugin)
        self.queues = {}
        for name in ("message",) + tuple(events):
            self.queues[name] = asyncio.Queue()
            self.add_event_handler(name, self.queues[name].put_nowait)
        self.failures = []
        self.add_event_handler("connected", self.name_host)
        self.add_event_handler("session_start", lambda event: self.decide("started"))
        self.add_event_handler("failed_auth", lambda failure: self.failures.append(failure["condition"]))
        self.add_event_handler("disconnected", lambda event: self.decide(" ".join(self.failures) or "disconnected"))
        self.add_event_handler("ssl_invalid_chain", lambda error: self.decide("certificate: %s" % error))
        self.add_event_handler("connection_failed", lambda error: self.decide("connection: %s" % error))

    def name_host(self, event):
        """The name it asks a certificate for; connect() took the address."""
        self.default_domain = self.boundjid.host

    def decide(self, outcome):
        if not self.outcome.done():
            self.outcome.set_result(outcome)

    async def start(self):
        """ "started", or why it is not: the conditions of all logins that failed, a certificate, a connection."""
        self.outcome = asyncio.get_event_loop().create_future()
        self.failures.clear()
        self.connect(("127.0.0.1", self.rookery.port), force_starttls=True)
        return await asyncio.wait_for(self.outcome, TIMEOUT)

    async def end(self):
        if self.is_connected():
            self.disconnect()
            await asyncio.wait_for(self.disconnected, TIMEOUT)

    async def hear(self, name="message", fits=lambda data: True):
        """The next event of that name that fits; what does not is passed over."""
        async def next_one():
            while True:
                data = await self.queues[name].get()
                if fits(data):
                    return data
        try:
            return await asyncio.wait_for(next_one(), TIMEOUT)
        except asyncio.TimeoutError:
            raise AssertionError("%s: no %s that fits" % (self.boundjid, name))

    async def handled(self):
        """All that was sent until now has been handled, and what it caused here has come."""
        await self["xep_0199"].ping(self.boundjid.host, timeout=TIMEOUT)


def seat_of(server, client):
    """What the server says of its session; None when it has none."""
    return next((s for s in server.sessions() if s["jid"] == client.boundjid.full), None)


async def logged_in(server, jid, worker=None, **how):
    """On that worker: connects until the kernel chose it."""
    for _ in range(100):
        client = Client(server, jid, PASSWORD, **how)
        equal(await client.start(), "started", jid)
        if worker is None or seat_of(server, client)["worker"] == worker:
            return client
        await client.end()
    raise AssertionError("worker %d took none of 100 connections" % worker)


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
