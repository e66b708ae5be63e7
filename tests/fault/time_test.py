#!/usr/bin/env python3
"""Time that jumps, and processes that stand still: sessions and their order are not harmed.

Usage: time_test.py [--times N] [what ...]
"""
import argparse
import os
import random
import select

from load import Load, make_server
import client as xmpp
from facts import Facts, equal
from server import PASSWORD, stopped

CLIENTS = 6
HOUR, DAY = 3600, 86400
JUMPS = (1, 59, HOUR, DAY, 40 * DAY)
TALKERS = ("one@localhost", "other@localhost")
WATCHDOG = 60		# seconds until a worker that stands still has been ended, at most


def all_are_there(server):
    return not any(s["hibernating"] for s in server.sessions())


def jumps(options):
    """the clock jumps by a second, hours, and many days: clients that are there lose nothing, and their sessions go on"""
    server = make_server(3, CLIENTS, 'archive_expires = "3650 d";')
    with Load(server, CLIENTS) as load:
        for _ in range(options.times):
            for seconds in JUMPS:
                load.talk(100)
                load.wait_for(lambda: all_are_there(server), "all clients are there")
                server.move_clock(seconds)
        load.talk(500)


def stopped_workers(options):
    """a worker that stands still is ended by the watchdog, its sessions go on elsewhere, and the others did all the time"""
    chance = random.Random(options.seed)
    server = make_server(3, CLIENTS)
    # Not faster than what may wait for a client that is stopped with its worker.
    with Load(server, CLIENTS, pace=0.02) as load:
        for _ in range(options.times):
            load.talk()
            number = chance.choice(server.sessions())["worker"]
            before = server.worker(number)["pid"]
            mark = server.log.mark()
            with stopped(before):
                server.log.wait("process hangs, ended process=\"worker %d\"" % number, mark, WATCHDOG)
            load.wait_for(lambda: server.worker(number)["state"] == "ready" and server.worker(number)["pid"] != before,
                          "worker %d is back" % number)
            load.talk()


def exchange(one, other, count):
    """What no archive keeps: each word is answered."""
    for number in range(count):
        for sender, receiver in ((one, other), (other, one)):
            sender.send("<message type='headline' to='%s' id='%d'><body>x</body></message>" % (receiver.jid, number))
            equal(receiver.get().get("id"), str(number), "id")


def stopped_stores(options):
    """while a store stands still those who are there talk of what no archive keeps, and all the others when it runs again"""
    server = make_server(3, CLIENTS, accounts=TALKERS)
    with Load(server, CLIENTS) as load:
        talkers = [xmpp.Client(server) for _ in TALKERS]
        for client, account in zip(talkers, TALKERS):
            client.login(account + "/here", PASSWORD, tls=False)
        for _ in range(options.times):
            for store in server.processes("store"):
                load.talk()
                with stopped(store["pid"]):
                    exchange(*talkers, 200)
        load.talk()
        for client in talkers:
            client.close()


ROSTER_SET = "<iq type='set' id='q'><query xmlns='jabber:iq:roster'><item jid='x@localhost'/></query></iq>"
KEPT = "<message to='other@localhost' id='q'><body>x</body></message>"


def silence(options):
    """who waits for a store that stands still is not dropped as silent; who just says nothing is"""
    with make_server(1, 0, accounts=TALKERS) as server:
        server.start()
        for store, question in zip(server.processes("store"), (ROSTER_SET, KEPT)):
            waiting, silent = xmpp.Client(server), xmpp.Client(server)
            waiting.login("one@localhost/waiting", PASSWORD, tls=False)
            silent.login("one@localhost/silent", PASSWORD, tls=False)
            with stopped(store["pid"]):
                waiting.send(question + xmpp.ping("p"))
                server.move_clock(1)	# so that its time is looked at first
                silent.ping()
                server.move_clock(301)	# idle_timeout
                equal(silent.get().get("id"), "alive")
                server.move_clock(121)	# idle_drop
                silent.wait_for_close()
                equal(select.select([waiting.socket], [], [], 0)[0], [], "what was said to who waits")
            while waiting.get().get("id") != "p":
                pass
            waiting.ping()
            waiting.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3), "big"))
    parser.add_argument("what", nargs="*")
    options = parser.parse_args()
    facts = Facts()
    for fact in (jumps, stopped_workers, stopped_stores, silence):
        if not options.what or fact.__name__ in options.what:
            facts.show(fact, options)
    facts.end()


if __name__ == "__main__":
    main()
