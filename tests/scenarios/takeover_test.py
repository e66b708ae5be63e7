#!/usr/bin/env python3
"""A new master takes over the memory of the one before, whatever ended that; what it cannot use is set aside and named."""
import glob
import os
import signal
import struct

import client as xmpp
from facts import Facts, equal
from pair import seat
from server import PASSWORD, Server, stopped

BOOT, INSTANCE = 40, 32		# in every segment's header
PROCESS = 3 * 4096	# in "instance": the page of worker 0


def segment(server, name):
    return os.path.join(server.path("run"), name)


def instance(server):
    with open(segment(server, "instance"), "rb") as f:
        return struct.unpack_from("=Q", f.read(128), INSTANCE)[0]


def set_aside(server):
    """What stands beside the memory under another name; taken away, so that the next fact finds its own."""
    found = glob.glob(segment(server, "*.bad-*"))
    for path in found:
        if os.path.isdir(path):
            for name in os.listdir(path):
                os.unlink(os.path.join(path, name))
            os.rmdir(path)
        else:
            os.unlink(path)
    return sorted({os.path.basename(path).split(".bad-")[0] for path in found})


def processes(server):
    return [p["pid"] for kind in ("master", "worker", "store") for p in server.processes(kind)]


def kill_master(server):
    """The workers go at once, the stores when they have done what they were asked for."""
    server.process.kill()
    server.process.wait()
    server.process = None


def kill_all(server):
    """All at once: nobody has time for anything."""
    pids = processes(server)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    server.process.wait()
    server.process = None


def enter(server, jid):
    client = xmpp.Client(server)
    client.login(jid, PASSWORD)
    return client


def kept(server, end):
    """Started again, the server has the memory of before, and works."""
    before = instance(server)
    generations = [p["generation"] for p in server.processes("worker")]
    mark = server.log.mark()
    end(server)
    server.start()
    server.log.wait("memory taken over.*instance=%016x" % before, mark)
    equal(instance(server), before, "instance")
    now = [p["generation"] for p in server.processes("worker")]
    equal(all(b > a for a, b in zip(generations, now)), True, "generations %s, then %s" % (generations, now))
    client = enter(server, "romeo@localhost/after")
    client.ping()
    client.close()
    equal(server.stop(), 0)
    server.start()
    equal(set_aside(server), [], "set aside")


def after_stop(server):
    """a stop and a start keep the memory"""
    kept(server, Server.stop)


def after_master(server):
    """a master that was killed is followed by one that keeps the memory"""
    kept(server, kill_master)


def after_all(server):
    """all processes killed at once: the next ones keep the memory"""
    client = enter(server, "romeo@localhost/before")
    kept(server, kill_all)
    client.close()


def sessions_end(server):
    """sessions that cannot be resumed end with their worker, and leave neither slot nor record"""
    client = enter(server, "romeo@localhost/before")
    client.send("<presence/>")
    equal(client.get().tag, "{jabber:client}presence")
    kill_all(server)
    server.start()
    equal(server.sessions(), [])
    juliet = enter(server, "juliet@localhost/after")
    juliet.send(xmpp.ping(to="romeo@localhost/before"))
    equal(juliet.get().get("type"), "error")
    juliet.close()
    client.close()


# --- requests ---

def waiting(server, ring):
    """How many bytes stand in a ring: its tail and its head count them."""
    with open(segment(server, "ring.%d" % ring), "rb") as f:
        page = f.read(4096)
    return struct.unpack_from("=Q", page, 128)[0] - struct.unpack_from("=Q", page, 192)[0]


def requests_once(server):
    """requests that stood in the rings when all died are done by the new stores, once"""
    store = next(p for p in server.processes("store") if p["number"] == 1)
    romeo = seat(server, "romeo@localhost/phone", 0)
    with stopped(store["pid"]):
        romeo.send("<message to='juliet@localhost' type='chat' id='m'><body>Hark</body></message>")
        server.wait_for(lambda: waiting(server, 2) > 0, "a request stands in the ring of worker 0 to the store msg")
        kill_all(server)
    equal(waiting(server, 2) > 0, True, "the request stands there still")
    server.start()
    server.wait_for(lambda: waiting(server, 2) == 0, "the request was taken")
    juliet = enter(server, "juliet@localhost/balcony")
    juliet.send("<presence/>")
    equal(juliet.get().tag, "{jabber:client}presence")
    got = juliet.get()
    equal((got.tag, got.get("id")), ("{jabber:client}message", "m"))
    juliet.ping()		# and no second one before it
    juliet.close()
    romeo.close()


# --- what cannot be taken over ---

