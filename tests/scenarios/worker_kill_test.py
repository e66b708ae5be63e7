#!/usr/bin/env python3
"""kill -9 of any process: the others go on, the killed one is back at once, and nothing stays behind."""
import os
import random
import signal
import time

import client as xmpp
from facts import equal, run
from pair import Pair, seat
from server import PASSWORD, Server

KILLS = 20


def kill(process):
    os.kill(process["pid"], signal.SIGKILL)
    return time.monotonic()


def is_back(server, kind, killed):
    return any(p["number"] == killed["number"] and p["pid"] != killed["pid"] and p["state"] == "ready"
               for p in server.processes(kind))


def wait_until_back(server, kind, killed):
    server.wait_for(lambda: is_back(server, kind, killed), "%s %d is back" % (kind, killed["number"]))
    return time.monotonic()


def pair_on(server, worker, name):
    return Pair(seat(server, "romeo@localhost/" + name, worker), seat(server, "juliet@localhost/" + name, worker))


def jids(server):
    return {s["jid"] for s in server.sessions()}


def is_alive(pid):
    """One that nobody has reaped yet is dead all the same."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def old_enough(server):
    """Only a worker that dies in its first second is started with a delay."""
    server.wait_for(lambda: all(p["up_ms"] > 1000 for k in ("worker", "store") for p in server.processes(k)),
                    "all are up for a second")


def killed_worker(server):
    """a pair on the other worker loses and doubles nothing, and the killed worker is replaced at once"""
    for victim in (0, 1):
        old_enough(server)
        pairs = [pair_on(server, worker, "w%d" % worker) for worker in (0, 1)]
        pairs[0].wait(20)
        pairs[1].wait(20)
        killed = server.worker(victim)
        mark = server.log.mark()
        at = kill(killed)
        back = wait_until_back(server, "worker", killed)
        pairs[victim].wait_for_break()
        pairs[1 - victim].wait(200)
        equal({j for j in jids(server) if j}, {"romeo@localhost/w%d" % (1 - victim),
                                               "juliet@localhost/w%d" % (1 - victim)}, "sessions")
        seat(server, "romeo@localhost/again", victim).close()
        for pair in pairs:
            pair.stop()
        print("     worker %d: back after %.0f ms" % (victim, (back - at) * 1000))
        server.log.wait(r'process ended process="worker %d" pid=%d .*action="replaced at once"' % (victim, killed["pid"]), mark)


def across(server):
    """a pair over two workers breaks on one side only: the survivor's client is answered service-unavailable"""
    old_enough(server)
    here = seat(server, "romeo@localhost/here", 0)
    there = seat(server, "juliet@localhost/there", 1)
    Pair.say(here, there, 1)
    killed = server.worker(1)
    kill(killed)
    wait_until_back(server, "worker", killed)
    there.wait_for_close()
    server.wait_for(lambda: "juliet@localhost/there" not in jids(server), "the session is gone")
    here.send("<iq type='get' id='q' to='juliet@localhost/there'><query xmlns='jabber:iq:version'/></iq>")
    answer = here.get()
    equal((answer.get("id"), answer.get("type")), ("q", "error"))
    here.close()


def contacts(server):
    """the other resources of an account see those of the dead worker become unavailable"""
    # Nobody has written to this one: what a killed session had not read is kept, and comes with the first presence.
    old_enough(server)
    stays = seat(server, "nurse@localhost/stays", 0)
    stays.send("<presence/>")
    equal(stays.get().get("from"), "nurse@localhost/stays")
    goes = seat(server, "nurse@localhost/goes", 1)
    goes.send("<presence/>")
    equal(stays.get().get("from"), "nurse@localhost/goes")
    killed = server.worker(1)
    kill(killed)
    gone = stays.get()
    equal((gone.get("from"), gone.get("type")), ("nurse@localhost/goes", "unavailable"), xmpp.text_of(gone))
    wait_until_back(server, "worker", killed)
    stays.close()
    goes.close()


def killed_stores(server):
    """each store may be killed: messages go on meanwhile, and accounts are made afterwards"""
    pair = pair_on(server, 0, "p")
    for store in server.processes("store"):
        old_enough(server)
        kill(store)
        pair.wait(50)
        wait_until_back(server, "store", store)
        pair.wait(50)
        name = "made%d@localhost" % store["number"]
        server.add_account(name)
        client = xmpp.Client(server)
        client.login(name, PASSWORD, tls=False)
        client.close()
        server.ctl("deluser", name)
    pair.stop()


def at_random(server):
    """twenty kills at random, and each time whoever was not killed goes on"""
    dice = random.Random(int(os.environ.get("ROOKERY_SEED", "20261121")))
    pairs = {w: pair_on(server, w, "r%d" % w) for w in (0, 1)}
    for _ in range(KILLS):
        kind = dice.choice(("worker", "worker", "store"))
        victim = dice.choice(server.processes(kind))
        for pair in pairs.values():
            pair.wait(dice.randrange(1, 30))
        kill(victim)
        for worker, pair in pairs.items():
            if kind == "store" or worker != victim["number"]:
                pair.wait(30)
        wait_until_back(server, kind, victim)
        if kind == "worker":
            pairs[victim["number"]].wait_for_break()
            pairs[victim["number"]].stop()
            pairs[victim["number"]] = pair_on(server, victim["number"], "r%d" % victim["number"])
    for pair in pairs.values():
        pair.wait(30)
        pair.stop()
    server.wait_for(lambda: not server.sessions(), "all sessions are gone")
    memory = server.ctl_json("stats")["memory"]
    equal((memory["slots_used"], memory["block_bytes_used"]), (0, 0), "slots and bytes in use")


def killed_master(server):
    """without its master every process leaves within 5 seconds, no stream is ended, and a new server takes over"""
    clients = [seat(server, "romeo@localhost/m%d" % w, w) for w in (0, 1)]
    pids = [p["pid"] for kind in ("worker", "store") for p in server.processes(kind)]
    server.process.kill()
    at = time.monotonic()
    if not server.log.wait_for_end(5):
        raise AssertionError("some process is left after 5 s")
    # The kernel closes what a process holds before it calls it dead.
    server.wait_for(lambda: not any(map(is_alive, pids)), "every process has left", at + 5 - time.monotonic())
    print("     all left after %.0f ms" % ((time.monotonic() - at) * 1000))
    for client in clients:
        client.wait_for_close()
        equal(client.ended, False, "</stream:stream>")
        client.close()
    server.process.wait()
    server.start()
    client = xmpp.Client(server)
    client.login("romeo@localhost/new", PASSWORD, tls=False)
    equal({j for j in jids(server) if j}, {"romeo@localhost/new"}, "sessions")
    client.close()


def whole(server):
    """after all that no rule of memory and stores is broken: running, stopped by force, and taken over"""
    client = seat(server, "romeo@localhost/last", 0)
    server.check()
    server.process.kill()
    equal(server.log.wait_for_end(5), True, "all have left")
    server.process.wait()
    server.check()
    server.start()
    server.check()
    client.close()


FACTS = [killed_worker, across, contacts, killed_stores, at_random, killed_master, whole]

if __name__ == "__main__":
    run(FACTS, lambda: Server(workers=2, accounts=("romeo@localhost", "juliet@localhost", "nurse@localhost"),
                              host_options="require_tls = false;"))
