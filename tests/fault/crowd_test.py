#!/usr/bin/env python3
"""Many who connect and few who speak: who is served stays served, and the others meet a limit.

Usage: crowd_test.py [--times N] [what ...]
"""
import argparse
import contextlib
import resource
import selectors
import signal
import socket

from load import Load, make_server
import client as xmpp
from facts import Facts, equal
from server import PASSWORD

CLIENTS = 4
TALKER = "talker@localhost"
HALF_OPEN = 10000	# as many as this process may have descriptors for
OPENING = b"<?xml version='1.0'?><stream:stream to='localhost' xmlns='jabber:client' "


def descriptors(wanted):
    """So many, or what this process may have besides a few."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return min(wanted, most - 200)


@contextlib.contextmanager
def crowd(server, count):
    """Connections that say nothing."""
    sockets = []
    try:
        for _ in range(count):
            one = socket.socket()
            one.setblocking(False)
            sockets.append(one)
            one.connect_ex(("127.0.0.1", server.port))
        yield sockets
    finally:
        for one in sockets:
            one.close()


def closed(sockets):
    """Those the server has told why not, or just closed."""
    with selectors.DefaultSelector() as selector:
        for one in sockets:
            selector.register(one, selectors.EVENT_READ)
        return len(selector.select(0))


def cpu_seconds(server):
    total = 0
    for process in server.processes("worker") + server.processes("master"):
        with open("/proc/%d/stat" % process["pid"]) as f:
            fields = f.read().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / 100


def no_descriptors(options):
    """without descriptors for all who connect, who is served goes on, nobody spins, and afterwards all are served again"""
    server = make_server(2, CLIENTS, accounts=(TALKER,))
    server.before = ["prlimit", "--nofile=256:256"]
    with Load(server, CLIENTS) as load:
        for _ in range(options.times):
            load.talk()
            mark = server.log.mark()
            with crowd(server, descriptors(1000)):
                server.log.wait("accepting paused", mark)
                load.talk(1000)
                for client in load.clients:
                    client.pace = 0.5	# so that what is left of their work is little
                before = cpu_seconds(server)
                load.clients[0].stopping.wait(2)	# what is asked is how much they do in a time
                used = cpu_seconds(server) - before
                for client in load.clients:
                    client.pace = 0
                print("     %.2f s of CPU in 2 s with all descriptors in use" % used)
                if used > 0.5:
                    raise AssertionError("%.2f s of CPU in 2 s" % used)
            newcomer = xmpp.Client(server)
            newcomer.login(TALKER + "/new", PASSWORD, tls=False)
            newcomer.close()
            load.talk()


def unauthenticated(server):
    return next(one["used"] for one in server.ctl_json("limits")["limits"] if one["name"] == "unauthenticated_percent")


def half_open(options):
    """thousands of connections that say nothing: a limit bites, the others are served, and time ends those that were taken"""
    count = descriptors(HALF_OPEN)
    server = make_server(2, CLIENTS, "unauthenticated_percent = 10; max_sessions = 10000;", accounts=(TALKER,))
    with Load(server, CLIENTS) as load:
        for _ in range(options.times):
            with crowd(server, count) as sockets:
                load.wait_for(lambda: closed(sockets) >= count - 1000, "those beyond the limit are refused")
                load.talk(1000)
                load.wait_for(lambda: closed(sockets) + unauthenticated(server) == count, "nobody waits to be accepted")
                server.move_clock(31)	# login_timeout
                load.wait_for(lambda: closed(sockets) == count, "the others are closed")
            newcomer = xmpp.Client(server)
            newcomer.login(TALKER + "/new", PASSWORD, tls=False)
            newcomer.close()
            load.talk()
        print("     %d connections" % count)


def dripping(options):
    """connections that send a byte a second meet the time a login may take, and others are served meanwhile"""
    server = make_server(2, CLIENTS)
    with Load(server, CLIENTS) as load:
        for _ in range(options.times):
            with crowd(server, 200) as sockets:
                for second in range(31):
                    for one in sockets:
                        with contextlib.suppress(OSError):
                            one.send(OPENING[second:second + 1])
                    load.talk(20)
                    server.move_clock(1)
                load.wait_for(lambda: closed(sockets) == len(sockets), "all are closed")


def sessions_of(server, account):
    return [s for s in server.sessions() if (s["jid"] or "").startswith(account)]


def deaf(options):
    """clients that read nothing are stuck alone: the outbox of each is bounded, and a minute later their connections end"""
    server = make_server(2, CLIENTS, accounts=(TALKER,))
    question = b"<iq type='get' id='q' to='localhost'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>" * 100
    with Load(server, CLIENTS) as load:
        for _ in range(options.times):
            stuck = []
            for number in range(5):
                client = xmpp.Client(server)
                client.login("%s/%d" % (TALKER, number), PASSWORD, tls=False)
                client.socket.setblocking(False)
                stuck.append(client)
            for client in stuck:
                with contextlib.suppress(BlockingIOError):
                    for _ in range(200):
                        client.socket.send(question)
            load.talk(1000)
            held = sum(s["queue_bytes"] for s in sessions_of(server, TALKER))
            equal(held < 5 << 20, True, "%d bytes are held for 5" % held)
            server.move_clock(61)	# write_timeout
            load.wait_for(lambda: not sessions_of(server, TALKER), "their sessions end")
            for client in stuck:
                client.close()
            load.talk()


def reload(server, text):
    """What the server says to such a file."""
    with open(server.config, "w") as f:
        f.write(text)
    mark = server.log.mark()
    server.process.send_signal(signal.SIGHUP)
    return server.log.wait(r"reload refused|\breloaded\b", mark).group(0)


def reloads(options):
    """reloads with good files and bad ones, under load: the bad ones change nothing, and nobody is disconnected"""
    server = make_server(3, CLIENTS, log_level="info")
    with Load(server, CLIENTS, tls=True) as load:
        with open(server.config) as f:
            good = f.read()
        bad = ("", "workers = = 2;", good[:len(good) // 2], good + "unknown = 1;", good + "idle_drop = \"never\";",
               good.replace("localhost.crt", "localhost.key"), good.replace("localhost.key", "nowhere.key"))
        for number in range(3 * options.times):
            for text in bad:
                equal(reload(server, text), "reload refused", "reload of %r" % text[-40:])
            server.make_certificate("localhost")
            equal(reload(server, good + "resume_counts = \"%d h\";\n" % (number % 48 + 1)), "reloaded", "reload")
            load.talk(50)
        equal(sum(c.resumed for c in load.clients), 0, "resumptions")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("what", nargs="*")
    options = parser.parse_args()
    facts = Facts()
    for fact in (no_descriptors, half_open, dripping, deaf, reloads):
        if not options.what or fact.__name__ in options.what:
            facts.show(fact, options)
    facts.end()


if __name__ == "__main__":
    main()
