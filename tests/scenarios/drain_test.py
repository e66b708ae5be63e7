#!/usr/bin/env python3
"""rookeryctl drain: a new worker takes the place of another one, and nobody who can come back loses anything."""
import os
import signal
import threading

import client as xmpp
from facts import equal, run
from managed import Managed
from pair import seat
from server import PASSWORD, Server

RESUME_TIME = 600
DRAIN_TIME = 60


def draining(server):
    return [p["number"] for p in server.processes("worker") if p["state"] == "draining"]


def numbers(server):
    return sorted(p["number"] for p in server.processes("worker"))


def until_settled(server):
    """Nobody drains, all serve, and what was left is adopted: two workers, and a line for each adoption."""
    server.wait_for(lambda: [p["state"] for p in server.processes("worker")] == ["ready", "ready"], "two workers are ready")
    equal(server.ctl_json("status")["workers_draining"], 0)


def drain(server, worker):
    """Drains, again where the other seat is not free yet: whoever left it was just adopted."""
    found = []
    mark = server.log.mark()

    def is_done():
        done = server.ctl("drain", str(worker), check=False)
        found[:] = done.stdout.split()
        if done.returncode not in (0, 75):
            raise AssertionError("drain %d: %s" % (worker, done.stderr))
        return done.returncode == 0
    server.wait_for(is_done, "the other seat is free")
    server.log.wait("worker %d worker draining" % worker, mark)
    return int(found[1])


def of_place(server, place):
    """The number under which the worker with those listening sockets serves."""
    return next(n for n in numbers(server) if n % 2 == place)


def resumable(server):
    """a session that can be resumed loses its connection without the end of its stream, and comes back with all it had"""
    old = of_place(server, 0)
    romeo = Managed(server, "romeo@localhost/phone", old)
    juliet = Managed(server, "juliet@localhost/balcony", of_place(server, 1))
    romeo.message("juliet@localhost/balcony", "before")
    equal(juliet.body(), "before")
    new = drain(server, old)
    equal(romeo.get(), None)
    equal(romeo.conn.ended, False, "</stream:stream>")
    equal(romeo.acked, 1, "the last <a/>")
    juliet.message("romeo@localhost/phone", "meanwhile")
    juliet.ping()
    equal(romeo.resume(new), 1, "h")
    equal(romeo.body(), "meanwhile")
    romeo.message("juliet@localhost/balcony", "after")
    equal(juliet.body(), "after")
    romeo.close()
    juliet.close()
    until_settled(server)


def others_linger(server):
    """a session that cannot be resumed goes on until drain_time, and is told system-shutdown then"""
    old = of_place(server, 1)
    romeo = seat(server, "romeo@localhost/old", old)
    new = drain(server, old)
    equal(draining(server), [old])
    equal(server.ctl_json("status")["workers_draining"], 1)
    juliet = seat(server, "juliet@localhost/new", new)
    for sender, receiver in ((romeo, juliet), (juliet, romeo)):
        sender.send("<message to='%s' type='chat' id='m'><body>still here</body></message>" % receiver.jid)
        equal(receiver.get().get("id"), "m")
    done = server.ctl("drain", str(new), check=False)
    equal(done.returncode, 75, done.stderr)
    server.move_clock(DRAIN_TIME)
    error = romeo.get()
    equal((error.tag, error[0].tag.split("}")[1]), (xmpp.STREAM + "error", "system-shutdown"))
    romeo.wait_for_close()
    romeo.close()
    until_settled(server)
    juliet.ping()
    juliet.close()


def absent(server):
    """a session whose client is away is adopted: messages wait for it, and it is resumed or times out"""
    old = of_place(server, 0)
    romeo = Managed(server, "romeo@localhost/away", old)
    nurse = Managed(server, "nurse@localhost/away", old)
    for client in (romeo, nurse):
        client.send("<presence/>")
        client.get()
        client.lose()
    server.wait_for(lambda: all(s["hibernating"] for s in server.sessions()), "they hibernate")
    new = drain(server, old)
    until_settled(server)
    server.wait_for(lambda: {s["worker"] for s in server.sessions() if s["hibernating"]} == {new}, "they were adopted")
    juliet = Managed(server, "juliet@localhost/balcony", of_place(server, 1))
    juliet.message("romeo@localhost/away", "waits")
    juliet.ping()
    romeo.resume(of_place(server, 1))
    equal(romeo.body(), "waits")
    romeo.close()
    juliet.close()
    equal([s["jid"] for s in server.sessions()], ["nurse@localhost/away"])
    server.move_clock(RESUME_TIME)
    server.wait_for(lambda: server.sessions() == [], "hers times out")