def begins_anew(server, reason, aside, spoil=None, **how):
    """The server starts without what was there, says why, and what was there still is."""
    before = instance(server)
    if how.get("end", Server.stop)(server) not in (0, None):
        raise AssertionError("it did not stop")
    if spoil is not None:
        spoil()
    mark = server.log.mark()
    server.start(*how.get("arguments", ()))
    server.log.wait(reason, mark)
    equal(instance(server) == before, False, "the same instance")
    found = set_aside(server)
    if aside is None:
        equal(found, [], "set aside")
    else:
        for name in aside:
            equal(name in found, True, "%s among %s" % (name, found))
    client = enter(server, "romeo@localhost/anew")
    client.ping()
    client.close()


def other_options(server):
    """changed options make new memory, and the log says which and what was lost"""
    ALL = ("instance", "slots", "arena.0", "ring.0", "registry")

    def workers(count):
        server.workers = count
        server.write_config()
    begins_anew(server, 'nothing was lost.*workers changed from 2 to 3', None, lambda: workers(3))
    client = enter(server, "romeo@localhost/lost")
    begins_anew(server, 'sessions were not kept.*workers changed from 3 to 2.* sessions=1', ALL, lambda: workers(2),
                end=kill_all)
    client.close()

    def sessions(count):
        server.options = "max_sessions = %d;" % count if count else ""
        server.write_config()
    begins_anew(server, 'max_sessions changed from 10000 to 5000', None, lambda: sessions(5000))
    begins_anew(server, 'max_sessions changed from 5000 to 10000', None, lambda: sessions(0))


def fresh(server):
    """--fresh keeps nothing"""
    client = enter(server, "romeo@localhost/lost")
    begins_anew(server, 'sessions were not kept.*--fresh', ("instance", "slots", "registry"), end=kill_all,
                arguments=("--fresh",))
    client.close()


def patch(path, offset, data):
    with open(path, "r+b") as f:
        f.seek(offset)
        f.write(data)


def damage(server):
    """a segment that was scribbled over, cut, of another layout or missing is named; all is set aside"""
    for name, spoil in (
            ("slots", lambda path: patch(path, 0, b"scribble")),
            ("arena.1", lambda path: os.truncate(path, 4096)),
            ("effect.0", lambda path: patch(path, 8, struct.pack("=I", 99))),
            ("dirty.1", lambda path: patch(path, INSTANCE, struct.pack("=Q", 1))),
            ("ring.3", os.unlink),
            ("instance", lambda path: patch(path, 0, b"\0" * 4096))):
        mark = server.log.mark()
        begins_anew(server, "sessions were not kept", ("registry", "ring.0", "instance"),
                    lambda: spoil(segment(server, name)))
        if name != "ring.3":
            server.log.wait("memory is broken: set aside path=[^ ]*/%s wrong=" % name, mark)


def broken_rules(server):
    """memory whose words cannot be, though its headers are good: the broken rule is named, and nobody dies of it"""
    def effect(path):
        patch(path, 128, struct.pack("=QI", 3, 1))
        patch(path, 4096 + 8, b"\xff" * 12)
    for name, spoil, rule in (
            ("effect.0", effect, "effect-(state|step)"),
            ("instance", lambda path: patch(path, PROCESS, b"\xff" * 4), "process-page"),
            ("slots", lambda path: patch(path, 4096, b"\xa5" * 2048), "slot-owner"),
            ("ring.0", lambda path: patch(path, 192, struct.pack("=Q", 4096)), "ring-counts")):
        client = enter(server, "romeo@localhost/lost")
        mark = server.log.mark()
        begins_anew(server, r"sessions were not kept.*it breaks its own rules.* sessions=\d+",
                    ("registry", "slots", name), lambda: spoil(segment(server, name)), end=kill_all)
        server.log.wait("memory breaks a rule rule=%s " % rule, mark)
        client.close()


def registry(server):
    """a registry that is damaged, cut or none is not opened by the workers"""
    path = os.path.join(segment(server, "registry"), "data.mdb")
    for spoil in (lambda: patch(path, 0, b"\xff" * 8192), lambda: os.truncate(path, 100),
                  lambda: open(path, "wb").close()):
        client = enter(server, "romeo@localhost/lost")
        begins_anew(server, "sessions were not kept.*registry", ("registry", "slots"), spoil, end=kill_all)
        client.close()


def earlier_boot(server):
    """memory of an earlier boot is removed"""
    def spoil():
        for path in glob.glob(segment(server, "*")):
            if os.path.isfile(path) and not path.endswith(".pid"):
                patch(path, BOOT, b"\1" * 16)
    begins_anew(server, "memory of an earlier boot removed", None, spoil)


FACTS = [after_stop, after_master, after_all, sessions_end, requests_once, other_options, fresh, damage,
         broken_rules, registry,
         earlier_boot]

if __name__ == "__main__":
    import sys
    facts = Facts()
    with Server(workers=2, host_options="require_tls = false;", accounts=("romeo@localhost", "juliet@localhost")) as running:
        for fact in FACTS:
            if not sys.argv[1:] or fact.__name__ in sys.argv[1:]:
                facts.show(fact, running)
        running.stop()
        facts.end(running)
