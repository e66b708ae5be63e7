#!/usr/bin/env python3
"""rookeryctl upgrade: a new binary takes the place of the one that runs; one that cannot leaves it running."""
import os
import shutil
import signal
import stat
import struct
import threading

import client as xmpp
from facts import equal, run
from managed import Managed
from pair import seat
from server import PASSWORD, Server, program

DRAIN_TIME = 60


def install(server, text=None):
    """Another file under the program's name, as a package does it: the same program, or a script."""
    new = server.path("new")
    if text is None:
        shutil.copy(program("rookeryd", "process"), new)
    else:
        with open(new, "w") as f:
            f.write("#!/bin/sh\n" + text)
        os.chmod(new, 0o755)
    os.rename(new, server.daemon)


def prepare(server):
    server.daemon = server.path("rookeryd")
    install(server)


def pids(server, kind):
    return {p["number"]: p["pid"] for p in server.processes(kind)}


def instance(server):
    with open(server.path("run/instance"), "rb") as f:
        return struct.unpack_from("=Q", f.read(128), 32)[0]


def until_complete(server, mark):
    server.log.wait("upgrade complete", mark)
    server.wait_for(lambda: [p["state"] for p in server.processes("worker")] == ["ready", "ready"], "two workers")


def upgrade(server):
    """The mark of the log where it began."""
    mark = server.log.mark()
    install(server)
    equal("serves" in server.ctl("upgrade").stdout, True)
    return mark


def same_server(server):
    """master, memory and sockets stay; workers and stores are new ones"""
    before = instance(server), pids(server, "master"), pids(server, "worker"), pids(server, "store")
    mark = upgrade(server)
    until_complete(server, mark)
    equal(instance(server), before[0], "instance")
    equal(pids(server, "master"), before[1], "master")
    equal(set(pids(server, "worker")), {(n + 2) % 4 for n in before[2]}, "numbers of workers")
    equal(set(pids(server, "store").values()) & set(before[3].values()), set(), "stores that stayed")
    with open(server.path("run/rookeryd.pid")) as f:
        equal(int(f.readline()), server.process.pid, "pid file")
    equal(server.run_to_end()[0] not in (0, None), True, "a second server is refused")
    client = xmpp.Client(server)
    client.login("romeo@localhost/after", PASSWORD)
    client.ping()
    client.close()


def sessions(server):
    """those that can be resumed come back with all they had; the others talk on with old and new ones until drain_time"""
    romeo = Managed(server, "romeo@localhost/phone")
    juliet = Managed(server, "juliet@localhost/balcony")
    lingers = seat(server, "nurse@localhost/old", min(pids(server, "worker")))
    romeo.message("juliet@localhost/balcony", "before")
    equal(juliet.body(), "before")
    mark = upgrade(server)
    equal([romeo.get(), juliet.get()], [None, None])
    equal([romeo.conn.ended, juliet.conn.ended], [False, False], "</stream:stream>")
    lingers.send("<message to='romeo@localhost/phone' type='chat' id='m'><body>while you were away</body></message>")
    lingers.ping()
    equal(romeo.resume(), 1, "h")
    equal(romeo.body(), "while you were away")
    juliet.resume()
    romeo.message("nurse@localhost/old", "from the new to the old")
    equal(lingers.get().findtext("{jabber:client}body"), "from the new to the old")
    equal(server.ctl_json("status")["workers_draining"] >= 1, True, "draining")
    done = server.ctl("upgrade", check=False)
    equal(done.returncode, 75, done.stderr)
    server.ctl("reload")		# the old ones have nothing to do with it
    server.log.wait("draining sessions", mark)
    server.move_clock(DRAIN_TIME)
    equal(lingers.get()[0].tag.split("}")[1], "system-shutdown")
    lingers.wait_for_close()
    lingers.close()
    until_complete(server, mark)
    romeo.close()
    juliet.close()


def by_signal(server):
    """USR2 does the same"""
    mark = server.log.mark()
    install(server)
    before = pids(server, "worker")
    server.process.send_signal(signal.SIGUSR2)
    until_complete(server, mark)
    equal(set(pids(server, "worker").values()) & set(before.values()), set(), "workers that stayed")


