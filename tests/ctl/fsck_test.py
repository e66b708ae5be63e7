#!/usr/bin/python3
"""rookeryctl fsck: finds nothing in a server that works, whatever is killed, and names what somebody scribbled."""
import json
import os
import signal
import struct
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenarios"))

from client import Client  # noqa: E402
from facts import Facts, equal  # noqa: E402
from server import PASSWORD, Server, stopped  # noqa: E402

EX_DATAERR = 65
ROUNDS = 12
ROUNDS_MOST = 200	# until a slow machine has looked when there was something to see
ACCOUNTS = ("romeo@localhost", "juliet@localhost")
PAGE, SLOT = 4096, 512
SLOT_EPOCH, SLOT_TYPE = 8, 144


def fsck(server, status=0):
    done = server.ctl("fsck", "--json", check=False)
    answer = json.loads(done.stdout)
    equal(done.returncode, status, "%s%s" % (done.stdout, done.stderr))
    equal(done.stderr, "")
    return answer


def clean(server):
    answer = fsck(server)
    equal((answer["findings"], answer["more"]), ([], 0))
    return answer


def login(server, jid, resource="here"):
    client = Client(server)
    client.login("%s/%s" % (jid, resource), PASSWORD)
    client.send("<presence/>")
    return client


def pids(server, kind=None):
    return [p["pid"] for p in server.ctl_json("workers")["processes"] if kind in (None, p["kind"])]


# --- a server that works ---

def before_anything(server):
    """with neither memory nor accounts there is nothing to find, and it says so"""
    answer = clean(server)
    equal((answer["running"], answer["seen"]["slots"], answer["seen"]["accounts"]), (False, 0, 0))
    done = server.ctl("fsck")
    equal("0 findings" in done.stdout and "no memory is there" in done.stdout, True, done.stdout)


def idle(server):
    """a server with two sessions: both are seen, and nothing is wrong"""
    clients = [login(server, jid) for jid in ACCOUNTS]
    seen = clean(server)["seen"]
    equal((seen["sessions"], seen["accounts"]), (2, 2))
    for client in clients:
        client.close()


def chat(server, stop, errors, rounds):
    """Romeo reads nothing, so that his outbox fills."""
    try:
        romeo, juliet = login(server, ACCOUNTS[0], "chat"), login(server, ACCOUNTS[1], "chat")
        romeo.send("<presence to='juliet@localhost' type='subscribe'/>")
        number = 0
        while not stop.is_set():
            number += 1
            juliet.send("".join("<message to='romeo@localhost/chat' type='chat' id='n%d'><body>%s</body></message>"
                                % (i, "x" * 20000) for i in range(20)))
            juliet.send("<iq type='get' id='p%d' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>" % number)
            while juliet.get().get("id") != "p%d" % number:
                pass
            romeo.send("<presence><status>%d</status></presence>" % number)
            login(server, ACCOUNTS[0], "short%d" % number).close()
            rounds.append(number)
        romeo.close()
        juliet.close()
    except Exception as error:		# told by the fact, not by the thread
        errors.append(error)


def under_load(server):
    """while messages, presences, logins and logouts go on there is no false finding"""
    stop, errors, rounds, seen = threading.Event(), [], [], []

    def most():
        return {what: max((s[what] for s in seen), default=0) for what in ("blocks", "entries", "sessions", "contacts", "messages")}
    thread = threading.Thread(target=chat, args=(server, stop, errors, rounds))
    thread.start()
    try:
        while not errors and (len(rounds) < ROUNDS or not all(most().values())) and len(rounds) < ROUNDS_MOST:
            seen.append(clean(server)["seen"])
    finally:
        stop.set()
        thread.join()
    equal(errors, [])
    equal([what for what, count in most().items() if count == 0], [], "never seen")


def stopped_workers(server):
    """it needs no worker: all of them are stopped"""
    client = login(server, ACCOUNTS[0])
    with stopped(*pids(server, "worker")):
        equal(clean(server)["running"], True)
    client.close()


def killed_worker(server):
    """kill -9 of a worker: what it left is finished or found again by its replacement, and no rule is broken"""
    client = login(server, ACCOUNTS[0])
    since = server.log.mark()
    os.kill(next(p["pid"] for p in server.processes("worker") if p["number"] == server.worker_of(client)),
            signal.SIGKILL)
    clean(server)
    server.log.wait("process is back", since)
    clean(server)


