#!/usr/bin/python3
"""Every command of rookeryctl on a running server, also with all its workers stopped."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenarios"))

from client import Client, Closed, SASL  # noqa: E402
from facts import equal, run  # noqa: E402
from server import PASSWORD, Server, program, stopped  # noqa: E402

EX_USAGE, EX_DATAERR, EX_NOUSER, EX_NOHOST, EX_NOPERM, EX_CONFIG = 64, 65, 67, 68, 77, 78
STREAM_ERROR = "{http://etherx.jabber.org/streams}error"
CONDITION = "{urn:ietf:params:xml:ns:xmpp-streams}"
PROPERTIES = ["conn", "notopen", "type", "username", "host", "resource", "full_jid", "priority", "presence",
              "interested", "roster", "resumption", "h", "unacked"]
PRESENCE = "<presence><priority>5</priority><status>\u00fcber &amp; out</status></presence>"
READERS = (("sessions",), ("session", "romeo@localhost/phone"), ("workers",), ("stats",), ("status",), ("users",))


def logged_in(server, jid, password=PASSWORD):
    client = Client(server)
    client.login(jid, password)
    return client


def available(server, jid):
    client = logged_in(server, jid)
    client.send(PRESENCE)
    client.get()  # its own presence comes back once it is kept
    return client


def condition_of(client):
    """The condition of the stream error that ends the stream; the client then closes."""
    try:
        while True:
            element = client.get()
            if element is None:
                raise AssertionError("the stream ended without an error")
            if element.tag == STREAM_ERROR:
                client.close()
                return element[0].tag[len(CONDITION):]
    except Closed:
        raise AssertionError("the connection ended without a stream error")


def refused(server, status, text, *arguments, stdin=""):
    done = server.ctl(*arguments, stdin=stdin, check=False)
    equal(done.returncode, status, "exit status of " + " ".join(arguments))
    equal(done.stdout, "", "standard output")
    if text not in done.stderr:
        raise AssertionError("%r does not say %r" % (done.stderr, text))


def session_of(server, jid):
    return next(s for s in server.sessions() if s["jid"] == jid)


def user(server, jid):
    return next(u for u in server.ctl_json("users")["users"] if u["jid"] == jid)


# --- looking ---

def sessions_show_a_bound_one(server):
    """sessions shows a session with its connection, TLS, mechanism and presence"""
    romeo = available(server, "romeo@localhost/phone")
    seen = session_of(server, "romeo@localhost/phone")
    wanted = {"type": "c2s", "address": "127.0.0.1", "port": romeo.port, "priority": 5, "available": True,
              "interested": False, "secure": True, "hibernating": False, "mechanism": "SCRAM-SHA-1",
              "notopen": False, "direct_tls": False}
    equal({name: seen[name] for name in wanted}, wanted)
    equal(seen["tls"].split()[0], "TLSv1.3")
    equal(seen["pid"], server.worker(seen["worker"])["pid"], "pid")
    equal(seen["since"] <= seen["bound"], True, "accepted before bound")
    equal(seen["stanzas_in"], 1, "stanzas_in")
    equal(sorted(k for k in seen if k in ("id", "slot", "epoch", "queue_entries", "queue_bytes", "octets_in")),
          ["epoch", "id", "octets_in", "queue_bytes", "queue_entries", "slot"])
    romeo.close()


def sessions_show_an_unauthenticated_one(server):
    """sessions shows a connection that has not authenticated, without a JID"""
    stranger = Client(server)
    server.wait_for(lambda: any(s["port"] == stranger.port for s in server.sessions()), "it is accepted")
    seen = next(s for s in server.sessions() if s["port"] == stranger.port)
    equal((seen["jid"], seen["type"], seen["notopen"], seen["secure"], seen["tls"]),
          (None, "c2s_unauthed", True, False, None))
    lines = server.ctl("sessions").stdout.splitlines()
    equal(any(line.startswith("(unauthenticated)") and "c2s_unauthed" in line for line in lines), True, "a line")
    stranger.open()
    seen = next(s for s in server.sessions() if s["port"] == stranger.port)
    equal(seen["notopen"], False, "notopen")
    stranger.close()


def sessions_are_chosen(server):
    """sessions chooses by full JID, account and host"""
    clients = [logged_in(server, jid) for jid in (
        "romeo@localhost/a", "romeo@localhost/b", "juliet@localhost/c", "romeo@example.org/a")]
    for jid, wanted in (("romeo@localhost/a", 1), ("romeo@localhost", 2), ("ROMEO@localhost", 2),
                        ("localhost", 3), ("example.org", 1), ("nobody@localhost", 0)):
        equal(len(server.ctl_json("sessions", jid)["sessions"]), wanted, jid)
    refused(server, EX_DATAERR, "no address", "sessions", "a@b@c")
    for client in clients:
        client.close()


def sums(server):
    """the sums below the sessions are those of the lines above"""
    server.wait_for(lambda: not server.sessions(), "the others are gone")
    clients = [available(server, "romeo@localhost/a"), logged_in(server, "romeo@localhost/b")]
    totals = server.ctl_json("sessions")["totals"]
    equal([totals[k] for k in ("shown", "connected", "available", "interested", "hibernating")], [2, 2, 1, 0, 0])
    text = server.ctl("sessions").stdout
    equal("2 shown: 2 connected, 1 available, 0 interested, 0 hibernating" in text, True, "footer")
    equal("512 B each" in text, True, "memory")
    for client in clients:
        client.close()


def properties(server):
    """session prints exactly the documented properties, as text and as JSON"""
    romeo = available(server, "romeo@localhost/Balk\u00f6n")
    server.wait_for(lambda: server.ctl_json("session", romeo.jid)["unacked"]["stanzas"] == 0, "what it got is given back")
    shown = dict(line.split(None, 1) for line in
                 server.ctl("session", "romeo@localhost/Balk\u00f6n").stdout.splitlines())
    equal(list(shown), PROPERTIES, "names")
    equal(shown["conn"].startswith("127.0.0.1:%d, worker " % romeo.port), True, "conn")
    wanted = {"notopen": "false", "type": "c2s", "username": "romeo", "host": "localhost",
              "resource": "Balk\u00f6n", "full_jid": "romeo@localhost/Balk\u00f6n", "priority": "5",
              "interested": "false", "roster": "0 items, version 0", "resumption": "off", "h": "not counted",
              "unacked": "0 stanzas, 0 bytes"}
    equal({name: shown[name] for name in wanted}, wanted)
    equal("<status>\u00fcber &amp; out</status>" in shown["presence"], True, "presence")
    told = server.ctl_json("session", "romeo@localhost/Balk\u00f6n")
    equal(list(told), PROPERTIES, "names in JSON")
    equal((told["conn"]["port"], told["priority"], told["roster"]), (romeo.port, 5, {"items": 0, "version": 0}))
    romeo.send("<presence type='unavailable'/>")
    romeo.get()
    told = server.ctl_json("session", "romeo@localhost/Balk\u00f6n")
    equal((told["priority"], told["presence"]), (0, None), "after unavailable")
    refused(server, EX_DATAERR, "no resource", "session", "romeo@localhost")
    refused(server, EX_NOUSER, "no session", "session", "romeo@localhost/elsewhere")
    romeo.close()


def resumption(server):
    """session shows whether it can be resumed, until when it waits, and what is acknowledged both ways"""
    client = available(server, "romeo@localhost/phone")
    client.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
    equal(client.get().tag, "{urn:xmpp:sm:3}enabled")
    client.send("<iq type='get' id='p' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq><r xmlns='urn:xmpp:sm:3'/>")
    client.get()
    client.get()
    shown = dict(line.split(None, 1) for line in server.ctl("session", "romeo@localhost/phone").stdout.splitlines())
    equal([shown[name].split(",")[0] for name in PROPERTIES[-3:]], ["possible", "1 handled", "1 stanzas"])
    told = server.ctl_json("session", "romeo@localhost/phone")
    equal(told["resumption"], {"state": "possible", "seconds": 600, "deadline": None})
    equal(told["h"], {"handled": 1, "safe": 1})
    equal(told["unacked"]["stanzas"], 1)
    client.socket.close()
    server.wait_for(lambda: session_of(server, "romeo@localhost/phone")["hibernating"], "it hibernates")
    told = server.ctl_json("session", "romeo@localhost/phone")
    equal((told["conn"], told["resumption"]["state"]), (None, "waits"))
    equal(590 <= told["resumption"]["seconds"] <= 600 and told["resumption"]["deadline"][-1] == "Z", True, told)
    shown = server.ctl("session", "romeo@localhost/phone").stdout
    equal("none, worker " in shown and "waits for its client, until 2" in shown, True, shown)
    server.ctl("kick", "romeo@localhost/phone")
    server.wait_for(lambda: not server.sessions(), "it has ended")


def texts_of_peers(server):
    """what a client wrote cannot steer a terminal"""
    romeo = logged_in(server, "romeo@localhost/phone")
    romeo.send("<presence><status>a\u009b2Jb\u202ec&#10;d</status></presence>")
    romeo.get()
    shown = server.ctl("session", "romeo@localhost/phone").stdout
    equal([c for c in shown if c in "\u009b\u202e"], [], "dangerous characters")
    equal("a\\xc2\\x9b2Jb\\xe2\\x80\\xaec" in shown, True, "shown as bytes")
    equal(len(shown.splitlines()), len(PROPERTIES), "lines")
    romeo.close()


def processes(server):
    """workers names every process, alive and ready"""
    listed = server.ctl_json("workers")["processes"]
    equal([(p["kind"], p["number"]) for p in listed],
          [("worker", 0), ("worker", 1), ("store", 0), ("store", 1), ("master", 0)])
    for process in listed:
        equal(process["state"], "ready", "%s %d" % (process["kind"], process["number"]))
        equal(os.path.isdir("/proc/%d" % process["pid"]), True, "process")
        equal(process["rss_bytes"] > 0 and process["generation"] > 0, True, "figures")
    equal(listed[-1]["pid"], server.process.pid, "the master's pid")
    equal(len(server.ctl("workers").stdout.splitlines()), 6, "lines")


def counters(server):
    """stats counts what happened, for all and for each process"""
    before = server.ctl_json("stats")
    client = logged_in(server, "romeo@localhost/phone")
    after = server.ctl_json("stats")
    for name in ("accepted", "logins", "binds"):
        equal(after["counters"][name], before["counters"][name] + 1, name)
        equal(sum(p["counters"][name] for p in after["processes"]), after["counters"][name], "sum of " + name)
    equal(after["memory"]["slots_max"], 10000, "slots")
    equal(after["memory"]["runtime_bytes"] > 0, True, "runtime directory")
    equal("accepted" in server.ctl("stats").stdout, True, "text")
    client.close()


def says_that_it_runs(server):
    """status exits 0 and says since when, with how many"""
    told = server.ctl_json("status")
    equal((told["running"], told["pid"], told["workers"], told["workers_ready"]),
          (True, server.process.pid, 2, 2))
    equal("rookeryd %s runs as process %d" % (told["version"], server.process.pid)
          in server.ctl("status").stdout, True, "text")
    equal(server.ctl("version").stdout, "rookeryctl %s\n" % told["version"])
    equal(server.ctl_json("version"), {"version": told["version"]})


def without_workers(server):
    """all that reads answers while every worker is stopped"""
    romeo = available(server, "romeo@localhost/phone")
    pids = [p["pid"] for p in server.processes("worker")]
    before = session_of(server, "romeo@localhost/phone")
    with stopped(*pids):
        for command in READERS:
            server.ctl(*command)
            server.ctl_json(*command)
        equal(session_of(server, "romeo@localhost/phone"), before, "the session")
        server.ctl("adduser", "stopped@localhost", stdin=PASSWORD + "\n")
        server.ctl("deluser", "stopped@localhost")
        server.ctl("kick", "romeo@localhost/phone")
    equal(condition_of(romeo), "policy-violation", "once they go on")


# --- accounts ---

def account_made_while_it_runs(server):
    """adduser makes an account that can log in at once; a second one of its name is refused"""
    server.ctl("adduser", "Mercutio@LOCALHOST", stdin="queen mab\n")
    logged_in(server, "mercutio@localhost/verona", "queen mab").close()
    made = user(server, "mercutio@localhost")
    equal(made["hashes"], ["SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"])
    equal(made["disabled"], False)
    refused(server, EX_DATAERR, "exists already", "adduser", "mercutio@localhost", stdin="x\n")
    logged_in(server, "mercutio@localhost/verona", "queen mab").close()


def accounts_that_cannot_be(server):
    """adduser names what is wrong with an address or a password"""
    for status, text, jid, stdin in (
            (EX_DATAERR, "no address", "a@b@c", "x\n"),
            (EX_DATAERR, "name@host", "localhost", "x\n"),
            (EX_DATAERR, "name@host", "romeo@localhost/phone", "x\n"),
            (EX_NOHOST, "no host", "romeo@elsewhere.example", "x\n"),
            (EX_DATAERR, "64 bytes", "x" * 65 + "@localhost", "x\n"),
            (EX_DATAERR, "empty", "new@localhost", "\n"),
            (EX_DATAERR, "no password", "new@localhost", ""),
            (EX_DATAERR, "too long", "new@localhost", "x" * 1024 + "\n"),
            (EX_DATAERR, "RFC 8265", "new@localhost", "a\u0007b\n")):
        refused(server, status, text, "adduser", jid, stdin=stdin)
    server.ctl("adduser", "x" * 64 + "@localhost", stdin="x\n")
    server.ctl("deluser", "x" * 64 + "@localhost")
    equal([u for u in server.ctl_json("users")["users"] if u["jid"] == "new@localhost"], [])


def unknown_accounts(server):
    """passwd and deluser of an unknown account change nothing"""
    refused(server, EX_NOUSER, "no account", "passwd", "nobody@localhost", stdin="x\n")
    refused(server, EX_NOUSER, "no account", "deluser", "nobody@localhost")
    refused(server, EX_NOHOST, "no host", "users", "elsewhere.example")


def password_changed(server):
    """passwd closes the account's sessions with reset, and only the new password counts"""
    server.add_account("paris@localhost")
    bound = logged_in(server, "paris@localhost/a")
    other = logged_in(server, "romeo@localhost/phone")
    unbound = Client(server)
    unbound.open()
    unbound.starttls()
    equal(unbound.scram("paris", PASSWORD).tag, SASL + "success")
    unbound.open()
    identity = user(server, "paris@localhost")["id"]
    server.ctl("passwd", "paris@localhost", stdin="county\n")
    equal(condition_of(bound), "reset")
    equal(condition_of(unbound), "reset")
    equal(user(server, "paris@localhost")["id"], identity, "id")
    late = Client(server)
    late.open()
    late.starttls()
    equal(late.scram("paris", PASSWORD).tag, SASL + "failure", "the old password")
    logged_in(server, "paris@localhost/a", "county").close()
    other.send("<iq type='get' id='p' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
    equal(other.get().get("type"), "result", "others stay")
    server.ctl("deluser", "paris@localhost")
    other.close()
    late.close()


def account_deleted(server):
    """deluser closes all sessions with not-authorized; an account made again has another id"""
    server.add_account("tybalt@localhost")
    clients = [logged_in(server, "tybalt@localhost/" + r) for r in "ab"]
    first = user(server, "tybalt@localhost")
    equal(first["sessions"], 2, "sessions")
    server.ctl("deluser", "tybalt@localhost")
    for client in clients:
        equal(condition_of(client), "not-authorized")
    late = Client(server)
    late.open()
    late.starttls()
    equal(late.scram("tybalt", PASSWORD).tag, SASL + "failure", "login")
    server.add_account("tybalt@localhost")
    equal(user(server, "tybalt@localhost")["id"] > first["id"], True, "a new id")
    server.ctl("deluser", "tybalt@localhost")
    late.close()


def password_is_nowhere_to_be_seen(server):
    """no password stands in an argument or in the environment of any process"""
    secret = "visible-%d" % os.getpid()
    adding = subprocess.Popen([program("rookeryctl", "ctl"), "-c", server.config, "adduser", "benvolio@localhost"],
                              stdin=subprocess.PIPE)
    adding.stdin.write(secret.encode())
    adding.stdin.flush()
    found = places_of(secret.encode())  # it waits for the end of the line
    adding.stdin.write(b"\n")
    adding.stdin.close()
    while adding.poll() is None:
        found += places_of(secret.encode())
    equal(adding.returncode, 0, "exit status")
    equal(found, [], "processes that show it")
    equal(secret in server.read_log(), False, "in the log")
    server.ctl("deluser", "benvolio@localhost")


def places_of(secret):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for name in ("cmdline", "environ"):
            try:
                with open("/proc/%s/%s" % (pid, name), "rb") as f:
                    if secret in f.read():
                        found.append((pid, name))
            except OSError:
                pass
    return found


# --- telling ---

def kicked(server):
    """kick closes one session, or all of an account, with an error the client sees"""
    clients = {r: logged_in(server, "juliet@localhost/" + r) for r in "abc"}
    equal(server.ctl("kick", "juliet@localhost/a").stdout, "1 session closed\n")
    equal(condition_of(clients["a"]), "policy-violation")
    server.wait_for(lambda: len(server.ctl_json("sessions", "juliet@localhost")["sessions"]) == 2, "one is gone")
    equal(server.ctl("kick", "juliet@localhost").stdout, "2 sessions closed\n")
    equal(condition_of(clients["b"]), "policy-violation")
    equal(condition_of(clients["c"]), "policy-violation")
    server.wait_for(lambda: not server.ctl_json("sessions", "juliet@localhost")["sessions"], "all are gone")
    refused(server, EX_NOUSER, "no session", "kick", "juliet@localhost")
    refused(server, EX_NOUSER, "no session", "kick", "juliet@localhost/a")
    refused(server, EX_DATAERR, "no account", "kick", "localhost")


def clock_moves(server):
    """clock moves the server's clock"""
    client = logged_in(server, "romeo@localhost/phone")
    before = session_of(server, "romeo@localhost/phone")["since"]
    server.ctl("clock", "+2.5")
    server.ctl("clock", "3")
    client.close()
    later = logged_in(server, "romeo@localhost/late")
    equal(session_of(server, "romeo@localhost/late")["since"] > before, True, "later")
    for wrong in ("-1", "soon", "1e12", "nan", ""):
        refused(server, EX_USAGE, "no number", "clock", "--", wrong)
    later.close()


def clock_stops(server):
    """a clock that was stopped stands until it goes on, and no worker is taken for one that hangs"""
    def says(order):
        mark = server.log.mark()
        server.ctl("clock", order)
        return int(server.log.wait(r"clock moved now_ms=(\d+)", mark).group(1))

    def beats():
        return [p["up_ms"] - p["heartbeat_age_ms"] for p in server.processes("worker")]
    stopped = says("stop")
    before = beats()
    server.wait_for(lambda: all(b > a + 1000 for a, b in zip(before, beats())), "their hearts beat")
    equal(says("0"), stopped, "later")
    equal(says("1.5"), stopped + 1500, "moved")
    says("go")
    server.wait_for(lambda: says("0") > stopped + 1500, "it goes on")


def traced(server):
    """trace prints lines about an address until --count of them are there"""
    romeo = logged_in(server, "romeo@localhost/phone")
    tracing = subprocess.Popen([program("rookeryctl", "ctl"), "-c", server.config, "trace", "romeo@localhost",
                                "--count", "3"], stdout=subprocess.PIPE, text=True)
    count = 0
    while tracing.poll() is None:
        count += 1
        romeo.send("<iq type='get' id='p%d' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>" % count)
        romeo.get()
    lines = tracing.stdout.read().splitlines()
    equal(tracing.returncode, 0, "exit status")
    equal(len(lines), 3, "lines")
    equal(any("from=romeo@localhost/phone" in line for line in lines), True, "the address in %r" % lines)
    romeo.close()


def reloaded(server):
    """reload prints every mistake of a bad file, which changes nothing, and applies a good one"""
    with open(server.config) as f:
        good = f.read()
    try:
        with open(server.config, "w") as f:
            f.write(good + 'login_attempts = "many";\nnosuch = 1;\n')
        done = subprocess.run([program("rookeryctl", "ctl"), "-c", write_copy(server, good), "reload"],
                              capture_output=True, text=True, timeout=60)
        equal(done.returncode, EX_CONFIG, "exit status")
        equal("login_attempts" in done.stdout and "nosuch" in done.stdout, True, "both in %r" % done.stdout)
        logged_in(server, "romeo@localhost/phone").close()
    finally:
        with open(server.config, "w") as f:
            f.write(good)
    equal(server.ctl("reload").returncode, 0)


def write_copy(server, text):
    """The server's own file is broken: rookeryctl finds the server by another one."""
    path = server.path("copy.conf")
    with open(path, "w") as f:
        f.write(text)
    return path


def strangers(server):
    """another user is told that it may not"""
    if os.geteuid() != 0:
        print("     SKIPPED: only root can be a stranger")
        return
    copy = shutil.copy(program("rookeryctl", "ctl"), server.path("rookeryctl"))	# where it was built may be closed to others
    for command in READERS + (("adduser", "new@localhost"), ("kick", "romeo@localhost"), ("reload",), ("stop",)):
        done = subprocess.run([copy, "-c", server.config, *command], input="x\n",
                              capture_output=True, text=True, timeout=60, user=1, group=1, extra_groups=[])
        equal((done.returncode, done.stdout), (EX_NOPERM, ""), " ".join(command) + ": " + done.stderr)
    equal(server.ctl_json("status")["running"], True, "still")


def wrong_command_lines(server):
    """a wrong command line is told from everything else"""
    for arguments in ((), ("nosuch",), ("adduser",), ("sessions", "a", "b"), ("--nosuch", "status"),
                      ("reload", "--json"), ("trace", "a@localhost", "--count", "0"), ("workers", "x")):
        refused(server, EX_USAGE, "rookeryctl: ", *arguments)
    equal(server.ctl("help", "sessions").stdout.startswith("usage: rookeryctl [-c FILE] sessions"), True)
    equal(server.ctl("sessions", "--help").stdout, server.ctl("help", "sessions").stdout)
    refused(server, EX_USAGE, "no such command", "help", "nosuch")


def configuration(server):
    """config prints what the server understands, and a sample that it accepts"""
    equal("workers = 2;" in server.ctl("config").stdout, True, "values")
    path = server.path("sample.conf")
    with open(path, "w") as f:
        f.write(server.ctl("config", "--sample").stdout)
    done = subprocess.run([program("rookeryctl", "ctl"), "-c", path, "config"], capture_output=True, text=True,
                          timeout=60)
    equal("localhost" in done.stdout, True, "the sample: " + done.stderr)


FACTS = [sessions_show_a_bound_one, sessions_show_an_unauthenticated_one, sessions_are_chosen, sums, properties,
         resumption, texts_of_peers, processes, counters, says_that_it_runs, without_workers, account_made_while_it_runs,
         accounts_that_cannot_be, unknown_accounts, password_changed, account_deleted,
         password_is_nowhere_to_be_seen, kicked, clock_moves, clock_stops, traced, reloaded, strangers, wrong_command_lines,
         configuration]

if __name__ == "__main__":
    run(FACTS, lambda: Server(accounts=("romeo@localhost", "juliet@localhost", "romeo@example.org")))
