#!/usr/bin/env python3
"""A process stands still while it holds what others need: nobody spins, the watchdog ends it alone, nothing is lost.

Usage: stop_test.py [--times N] [--all] [what ...]
"""
import argparse
import os
import signal
import struct
import threading
import time

from load import Load, make_server
from steps import STAND, Steps
import client as xmpp
from facts import Facts, equal
from server import PASSWORD

CLIENTS = 6
WORKERS = 3
WATCHDOG = {"worker": 10, "store": 60}	# seconds
LATER = 3		# seconds until all that it served is served again
WINDOW = 2		# seconds, each looked at by itself
SPINS = 0.5		# of the time that it might have run: who waits for a lock uses far less
VISITOR = "visitor@localhost"

OPENING = "lmdb: opening"	# holds up all who open, rookeryctl too

# Where each lock is held, each ring is read, and each record is half written. The first of each are the short form.
IN_WORKERS = (
    "step: locked",		# a slot, while an effect stands
    "lmdb: begun",		# the registry's writer
    "append: ready",		# half an entry of somebody's outbox
    "give: ready",		# the own slot, half given back
    "effect: stands",
    "block: taken",		# of the arena, in no chain
    "ask: pushed",		# a request to a store, not marked as done
    "ring: before drop",	# answers of a store
    "slot: owned",		# half a slot
    "limits: counted",		# a place, not looked at again
)
IN_STORES = (
    "lmdb: begun",		# the store's writer
    "store: taken",
    "store: committed",
    "store: answered",
    "ring: before drop",	# of requests
)
IN_STARTS = (
    "recover: swept",		# a replacement, half through what its predecessor left
    OPENING,
)