def killed(server):
    """a worker that is killed while it drains is adopted; one that is killed after it took the place is replaced"""
    old = of_place(server, 0)
    romeo = Managed(server, "romeo@localhost/phone", old)
    lingers = seat(server, "juliet@localhost/old", old)
    new = drain(server, old)
    equal(romeo.get(), None)
    os.kill(server.worker(old)["pid"], signal.SIGKILL)
    lingers.wait_for_close()
    equal(lingers.ended, False, "</stream:stream>")
    until_settled(server)
    romeo.resume(of_place(server, 1))
    lingers = seat(server, "juliet@localhost/again", new)
    next_one = drain(server, new)
    equal(next_one, old)
    pid = server.worker(next_one)["pid"]
    os.kill(pid, signal.SIGKILL)
    server.wait_for(lambda: server.worker(next_one)["pid"] != pid and server.worker(next_one)["state"] == "ready", "it is back")
    equal(draining(server), [new])
    server.move_clock(DRAIN_TIME)
    lingers.wait_for_close()
    until_settled(server)
    romeo.ping()
    romeo.close()


def not_started(server):
    """a new worker that cannot start changes nothing"""
    old = of_place(server, 1)
    romeo = seat(server, "romeo@localhost/stays", old)
    os.rename(server.path("data"), server.path("elsewhere"))
    try:
        done = server.ctl("drain", str(old), check=False)
    finally:
        os.rename(server.path("elsewhere"), server.path("data"))
    equal(done.returncode, 69, done.stderr)
    equal(of_place(server, 1), old)
    romeo.ping()
    drain(server, old)
    server.move_clock(DRAIN_TIME)
    romeo.wait_for_close()
    until_settled(server)


def refused(server):
    """a number that nobody has, and what is no number, is refused"""
    for text, status in (("63", 64), ("64", 64), ("-1", 64), ("one", 64)):
        equal(server.ctl("drain", "--", text, check=False).returncode, status, text)


def nobody_is_refused(server):
    """no connection is refused while one worker after the other is renewed"""
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
    for round_ in range(4):
        drain(server, of_place(server, round_ % 2))
        until_settled(server)
    stopping.set()
    for thread in threads:
        thread.join()
    print("     %d connections" % count[0])
    equal(failures, [])


def stop_while_draining(server):
    """a server that is stopped while a worker drains keeps its sessions for the next start"""
    old = of_place(server, 0)
    romeo = Managed(server, "romeo@localhost/phone", old)
    lingers = seat(server, "juliet@localhost/old", old)
    drain(server, old)
    equal(romeo.get(), None)
    server.process.terminate()
    equal(lingers.get().tag, xmpp.STREAM + "error")
    lingers.close()
    equal(server.stop(), 0)
    server.start()
    romeo.resume()
    romeo.ping()
    romeo.close()


def killed_while_draining(server):
    """a server that is killed while a worker drains: both seats are recovered"""
    old = of_place(server, 0)
    romeo = Managed(server, "romeo@localhost/phone", old)
    lingers = seat(server, "juliet@localhost/old", old)
    drain(server, old)
    equal(romeo.get(), None)
    for process in server.processes("worker") + server.processes("store") + server.processes("master"):
        os.kill(process["pid"], signal.SIGKILL)
    server.process.wait()
    server.process = None
    server.start()
    romeo.resume()
    romeo.ping()
    equal([s["jid"] for s in server.sessions()], ["romeo@localhost/phone"])
    romeo.close()
    lingers.close()


FACTS = [resumable, others_linger, absent, killed, not_started, refused, nobody_is_refused, stop_while_draining,
         killed_while_draining]

if __name__ == "__main__":
    run(FACTS, lambda: Server(workers=2, host_options="require_tls = false;",
                              accounts=("romeo@localhost", "juliet@localhost", "nurse@localhost")))
