#!/usr/bin/env python3
"""kill -9 under load: clients that resume lose nothing, get nothing twice, and nothing out of order.

Usage: kill_test.py [--kills N] [--others N] [--workers N] [--clients N] [--seed N] [what ...]
"""
import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenarios"))

import ledger  # noqa: E402
from facts import Facts  # noqa: E402
from load import MAILBOX, make_server  # noqa: E402
from server import program  # noqa: E402


ROUND = 500	# kills that one server and one ledger see: what the clients wrote down must fit into memory
OTHERS_ROUND = 50	# more is said between two of these


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=500, help="of workers; other things are done less often")
    parser.add_argument("--others", type=int, default=20, help="kills of stores, and of the master")
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--clients", type=int, default=12)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3), "big"))
    parser.add_argument("what", nargs="*")
    return parser.parse_args()


def old_enough(processes, killed):
    """One that dies in its first second is started with a delay: so those are left alone."""
    return [p for p in processes if p["state"] == "ready" and p["up_ms"] > 1000 and p["pid"] not in killed]


def kill_some(server, clients, chance, count, kinds):
    """Of the kinds in turn, at random moments. Ends early when a client has given up."""
    killed = set()
    victims = []

    def is_somebody_old_enough(kind):
        victims[:] = old_enough(server.processes(kind), killed)
        return victims or any(c.error for c in clients)

    while len(killed) < count and not any(c.error for c in clients):
        kind = kinds[len(killed) % len(kinds)]
        server.wait_for(lambda: is_somebody_old_enough(kind), "a %s is up for a second" % kind, 60)
        if victims:
            clients[0].stopping.wait(chance.random() * 0.05)
            pid = chance.choice(victims)["pid"]
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
    return len(killed)


def move_some(server, clients, chance, count, kinds):
    """No process dies: clients lose their connections, or come over another one while the old one is open."""
    for done in range(count):
        clients[0].stopping.wait(chance.random() * 0.02)
        chance.choice(clients).wish = chance.choice(["close", "over"])
        if any(c.error for c in clients):
            return done
    return count


def start_again(server):
    server.process.wait(30)
    server.process = None
    server.start()


def end_master(server):
    """kill -9 of the master alone: its children leave, and whoever looks after it starts another one."""
    server.process.kill()
    start_again(server)


def end_everything(server):
    """kill -9 of every process at once."""
    pids = [p["pid"] for kind in ("worker", "store") for p in server.processes(kind)
            if p["pid"] != 0]
    server.process.kill()
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):	# it has left, as its master had gone
            os.kill(pid, signal.SIGKILL)
    start_again(server)


def stop_and_start(server):
    if server.stop() != 0:
        raise AssertionError("the server's exit status")
    server.start()


def as_soon_as_possible(server, *command):
    """What waits for workers that drain says so (75), and is tried again."""
    def is_done():
        done = server.ctl(*command, check=False)
        if done.returncode not in (0, 75):
            raise AssertionError("rookeryctl %s: %s" % (" ".join(command), done.stderr))
        return done.returncode == 0
    server.wait_for(is_done, "others have drained", 60)


def upgrade(server):
    as_soon_as_possible(server, "upgrade")


def drain_one(server):
    serving = [p["number"] for p in server.processes("worker") if p["state"] == "ready"]
    as_soon_as_possible(server, "drain", str(random.choice(serving)))


