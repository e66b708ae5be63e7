#!/usr/bin/python3
"""
slixmpp keeps its session through kill -9 of its worker and a restart of the server, and others see no change.

slixmpp 1.8.3 forgets what it has sent and was not acknowledged when it asks to resume, then wonders that the server
counts it; so nothing is sent here while there is no connection. That both count the same is asked of both.
"""
import asyncio
import logging

from slixmpp_kit import TIMEOUT, logged_in, on_loop

import facts
from facts import equal
from server import Server

logging.getLogger("slixmpp.plugins.xep_0198").setLevel(logging.CRITICAL)

ROMEO, JULIET = "romeo@localhost/orchard", "juliet@localhost/balcony"
EVENTS = ("session_resumed", "got_online", "got_offline", "disconnected")


async def enter(server, jid, worker, **how):
    client = await logged_in(server, jid, worker, events=EVENTS, **how)
    await client.get_roster(timeout=TIMEOUT)
    client.send_presence()
    await client.handled()
    return client


async def befriend(one, other):
    """Both see each other come and go."""
    one.send_presence_subscription(other.boundjid.bare, ptype="subscribe")
    await other.hear("got_online", lambda presence: presence["from"] == one.boundjid)
    await one.hear("got_online", lambda presence: presence["from"] == other.boundjid)


def session_of(server, client):
    return server.ctl_json("session", client.boundjid.full)


async def come_back(client):
    """slixmpp leaves it to its owner to connect again; what it does then is its own."""
    client.default_domain = ""	# else it looks the host up, and takes the port that is usual
    outcome = await client.start()
    equal(outcome, "resumed", client.boundjid)


async def write(sender, receiver, lines):
    for line in lines:
        sender.send_message(receiver.boundjid, line, mtype="chat")
    await sender.handled()


async def read(client, lines):
    for line in lines:
        equal((await client.hear())["body"], line)


async def without_change(server, romeo, juliet, before):
    """Nobody but the log has noticed: of a session that its client has resumed."""
    after = session_of(server, juliet)
    equal((after["full_jid"], after["resumption"]["state"]), (before["full_jid"], "possible"))
    await juliet.handled()
    equal(session_of(server, juliet)["h"]["handled"], juliet["xep_0198"].seq, "stanzas that both count")
    await romeo.handled()
    equal(juliet.queues["message"].qsize(), 0, "messages that came twice")
    equal(romeo.queues["got_offline"].qsize(), 0, "unavailable presence")


async def enter_managed(server, worker):
    juliet = await enter(server, JULIET, worker, plugins=("xep_0198",))
    juliet.add_event_handler("session_resumed", lambda event: juliet.decide("resumed"))
    return juliet


async def lose_worker(server):
    """its worker is killed: what was sent meanwhile comes once and in order, and its contact sees it stay"""
    romeo = await enter(server, ROMEO, 0)
    juliet = await enter_managed(server, 1)
    await befriend(romeo, juliet)
    before = session_of(server, juliet)
    equal((before["resumption"]["state"], before["conn"]["worker"]), ("possible", 1))
    await write(romeo, juliet, ["one", "two"])
    await read(juliet, ["one", "two"])

    server.kill_worker(1)
    await juliet.hear("disconnected")
    equal(session_of(server, juliet)["resumption"]["state"], "waits")
    await write(romeo, juliet, ["line %d" % i for i in range(20)])
    for _ in range(100):	# until another worker answers
        await come_back(juliet)
        if session_of(server, juliet)["conn"]["worker"] == 0:
            break
        juliet.abort()
        await juliet.hear("disconnected")
    equal(session_of(server, juliet)["conn"]["worker"], 0)
    await read(juliet, ["line %d" % i for i in range(20)])
    await without_change(server, romeo, juliet, before)
    await romeo.end()
    await juliet.end()


async def restart(server):
    """the server stops and starts: the session is there, available, and gets what is sent before its client comes back"""
    romeo = await enter(server, ROMEO, 0)
    juliet = await enter_managed(server, 1)
    await befriend(romeo, juliet)
    await romeo.end()
    before = session_of(server, juliet)
    loop = asyncio.get_event_loop()
    equal(await loop.run_in_executor(None, server.stop), 0, "exit status")
    await juliet.hear("disconnected")
    await loop.run_in_executor(None, server.start)
    equal(session_of(server, juliet)["resumption"]["state"], "waits")
    romeo = await enter(server, ROMEO, 0)
    await romeo.hear("got_online", lambda presence: presence["from"] == juliet.boundjid)
    await write(romeo, juliet, ["line %d" % i for i in range(20)])
    await come_back(juliet)
    await read(juliet, ["line %d" % i for i in range(20)])
    await without_change(server, romeo, juliet, before)
    await romeo.end()
    await juliet.end()


FACTS = [on_loop(lose_worker), on_loop(restart)]

if __name__ == "__main__":
    facts.run(FACTS, lambda: Server(workers=2, accounts=("romeo@localhost", "juliet@localhost")))