class Visitor(threading.Thread):
    """Comes and goes, so that registry, slots, limits and accounts are written all the time. Nobody minds how it fares."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.stopping, self.visits = server, threading.Event(), 0

    def visit(self):
        client = xmpp.Client(self.server)
        client.socket.settimeout(2)
        try:
            client.login("%s/%d" % (VISITOR, self.visits), PASSWORD, tls=False)
            client.send("<presence/><iq type='set' id='r'><query xmlns='jabber:iq:roster'><item jid='x%d@localhost' name='%d'/>"
                        "</query></iq>" % (self.visits % 50, self.visits))
            while client.get().get("id") != "r":
                pass
            client.send("</stream:stream>")
        finally:
            client.close()

    def run(self):
        while not self.stopping.wait(0.01):
            self.visits += 1
            try:
                self.visit()
            except (OSError, xmpp.Closed, AssertionError, AttributeError, ValueError, SyntaxError):
                pass	# the last one: a stream's end, whose header the client had not asked for yet


# --- who spins ---

def times_of(pid):
    """Seconds it ran, and seconds it waited for a processor."""
    with open("/proc/%d/schedstat" % pid, encoding="ascii") as f:
        ran, waited = f.read().split()[:2]
    return int(ran) / 1e9, int(waited) / 1e9


class Watch:
    """What processes do with their time while another one stands."""

    def __init__(self, processes):
        self.name = {p["pid"]: "%s %d" % (p["kind"], p["number"]) for p in processes if p["pid"]}

    def begin(self, stopped):
        self.name.pop(stopped, None)
        self.at, self.last, self.begun, self.most = time.monotonic(), {}, {}, {}
        self.look()
        self.first = dict(self.last)

    def look(self):
        for pid in self.name:
            try:
                self.last[pid] = (time.monotonic() - self.at, *times_of(pid))
            except (OSError, ValueError):
                continue	# it is gone
            self.count(pid)

    def count(self, pid):
        """Of the time that it might have run in some seconds, how much it ran: the most of all such."""
        lasted, ran, waited = (now - then for now, then in zip(self.last[pid], self.begun.setdefault(pid, self.last[pid])))
        if lasted >= WINDOW:
            share = ran / max(lasted - waited, 0.001)
            self.most[self.name[pid]] = max(share, self.most.get(self.name[pid], 0))
            self.begun[pid] = self.last[pid]

    def late(self):
        """Seconds for which the machine had other things to do."""
        return sum(last[2] - self.first[pid][2] for pid, last in self.last.items())


# --- a process stands ---

def all_processes(server):
    return [p for kind in ("worker", "store", "master") for p in server.processes(kind)]


def wait_until_served(load):
    """Every client has got something new."""
    before = {c: len(c.got) for c in load.clients}
    load.wait_for(lambda: all(len(c.got) > n for c, n in before.items()), "all clients are served")


def stand(server, load, steps, step, kind, others):
    """Whoever was caught stands until it is ended."""
    mark, got, at = server.log.mark(), load.got(), time.monotonic()
    pid = steps.stop()
    others.begin(pid)
    ended = "process hangs, ended.*pid=%d " % pid
    server.sessions()
    if step != OPENING and server.log.find(ended, mark):
        raise AssertionError("what only reads has waited")

    def is_ended():
        others.look()
        return server.log.find(ended, mark)
    load.wait_for(is_ended, "%d at %r is ended" % (pid, step), 2 * WATCHDOG[kind] + 30)
    steps.disarm()
    took, meanwhile = time.monotonic() - at, load.got() - got
    shares = dict(others.most)
    wait_until_served(load)
    others.look()
    back = time.monotonic() - at
    print("     %-6s %-18s ended after %4.1f s, all served after %4.1f s; %5d messages meanwhile, busiest %2.0f %%" % (
        kind, step, took, back, meanwhile, 100 * max(shares.values())), flush=True)
    equal([line for line in server.log.lines[mark:] if "process hangs, ended" in line and "pid=%d " % pid not in line], [],
          "who only waited and was ended")
    if max(shares.values()) > SPINS:
        raise AssertionError("who waits spins: %s" % shares)
    if back > WATCHDOG[kind] + LATER + others.late():
        raise AssertionError("served again after %.1f s only" % back)


def catch(server, load, steps, step, pids=()):
    steps.arm(step, STAND, pids)
    load.wait_for(steps.caught, "somebody comes to %r" % step)


def under_load(options, steps_of, kind, begin):
    made = []
    server = make_server(WORKERS, CLIENTS, "trusted_networks = [ ];", prepare=lambda server: made.append(Steps(server)), accounts=(VISITOR,))
    # Not faster than what may wait for a client that is stopped with its worker.
    with Load(server, CLIENTS, pace=0.05) as load:
        visitor = Visitor(server)
        visitor.start()
        try:
            for step in steps_of:
                load.talk(50)
                others = Watch(all_processes(server))
                begin(server, load, made[0], step)
                stand(server, load, made[0], step, kind, others)
        finally:
            made[0].disarm()
            visitor.stopping.set()
            visitor.join()


def chosen(options, steps_of, short):
    return (steps_of if options.all else steps_of[:short]) * options.times


def workers(options):
    """a worker stands still with a lock: the others do not spin, it is ended, and all are served within 3 s"""
    def begin(server, load, steps, step):
        catch(server, load, steps, step, [p["pid"] for p in server.processes("worker") if p["pid"]])
    under_load(options, chosen(options, IN_WORKERS, 2), "worker", begin)


def stores(options):
    """a store stands still in the middle of its work: the same"""
    def begin(server, load, steps, step):
        catch(server, load, steps, step, [p["pid"] for p in server.processes("store")])
    under_load(options, IN_STORES * options.times, "store", begin)


def starts(options):
    """a replacement stands still before it serves: the same"""
    def begin(server, load, steps, step):
        steps.arm(step, STAND)
        os.kill(next(p["pid"] for p in server.processes("worker") if p["pid"]), signal.SIGKILL)
        load.wait_for(steps.caught, "somebody comes to %r" % step)
    under_load(options, chosen(options, IN_STARTS, 1), "worker", begin)


READERS_LOCK, WRITER_LOCK, READERS = 24, 64, 128	# places of LMDB's mutexes, and of its table of readers, in its file
LOCK_KIND = 16		# behind each mutex: what pthread_mutexattr_* asked for
READER_PID = 8		# behind each reader
READER_SIZE = 64
ROBUST_SHARED, NO_KIND = 0x90, 0x77
REGISTRY, MESSAGES = "run/registry/lock.mdb", "data/msg/lock.mdb"


def scribble(server, name, places, word):
    """A number of 32 bits."""
    with open(server.path(name), "r+b", buffering=0) as f:
        f.seek(WRITER_LOCK + LOCK_KIND)
        equal(struct.unpack("=I", f.read(4))[0], ROBUST_SHARED, "LMDB's lock file is another one: the kind of its mutex")
        for place in places:
            f.seek(place)
            f.write(struct.pack("=I", word))


def pids_but_the_masters(server):
    return {p["pid"] for kind in ("worker", "store") for p in server.processes(kind) if p["pid"]}


def until_anew(server, load, name, places, word, timeout=60):
    """All processes but the master are others, and all clients are served."""
    mark = server.log.mark()
    before = pids_but_the_masters(server)
    scribble(server, name, places, word)
    load.wait_for(lambda: server.log.find("lock of LMDB is broken.*" + name, mark), name + " is named", timeout)
    server.wait_for(lambda: not before & pids_but_the_masters(server), "others")
    server.wait_for(lambda: all(p["state"] == "ready" for p in server.processes("worker")), "workers are ready")
    wait_until_served(load)
    Visitor(server).visit()
    equal(server.log.find("a worker died of a stanza", mark), None, "blamed")


def with_visitor(show):
    server = make_server(WORKERS, CLIENTS, accounts=(VISITOR,))
    with Load(server, CLIENTS, pace=0.05) as load:
        visitor = Visitor(server)
        visitor.start()
        try:
            show(server, load)
        finally:
            visitor.stopping.set()
            visitor.join()


def damaged_locks(options):
    """where something writes into a lock file what is no lock all processes begin anew, and nothing is lost"""
    def show(server, load):
        until_anew(server, load, REGISTRY, [WRITER_LOCK + LOCK_KIND], NO_KIND)
        until_anew(server, load, MESSAGES, [WRITER_LOCK + LOCK_KIND], NO_KIND)
        until_anew(server, load, REGISTRY, range(READERS + READER_PID, os.path.getsize(server.path(REGISTRY)), READER_SIZE), 1)
    with_visitor(show)


def held_locks(options):
    """so they do where it says that a thread holds it which lives and never heard of it: once a process and its replacement were ended"""
    def show(server, load):
        for name, kind in (REGISTRY, "worker"), (MESSAGES, "store"):
            until_anew(server, load, name, [WRITER_LOCK], os.getpid(), 4 * WATCHDOG[kind])
    with_visitor(show)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--all", action="store_true", help="every step, the stores, and locks that nobody gives back: minutes")
    parser.add_argument("what", nargs="*")
    options = parser.parse_args()
    facts = Facts()
    for fact in (workers, starts, damaged_locks, stores, held_locks)[:None if options.all else 3]:
        if not options.what or fact.__name__ in options.what:
            facts.show(fact, options)
    facts.end()


if __name__ == "__main__":
    main()