def begin_upgrade(server):
    """Returns at some moment of it."""
    command = subprocess.Popen([program("rookeryctl", "ctl"), "-c", server.config, "upgrade"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(random.random() * 0.2)
    return command


def upgrade_and_end(server):
    """Everything is killed meanwhile."""
    command = begin_upgrade(server)
    end_everything(server)
    command.wait(60)


def upgrade_and_kill(server):
    """A worker, old or new, is killed meanwhile: the new binary may serve then or not (69), but one of them does."""
    command = begin_upgrade(server)
    victim = random.choice(server.processes("worker"))["pid"]
    if victim != 0:
        with contextlib.suppress(ProcessLookupError):	# it was an old one, and has left
            os.kill(victim, signal.SIGKILL)
    if command.wait(120) not in (0, 69, 75):
        raise AssertionError("rookeryctl upgrade: %d" % command.returncode)
    server.wait_for(lambda: server.ctl_json("status")["workers_ready"] == server.workers, "all workers serve", 60)


def again_and_again(end):
    """Ends the whole server so often, and has it talk in between."""
    def some(server, clients, chance, count, kinds):
        for done in range(count):
            before = sum(len(c.got) for c in clients)
            server.wait_for(lambda: sum(len(c.got) for c in clients) > before + 500 or any(c.error for c in clients),
                            "clients talk", 60)
            if any(c.error for c in clients):
                return done
            clients[0].stopping.wait(chance.random() * 0.2)
            end(server)
        return count
    return some


def one_round(options, kinds, kills, do_kill, seed):
    with make_server(options.workers, options.clients) as server:
        server.start()
        clients = ledger.pairs(server, options.clients, MAILBOX)
        done = do_kill(server, clients, random.Random(seed), kills, kinds)
        ledger.stop(clients)
        wrong = ledger.check(server, clients, MAILBOX)
        server.check()
        print("     %d kills (seed %d): %s" % (done, seed, ledger.summary(clients)), flush=True)
        if wrong:
            print(server.read_log()[-4000:])
            raise AssertionError("\n".join(wrong))
        if done < kills:
            raise AssertionError("only %d of %d kills" % (done, kills))
        if server.stop() != 0:
            raise AssertionError("the server's exit status")


def under_load(options, kinds, kills, do_kill=kill_some, most=ROUND):
    for number in range(0, kills, most):
        one_round(options, kinds, min(most, kills - number), do_kill, options.seed + number // most)


def workers(options):
    """workers are killed: nothing acknowledged is lost, nothing comes twice or out of order"""
    under_load(options, ["worker"], options.kills)


def moves(options):
    """clients that change their connections, also over open ones, lose nothing and get nothing twice"""
    under_load(options, [], options.kills, move_some)


def stores(options):
    """stores are killed: the same"""
    under_load(options, ["store"], options.others, most=OTHERS_ROUND)


def both(options):
    """workers and stores are killed: the same"""
    under_load(options, ["worker", "worker", "store"], max(6, options.kills // 10), most=OTHERS_ROUND)


def master(options):
    """the master is killed: the next one takes the memory over"""
    under_load(options, [], options.others, again_and_again(end_master), OTHERS_ROUND)


def everything(options):
    """all processes are killed at once: the same"""
    under_load(options, [], max(5, options.kills // 100), again_and_again(end_everything))


def restarts(options):
    """the server is stopped and started: sessions outlive it"""
    under_load(options, [], max(5, options.kills // 100), again_and_again(stop_and_start))


def upgrades(options):
    """the server is upgraded: the same"""
    under_load(options, [], max(3, options.kills // 100), again_and_again(upgrade))


def killed_upgrades(options):
    """workers are killed while the server is upgraded: the same"""
    under_load(options, [], max(3, options.kills // 100), again_and_again(upgrade_and_kill))


def ended_upgrades(options):
    """everything is killed while the server is upgraded: the same"""
    under_load(options, [], max(3, options.kills // 100), again_and_again(upgrade_and_end))


def drains(options):
    """workers are drained one by one: the same"""
    under_load(options, [], max(5, options.kills // 50), again_and_again(drain_one))


def main():
    options = arguments()
    facts = Facts()
    for fact in (workers, moves, stores, both, master, everything, restarts, upgrades, killed_upgrades,
                 ended_upgrades, drains):
        if not options.what or fact.__name__ in options.what:
            facts.show(fact, options)
    facts.end()


if __name__ == "__main__":
    main()
