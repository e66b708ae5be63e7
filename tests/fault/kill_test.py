#!/usr/bin/env python3
"""kill -9 under load: clients that resume lose nothing, get nothing twice, and nothing out of order.

Usage: kill_test.py [--kills N] [--workers N] [--clients N] [--seed N] [what ...]
"""
import argparse
import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenarios"))

import ledger  # noqa: E402
from facts import Facts  # noqa: E402
from server import Server  # noqa: E402

MAILBOX = "mailbox@localhost"


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--clients", type=int, default=12)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3), "big"))
    parser.add_argument("what", nargs="*")
    return parser.parse_args()


def make_server(options):
    accounts = ["c%d@localhost" % i for i in range(options.clients)] + [MAILBOX]
    return Server(workers=options.workers, accounts=accounts, hosts=("localhost",), log_level="warn",
                  options="offline_messages = 100000; offline_bytes = \"1 GiB\"; offline_strangers = 100000;\n"
                          "login_attempts = 100; hibernated_stanzas = 100000; hibernated_bytes = \"64 MiB\"; outbox_bytes = \"64 MiB\";", host_options="require_tls = false;")


def old_enough(processes, killed):
    """One that dies in its first second is started with a delay: so those are left alone."""
    return [p for p in processes if p["state"] == "ready" and p["up_ms"] > 1000 and p["pid"] not in killed]


def kill_some(server, clients, chance, count, kinds):
    """Of the kinds in turn, at random moments. Ends early when a client has given up."""
    killed = set()
    until = time.monotonic() + 30 + count
    while len(killed) < count and time.monotonic() < until and not any(c.error for c in clients):
        kind = kinds[len(killed) % len(kinds)]
        victims = old_enough(server.processes(kind), killed)
        if victims:
            clients[0].stopping.wait(chance.random() * 0.05)
            pid = chance.choice(victims)["pid"]
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
    return len(killed)


def under_load(options, kinds, kills):
    chance = random.Random(options.seed)
    with make_server(options) as server:
        clients = ledger.pairs(server, options.clients, MAILBOX)
        done = kill_some(server, clients, chance, kills, kinds)
        ledger.stop(clients)
        wrong = ledger.check(server, clients, MAILBOX)
        print("     %d kills (seed %d): %s" % (done, options.seed, ledger.summary(clients)), flush=True)
        if wrong:
            print(server.read_log()[-4000:])
            raise AssertionError("\n".join(wrong))
        if done < kills:
            raise AssertionError("only %d of %d kills" % (done, kills))
        if server.stop() != 0:
            raise AssertionError("the server's exit status")


def workers(options):
    """workers are killed: nothing acknowledged is lost, nothing comes twice or out of order"""
    under_load(options, ["worker"], options.kills)


def stores(options):
    """stores are killed: the same"""
    under_load(options, ["store"], max(20, options.kills // 25))


def both(options):
    """workers and stores are killed: the same"""
    under_load(options, ["worker", "worker", "store"], max(6, options.kills // 10))


def main():
    options = arguments()
    facts = Facts()
    for fact in (workers, stores, both):
        if not options.what or fact.__name__ in options.what:
            facts.show(fact, options)
    facts.end()


if __name__ == "__main__":
    main()