# --- a server that was killed ---

def kill_everything(server):
    victims = pids(server)
    for pid in victims:
        os.kill(pid, signal.SIGSTOP)
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    server.process.wait(20)
    equal(server.log.wait_for_end(20), True, "all are gone")


def killed_server(server):
    """kill -9 of all: the memory is read as it was left, exactly, and no rule is broken"""
    clients = [login(server, jid) for jid in ACCOUNTS]
    kill_everything(server)
    answer = clean(server)
    equal(answer["running"], False)
    equal(answer["seen"]["slots"] > 0 and answer["seen"]["sessions"] == 2, True, answer)
    for client in clients:
        client.close()


def change(server, name, offset, layout, new):
    """Writes a word of a segment, and returns what stood there."""
    with open(server.path(os.path.join("run", name)), "r+b") as f:
        f.seek(offset)
        old, = struct.unpack(layout, f.read(struct.calcsize(layout)))
        f.seek(offset)
        f.write(struct.pack(layout, new))
    return old


def names(server):
    return sorted({f["rule"] for f in fsck(server, EX_DATAERR)["findings"]})


def scribbled(server):
    """each scribble is named: the rule, where, what, and what to do; and its table ends with the sum"""
    for name, offset, layout, new, rule in (
            ("slots", PAGE + 100 * SLOT, "=I", 0xff | 1 << 8, "slot-lock"),
            ("slots", PAGE + 100 * SLOT + SLOT_EPOCH, "=I", 3, "slot-epoch"),
            ("slots", 0, "=Q", 0, "segment-broken"),
            ("arena.1", 8, "=I", 99, "segment-broken"),
            ("ring.0", PAGE + 4, "=I", 77, "ring-record"),
            ("effect.0", 128, "=Q", 3, "effect-state")):
        old = change(server, name, offset, layout, new)
        if rule == "effect-state":
            steps = change(server, name, 136, "=I", 9999)
        if rule == "ring-record":
            tail = change(server, name, 128, "=Q", 4096)
        equal(names(server), [rule], name)
        done = server.ctl("fsck", check=False)
        equal(done.returncode, EX_DATAERR)
        lines = done.stdout.splitlines()
        equal(lines[0].split()[:3], ["RULE", "WHERE", "WHAT"])
        equal(lines[1].startswith(rule + " "), True, lines[1])
        equal(lines[-1].startswith("1 findings"), True, lines[-1])
        change(server, name, offset, layout, old)
        if rule == "effect-state":
            change(server, name, 136, "=I", steps)
        if rule == "ring-record":
            change(server, name, 128, "=Q", tail)
        clean(server)


def missing(server):
    """a file that is gone is named"""
    path = server.path("run/dirty.0")
    os.rename(path, path + ".away")
    equal(names(server), ["segment-missing"])
    os.rename(path + ".away", path)
    clean(server)


def broken_store(server):
    """a store that cannot be read is a finding, and the rest is checked all the same"""
    path = server.path("data/core/data.mdb")
    os.rename(path, path + ".away")
    with open(path, "wb") as f:
        f.write(b"no database" * 1000)
    server.give_away(server.path("data"))
    answer = fsck(server, EX_DATAERR)
    equal([(f["rule"], f["where"]) for f in answer["findings"]], [("store-broken", "core")])
    equal(answer["seen"]["slots"] > 0, True, answer)
    os.rename(path + ".away", path)
    clean(server)


def changes_nothing(server):
    """it writes neither into memory nor into the data"""
    def bytes_of():
        paths = [os.path.join(folder, name) for top in ("run", "data") for folder, _, files in
                 os.walk(server.path(top)) for name in files if "lock" not in name]
        return {path: open(path, "rb").read(1 << 20) for path in paths if os.path.isfile(path)}
    before = bytes_of()
    clean(server)
    equal(bytes_of() == before, True)


if __name__ == "__main__":
    all_facts = Facts()
    with Server(workers=2, start=False) as server:
        chosen = [f for f in (idle, under_load, stopped_workers, killed_worker, killed_server, scribbled, missing,
                              broken_store, changes_nothing) if not sys.argv[1:] or f.__name__ in sys.argv[1:]]
        all_facts.show(before_anything, server)
        for account in ACCOUNTS:
            server.add_account(account)
        server.start()
        for fact in chosen:
            all_facts.show(fact, server)
        all_facts.end(server)
