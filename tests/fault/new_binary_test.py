#!/usr/bin/env python3
"""A new binary that hangs in its check, or whose master crashes: some server goes on serving, and sessions outlive it.

Usage: new_binary_test.py [what ...]
"""
import json
import os
import shutil
import signal
import subprocess
import sys

from load import Load, make_server
from faults import Faults
from steps import DAEMON, DIE, STAND, Steps
from facts import Facts, equal
from guarded import Guarded
from server import program
import upgrade_test

CLIENTS = 4
TRIAL = 30		# seconds that a new binary has for its check
DIES_AT_ONCE = 'case "$*" in *--estate*) kill -ABRT $$;; esac\nexec %s "$@"\n' % DAEMON


def install(server, text=None):
    """A script, or the program that has steps."""
    if text is not None:
        upgrade_test.install(server, text)
        return
    shutil.copy(DAEMON, server.path("new"))
    os.rename(server.path("new"), server.daemon)


def prepared(steps):
    """A program of the server's own, which can be replaced."""
    def prepare(server):
        steps.append(Steps(server))
        server.daemon = server.path("rookeryd")
        install(server)
    return prepare


def serves(server, load):
    """So it does, and its next upgrade goes well."""
    load.wait_for(lambda: server.ctl_json("status")["workers_ready"] == 2, "two workers")
    load.talk(200)
    install(server)
    mark = len(server.read_log())
    equal("serves" in server.ctl("upgrade").stdout, True, "a good binary serves")
    load.wait_for(lambda: "upgrade complete" in server.read_log()[mark:], "the upgrade is complete")
    load.talk(200)


def upgrade(server):
    """Begun; it ends with the master."""
    return subprocess.Popen([program("rookeryctl", "ctl"), "-c", server.config, "upgrade"], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


# --- it hangs ---

def written(path):
    """What a script has written there; empty: not yet."""
    if not os.path.exists(path):
        return ""
    with open(path, encoding="ascii") as f:
        return f.read().strip()


def hangs():
    """a binary that does not end its check is ended and refused after its time: the server serves on, and says so"""
    made = []
    server = make_server(2, CLIENTS, log_level="info", prepare=lambda server: made.append(Faults(server)))
    server.daemon = server.path("rookeryd")
    install(server)
    with Load(server, CLIENTS) as load:
        said = server.path("hangs")
        install(server, 'case "$*" in *--layout*) echo $$ > %s; exec sleep 3600;; esac\nexec %s "$@"\n' % (
            said, program("rookeryd", "process")))
        before = [p["pid"] for kind in ("worker", "store", "master") for p in server.processes(kind)]
        command = upgrade(server)
        load.wait_for(lambda: written(said), "it hangs")
        load.talk(200)
        equal(command.poll(), None, "the upgrade's status")
        made[0].move_master(TRIAL)
        load.wait_for(lambda: server.ctl("status") and command.poll() is not None, "it is given up")
        equal((command.returncode, "does not end its check" in command.stdout.read()), (69, True))
        server.log.wait("not upgraded, nothing has changed.*does not end its check")
        equal(os.path.exists("/proc/" + written(said)), False, "it is still there")
        equal([p["pid"] for kind in ("worker", "store", "master") for p in server.processes(kind)], before, "processes")
        equal(sum(c.resumed for c in load.clients), 0, "resumptions")
        serves(server, load)


# --- its master crashes ---

def at_once(server, steps):
    install(server, DIES_AT_ONCE)


def at_step(step):
    def arm(server, steps):
        install(server)
        steps.arm(step, DIE, [server.processes("master")[0]["pid"]])
    return arm


def with_workers(server, steps):
    """While the first of its own is starting."""
    install(server)
    steps.arm("recover: swept", STAND)


MOMENTS = {"at once": at_once, "before it has taken the memory": at_step("shm: attaching"),
           "behind that": at_step("shm: attached"), "with workers": with_workers}


def crash(server, load, steps, moment):
    """The pid of the master that crashed."""
    master = server.processes("master")[0]["pid"]
    MOMENTS[moment](server, steps)
    command = upgrade(server)
    if moment == "with workers":
        load.wait_for(steps.caught, "the new binary starts its workers")
        os.kill(master, signal.SIGABRT)
        steps.disarm()
    equal(command.wait(60) != 0, True, "the upgrade fails")
    command.stdout.close()
    return master


def each_moment(load, steps, successor):
    server = load.server
    for moment in MOMENTS:
        load.talk(200)
        resumed = sum(c.resumed for c in load.clients)
        master = crash(server, load, steps[0], moment)
        successor(master)
        serves(server, load)
        print("     %s: %d resumptions" % (moment, sum(c.resumed for c in load.clients) - resumed), flush=True)


def crashes():
    """a master that crashes after it was executed, at each step: who starts the server again has all sessions"""
    steps = []
    server = make_server(2, CLIENTS, log_level="info", prepare=prepared(steps))
    with Load(server, CLIENTS) as load:
        def start_again(master):
            equal(server.process.wait(30), -signal.SIGABRT, "the status of the master")
            server.process = None
            server.start()
        each_moment(load, steps, start_again)


def has_successor(server, master):
    """While one dies and the next one begins, there is none for some commands."""
    done = server.ctl("workers", "--json", check=False)
    return done.returncode == 0 and server.ctl("status", check=False).returncode == 0 and not any(
        p["kind"] == "master" and p["pid"] == master for p in json.loads(done.stdout)["processes"])


def guarded():
    """the same in the background: the guardian starts a new master"""
    steps = []
    server = make_server(2, CLIENTS, log_level="info", prepare=prepared(steps), kind=Guarded)
    with Load(server, CLIENTS) as load:
        def wait_for_successor(master):
            load.wait_for(lambda: has_successor(server, master), "a new master")
        each_moment(load, steps, wait_for_successor)


def main():
    facts = Facts()
    for fact in (hangs, crashes, guarded):
        if not sys.argv[1:] or fact.__name__ in sys.argv[1:]:
            facts.show(fact)
    facts.end()


if __name__ == "__main__":
    main()