def nobody_is_refused(server):
    """no connection is refused, and no command, while one upgrade follows the other"""
    failures, count, stopping = [], [0], threading.Event()

    def connect():
        while not stopping.is_set():
            try:
                client = xmpp.Client(server)
                client.open()
                client.close()
                count[0] += 1
            except Exception as e:
                failures.append(repr(e))
    threads = [threading.Thread(target=connect) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(4):
            until_complete(server, upgrade(server))
    finally:
        stopping.set()
        for thread in threads:
            thread.join()
    print("     %d connections" % count[0])
    equal(failures, [])


def under_load(server):
    """two that talk all the while, and resume each time they lose their connection, lose and double nothing"""
    romeo = Managed(server, "romeo@localhost/phone")
    juliet = Managed(server, "juliet@localhost/balcony")
    got, number, resumed = [], 0, 0
    for _ in range(3):
        done = threading.Event()

        def work():
            try:
                until_complete(server, upgrade(server))
            finally:
                done.set()
        thread = threading.Thread(target=work)
        thread.start()
        while not done.is_set() or len(got) < number:
            if not done.is_set() and number - len(got) < 20:
                number += 1
                try:
                    romeo.message("juliet@localhost/balcony", str(number))
                    romeo.ping()
                except (xmpp.Closed, AssertionError):
                    # What was not counted by the server is sent again, as the XEP has it.
                    romeo.sent = romeo.resume()
                    resumed += 1
                    if romeo.sent == 2 * number - 2:
                        romeo.message("juliet@localhost/balcony", str(number))
                    if romeo.sent == 2 * number - 1:
                        romeo.ping()
                    else:
                        romeo.get()
            body = juliet.body()
            if body is None:
                juliet.resume()
                resumed += 1
            else:
                got.append(int(body))
        thread.join()
    print("     %d messages, %d resumptions" % (number, resumed))
    equal(got, list(range(1, number + 1)))
    romeo.close()
    juliet.close()


# --- refused ---

def stays(server, status, reason, before=None):
    """An upgrade fails with that status and reason, and nothing has changed."""
    workers, stores = pids(server, "worker"), pids(server, "store")
    client = seat(server, "romeo@localhost/stays", min(workers))
    if before is not None:
        before()
    done = server.ctl("upgrade", check=False)
    equal(done.returncode, status, done.stdout + done.stderr)
    if reason not in done.stdout + done.stderr:
        raise AssertionError("%r is not in: %s" % (reason, done.stdout + done.stderr))
    client.ping()
    client.close()
    equal(pids(server, "worker"), workers, "workers")
    equal(pids(server, "store"), stores, "stores")
    equal(os.path.exists("/proc/%d" % server.process.pid), True)


def other_layout(server):
    """a binary whose memory is laid out otherwise is refused, and what to do is said"""
    install(server, '%s "$@" | sed "s/^layout slot 512/layout slot 1024/"\n' % program("rookeryd", "process"))
    stays(server, 69, "layout slot 1024")
    stays(server, 69, "rookeryctl stop")


def changed_options(server):
    """options that only a restart changes, and a configuration with a mistake, are refused and named"""
    install(server)

    def write(text):
        server.options = text
        server.write_config()
    try:
        stays(server, 78, "max_sessions 5000", lambda: write("max_sessions = 5000;"))
    finally:
        write("")
    with open(server.config) as f:
        good = f.read()
    broken = good.replace("workers = 2;", "workers = 2; wrokers = 3;")
    rookeryctl_config = server.config

    def break_config():
        with open(server.config, "w") as f:
            f.write(broken)
    break_config()
    with open(server.path("good.conf"), "w") as f:
        f.write(good)
    try:
        server.config = server.path("good.conf")	# for rookeryctl; the server reads its own
        stays(server, 69, "wrokers")
    finally:
        server.config = rookeryctl_config
        with open(server.config, "w") as f:
            f.write(good)


def no_server(server):
    """a binary that is missing, no program, exits, or crashes is refused"""
    os.unlink(server.daemon)
    stays(server, 69, "cannot be executed")
    install(server, "exit 0\n")
    stays(server, 69, "layout version")
    install(server, "echo broken >&2\nexit 3\n")
    stays(server, 69, "status 3): broken")
    install(server, "kill -SEGV $$\n")
    stays(server, 69, "signal 11")
    install(server)
    os.chmod(server.daemon, stat.S_IRUSR)
    stays(server, 69, "cannot be executed")
    install(server)


def workers_fail(server):
    """a binary whose workers do not start gives way to the one before, whose clients notice nothing"""
    mark = server.log.mark()
    install(server)

    def take_data_away():
        os.rename(server.path("data"), server.path("elsewhere"))
    try:
        stays(server, 69, "did not start", take_data_away)
    finally:
        os.rename(server.path("elsewhere"), server.path("data"))
    server.log.wait("back to the one before", mark)
    server.log.wait("the version before goes on", mark)
    until_complete(server, upgrade(server))


def master_fails(server):
    """a binary whose master does not come up is followed by the one before"""
    mark = server.log.mark()
    install(server, 'case "$*" in *--estate*) mv %s %s;; esac\nexec %s "$@"\n' % (
        server.config, server.path("moved.conf"), program("rookeryd", "process")))
    shutil.copy(server.config, server.path("good.conf"))
    mine = server.config
    try:
        server.config = server.path("good.conf")
        stays(server, 69, "did not come up")
    finally:
        server.config = mine
        os.rename(server.path("moved.conf"), server.config)
    server.log.wait("the version before goes on", mark)
    server.ctl("reload")
    until_complete(server, upgrade(server))


def killed_after(server):
    """the memory of a server that was upgraded and then killed is taken over like any other"""
    romeo = Managed(server, "romeo@localhost/phone")
    until_complete(server, upgrade(server))
    for kind in ("worker", "store", "master"):
        for pid in pids(server, kind).values():
            os.kill(pid, signal.SIGKILL)
    server.process.wait()
    server.process = None
    before = instance(server)
    server.start()
    equal(instance(server), before, "instance")
    romeo.resume()
    romeo.ping()
    romeo.close()


FACTS = [same_server, sessions, by_signal, nobody_is_refused, under_load, other_layout, changed_options, no_server,
         workers_fail, master_fails, killed_after]

if __name__ == "__main__":
    run(FACTS, lambda: Server(workers=2, host_options="require_tls = false;", prepare=prepare,
                              accounts=("romeo@localhost", "juliet@localhost", "nurse@localhost")))
