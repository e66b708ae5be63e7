#!/usr/bin/env python3
"""System calls and allocations that fail under load: processes may die of it, and nothing is lost, doubled or out of order.

Usage: call_test.py [--times N] [what ...]
"""
import argparse

from load import Load, make_server
from facts import Facts, equal
from faults import STORES, WORKERS, Faults
from server import BUILD
import reports

CLIENTS = 6
MALLOCS = (1, 2, 3, 5, 8, 13, 21, 55, 144, 377)


def pids(server):
    return {p["pid"] for kind in ("worker", "store") for p in server.processes(kind)}


def all_are_ready(server):
    return all(p["state"] == "ready" and p["up_ms"] > 1000
               for kind in ("worker", "store") for p in server.processes(kind))


def under(act, workers=3, clients=CLIENTS, **more):
    server = make_server(workers, clients)
    faults = Faults(server)
    with Load(server, clients, **more) as load:
        load.talk()
        act(load, faults)
        faults.stop()
        load.talk()


def told(faults, kinds):
    print("     " + ", ".join("%d %s" % (faults.done(kind), kind) for kind in kinds), flush=True)


def survived(load, faults, kinds, messages):
    """Calls that fail and harm nobody: no process ends of it."""
    before = pids(load.server)
    for kind, percent in kinds.items():
        faults.fail(kind, percent)
    load.talk(messages)
    told(faults, kinds)
    equal(pids(load.server), before, "processes")


def one_after_the_other(load, faults, kind, times, roles, others=()):
    """So often it fails once, or a few times; then the load goes on. A store that dies young is started with a delay."""
    for _ in range(times):
        done = faults.done(kind)
        faults.fail(kind, 20 if roles == STORES else 1, roles)
        load.wait_for(lambda: faults.done(kind) > done, "a call fails: " + kind)
        faults.fail(kind, 0)
        load.talk(100)
        if roles == STORES:
            load.wait_for(lambda: all_are_ready(load.server), "all are ready")
    told(faults, (kind, *others))


def sockets(options):
    """calls that are interrupted, told to come again, or done by half, harm nobody"""
    under(lambda load, faults: survived(load, faults, {"interrupted": 5, "not_now": 10, "short": 20}, 4000 * options.times))


def connections(options):
    """connections that break at any read or write are resumed, also where they cannot be accepted at once"""
    def act(load, faults):
        one_after_the_other(load, faults, "reset", 5 * options.times, WORKERS)
        faults.fail("accept", 80)
        one_after_the_other(load, faults, "reset", 5 * options.times, WORKERS, ("accept",))
    under(act)


def disks(options):
    """writes of a store find no room, are cut short, or fail at the end: it refuses, or another one does what was asked"""
    def act(load, faults):
        one_after_the_other(load, faults, "disk_full", 3 * options.times, STORES)
        one_after_the_other(load, faults, "disk_short", options.times, STORES)
        one_after_the_other(load, faults, "sync", options.times, STORES)
    under(act, may_be_refused=True)


def fail_mallocs(load, faults, numbers, roles):
    died = 0
    for number in numbers:
        before = pids(load.server)
        failed = faults.mallocs_failed()
        faults.fail_malloc(number, roles)
        load.wait_for(lambda: faults.mallocs_failed() > failed, "allocation %d fails" % number)
        load.talk(50)
        died += len(before - pids(load.server))
    print("     %d allocations failed, %d processes ended" % (len(numbers), died))


def under_own_malloc(act, **more):
    if not reports.is_sanitized(BUILD):
        under(act, **more)
    else:
        print("     SKIPPED: " + reports.OWN_MALLOC)


def mallocs(options):
    """any allocation of a worker fails: it may end, its sessions go on elsewhere, and what it died of is refused"""
    numbers = MALLOCS if options.times == 1 else range(1, 50 * options.times)
    under_own_malloc(lambda load, faults: fail_mallocs(load, faults, numbers, WORKERS), tls=True, may_be_refused=True)


def store_mallocs(options):
    """the same of a store"""
    numbers = MALLOCS[::5] if options.times == 1 else range(1, 5 * options.times)
    under_own_malloc(lambda load, faults: fail_mallocs(load, faults, numbers, STORES))


FACTS = (sockets, connections, disks, mallocs, store_mallocs)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("what", nargs="*")
    options = parser.parse_args()
    facts = Facts()
    for fact in FACTS:
        if not options.what or fact.__name__ in options.what:
            facts.show(fact, options)
    facts.end()


if __name__ == "__main__":
    main()
