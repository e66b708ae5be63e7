#!/usr/bin/python3
"""Under systemd: what the server tells it and when, sockets that it hands over, and that its walls let ours stand."""
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import client as xmpp
import sandbox_test
from facts import Facts, equal
from server import PASSWORD, Server, program
from systemd import UNIT, Service

JID = "romeo@localhost"
WATCHDOG_US = 400000	# more often than in the unit: half of it is waited for


def make(**more):
    def prepare(server):
        server.daemon = server.path("rookeryd")		# an upgrade is to the file of this name
        shutil.copy(program("rookeryd", "process"), server.daemon)

    return Service(accounts=(JID,), prepare=prepare, **more)


def talk(server, client=None, direct_tls=False):
    """With romeo's name; client: that is connected already."""
    client = client or xmpp.Client(server, direct_tls=direct_tls)
    client.login(JID + "/phone", PASSWORD, tls=not direct_tls)
    client.send("<iq type='get' id='p' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
    equal(client.get().get("id"), "p", "answer")
    client.close()


def upgrade(server):
    mark = server.log.mark()
    server.ctl("upgrade")
    server.log.wait("upgrade complete", mark)


def verify(directory, text):
    """What systemd says of a unit file."""
    path = os.path.join(directory, os.path.basename(UNIT))
    with open(path, "w") as f:
        f.write(text)
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True)
    return [line for line in (done.stdout + done.stderr).splitlines() if os.path.basename(UNIT) in line]


# --- facts ---

def unit():
    """systemd finds no mistake in the unit file"""
    with open(UNIT) as f:
        text = re.sub("(?m)^ExecStart=\\S+", "ExecStart=" + os.path.realpath(program("rookeryd", "process")), f.read())
    with Server(start=False) as server:
        equal(verify(server.directory, text), [])
        equal(len(verify(server.directory, text.replace("WatchdogSec", "WatchdogSecond"))), 1, "what it says of a mistake")


def reload(server, command):
    """RELOADING with the time, then READY."""
    before = time.monotonic_ns() // 1000
    command()
    pid, fields = server.notify.wait("RELOADING")
    equal((pid, fields["RELOADING"]), (server.process.pid, "1"))
    equal(before <= int(fields["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000, True, "its time is now")
    pid, fields = server.notify.wait("READY")
    equal((pid, fields["READY"], fields["MAINPID"]), (server.process.pid, "1", str(server.process.pid)))


def bad_reload(server):
    with open(server.config, "a") as f:
        f.write("no_such_option = 1;\n")
    mark = server.log.mark()
    server.process.send_signal(signal.SIGHUP)
    server.log.wait("reload refused", mark)
    server.write_config()


def signs_of_life(server):
    for _ in range(3):
        pid, fields = server.notify.wait("WATCHDOG")
        equal((pid, fields), (server.process.pid, {"WATCHDOG": "1"}))


def told():
    """it is told of start, reload, refused reload and stop, and that the master lives, by the main process before and after an upgrade"""
    with make(watchdog_us=WATCHDOG_US) as server:
        pid, fields = server.ready
        equal((pid, fields["MAINPID"]), (server.process.pid, str(server.process.pid)), "main process")
        for change in lambda _: None, upgrade:
            change(server)
            signs_of_life(server)
            reload(server, lambda: server.process.send_signal(signal.SIGHUP))
            reload(server, lambda: bad_reload(server))
        server.process.send_signal(signal.SIGTERM)
        equal(server.notify.wait("STOPPING"), (server.process.pid, {"STOPPING": "1"}))
        equal(server.stop(), 0, "exit status")


def no_watchdog():
    """without WatchdogSec there are no signs of life"""
    with make() as server:
        reload(server, lambda: server.process.send_signal(signal.SIGHUP))
        equal(server.stop(), 0, "exit status")
        equal(server.notify.get()[1], {"STOPPING": "1"}, "after READY")


def handed():
    """of sockets that are handed over all workers accept, after an upgrade too, and who comes between two servers waits"""
    with make(hands=True) as server:
        try:
            socket.create_connection(("::1", server.port)).close()
            raise AssertionError("another socket is open: one of the configuration")
        except OSError:	# refused, or there is no such address
            pass
        for change in lambda _: None, upgrade:
            change(server)
            talk(server)
            talk(server, direct_tls=True)
        equal(server.stop(), 0, "exit status")
        server.notify.wait("STOPPING")
        waiting = xmpp.Client(server)
        server.start()
        talk(server, waiting)


def walls():
    """behind the walls of the unit it starts, serves, reloads and upgrades, and workers and stores have all of their own walls"""
    with make(within=True) as server:
        talk(server)
        talk(server, direct_tls=True)
        for change in lambda s: s.ctl("reload"), upgrade, lambda s: s.kill_worker(s.processes("worker")[0]["number"]):
            change(server)
            talk(server)
            sandbox_test.walls(server)
            sandbox_test.root(server)
            filters(server)
        equal(re.findall("sandbox (?:keeps|without).*", server.read_log()), [], "said of the sandbox")
        server.check()
        equal(server.stop(), 0, "exit status")


def filters(server):
    """Every thread has two more than we: the unit's and ours."""
    if sandbox_test.is_sanitized(server):
        return
    own = int(sandbox_test.status_of(os.getpid())["Seccomp_filters"])
    for process in sandbox_test.inside(server):
        for thread in sandbox_test.threads_of(process["pid"]):
            equal(sandbox_test.status_of(thread)["Seccomp_filters"], str(own + 2), "filters of a " + process["kind"])


def main():
    facts = Facts()
    for fact in told, no_watchdog, handed:
        facts.show(fact)
    for fact in unit, walls:
        if shutil.which("systemd-analyze"):
            facts.show(fact)
        else:
            print("     SKIPPED, for systemd-analyze is missing: " + fact.__doc__)
    facts.end()


if __name__ == "__main__":
    main()
