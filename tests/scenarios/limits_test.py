#!/usr/bin/python3
"""Limits that all workers share: one below passes, one above is told why and when to come again, and is counted."""
import base64
import glob
import os
import re
import signal
import socket
import threading

from client import SASL, STREAM, Client, text_of
from facts import equal, run
from limits import (BIND, JULIET, ROMEO, STANZAS, STREAMS, Bites, before_bind, bites, gone, limit, logged_in, make_server,
                    refused, with_options)
from server import PASSWORD


def unauthenticated(server):
    """an address has so many connections without a login, over all workers; logins and ends make room"""
    gone(server)
    with_options(server, unauthenticated_per_address=6, trusted_networks="[ ]", connection_rate=0)
    with Bites(server, "unauthenticated_per_address", 0):
        clients = [Client(server) for _ in range(6)]
        for client in clients:
            client.open()
    equal(limit(server, "unauthenticated_per_address")["used"], 6, "used")
    with Bites(server, "unauthenticated_per_address", 1):
        refused(server, "policy-violation", "too many connections from your address")
    clients[0].close()
    clients[1].starttls()
    equal(clients[1].scram("romeo", PASSWORD).tag, SASL + "success", "login")
    server.wait_for(lambda: limit(server, "unauthenticated_per_address")["used"] == 4, "two have left")
    with Bites(server, "unauthenticated_per_address", 0):
        more = [Client(server) for _ in range(2)]
        for client in more:
            client.open()
    with Bites(server, "unauthenticated_per_address", 1):
        refused(server, "policy-violation", "too many")
    equal(limit(server, "unauthenticated_per_address")["peak"], 6, "peak")
    for client in clients + more:
        client.close()


def connected(server):
    """and so many with a login or without; ends make room, logins do not"""
    gone(server)
    with_options(server, connections_per_address=4, trusted_networks="[ ]", connection_rate=0)
    with Bites(server, "connections_per_address", 0):
        clients = [logged_in(server, "%s/r%d" % (ROMEO, i)) for i in range(3)] + [Client(server)]
        clients[3].open()
    equal(limit(server, "connections_per_address")["used"], 4, "used")
    with Bites(server, "connections_per_address", 1):
        refused(server, "policy-violation", "as many connections from your address as may be")
    clients[0].close()
    server.wait_for(lambda: limit(server, "connections_per_address")["used"] == 3, "one has left")
    with Bites(server, "connections_per_address", 0):
        clients[0] = logged_in(server, ROMEO + "/again")
    for client in clients:
        client.close()
    server.wait_for(lambda: limit(server, "connections_per_address")["used"] == 0, "all have left")


def killed_worker(server):
    """a killed worker's connections are counted no more"""
    gone(server)
    with_options(server, unauthenticated_per_address=8, trusted_networks="[ ]", connection_rate=0)
    clients = [Client(server) for _ in range(8)]
    for client in clients:
        client.open()
    for number in range(2):
        mark = server.log.mark()
        os.kill(server.worker(number)["pid"], signal.SIGKILL)
        server.log.wait("process is back process=\"worker %d\"" % number, mark)
    for name in ("unauthenticated_per_address", "connections_per_address"):
        equal(limit(server, name)["used"], 0, "used")
    equal(limit(server, "unauthenticated_percent")["used"], 0, "used")
    for client in clients:
        client.close()


def all_unauthenticated(server):
    """all addresses together have a tenth of the sessions before they log in"""
    gone(server)
    with_options(server, unauthenticated_percent=10)
    clients = [Client(server) for _ in range(5)]
    for client in clients:
        client.open()
    with Bites(server, "unauthenticated_percent", 1):
        refused(server, "resource-constraint", "too many connections without a login")
    for client in clients:
        client.close()


def connections(server):
    """an address opens so many connections at once, then so many a second"""
    gone(server)
    with_options(server, connection_rate=2, connection_burst=5, trusted_networks="[ ]")
    with Bites(server, "connection_burst", 0):
        for _ in range(5):
            client = Client(server)
            client.open()
            client.close()
    with Bites(server, "connection_burst", 1):
        refused(server, "policy-violation", "too many connections from your address")
    server.move_clock(1)
    with Bites(server, "connection_burst", 0):
        for _ in range(2):
            client = Client(server)
            client.open()
            client.close()
    with Bites(server, "connection_burst", 1):
        refused(server, "policy-violation", "too many connections from your address")


def direct_tls(server):
    """under direct TLS nothing can be said: the connection is closed, counted and logged"""
    gone(server)
    with_options(server, connection_rate=1, connection_burst=1, trusted_networks="[ ]")
    first = socket.create_connection(("127.0.0.1", server.tls_port))
    mark = server.log.mark()
    server.wait_for(lambda: server.sessions(), "the first is there")
    with Bites(server, "connection_burst", 1):
        second = socket.create_connection(("127.0.0.1", server.tls_port))
        equal(second.recv(100), b"", "words in clear")
    server.log.wait("connection refused condition=policy-violation", mark)
    first.close()
    second.close()


def trusted(server):
    """addresses of trusted networks connect and fail as often as they like"""
    gone(server)
    with_options(server, connection_rate=1, connection_burst=1, unauthenticated_per_address=1,
                 login_failures_per_address=1, trusted_networks='[ "127.0.0.0/8" ]')
    for _ in range(4):
        equal(failure(server, "romeo").tag, SASL + "not-authorized", "failure")


def failure(server, username):
    client = Client(server)
    client.open()
    client.starttls()
    answer = client.scram(username, "wrong")
    client.close()
    equal(answer.tag, SASL + "failure", "answer")
    return answer[0]


def failures(server):
    """an address tries so many wrong passwords, then is told when to come again; the right one is not looked at either"""
    gone(server)
    with_options(server, login_failures_per_address=4, trusted_networks="[ ]", connection_rate=0)
    with Bites(server, "login_failures_per_address", 0):
        for username in ("romeo", "juliet", "nobody", "romeo"):
            equal(failure(server, username).tag, SASL + "not-authorized", "failure")
    client = Client(server)
    client.open()
    client.starttls()
    with Bites(server, "login_failures_per_address", 1):
        answer = client.scram("romeo", PASSWORD)
    equal(answer[0].tag, SASL + "temporary-auth-failure", "answer")
    said = answer.findtext(SASL + "text")
    wait = int(re.search(r"try again in (\d+) s$", said).group(1))
    if not 140 <= wait <= 150:
        raise AssertionError("wait: " + said)
    server.move_clock(wait)
    client.close()
    client = Client(server)
    client.login(ROMEO + "/phone", PASSWORD)
    client.close()


def network_failures(server):
    """the same for a network of addresses"""
    gone(server)
    with_options(server, login_failures_per_network=3, login_failures_per_address=0, trusted_networks="[ ]",
                 connection_rate=0)
    for _ in range(3):
        equal(failure(server, "romeo").tag, SASL + "not-authorized", "failure")
    with Bites(server, "login_failures_per_network", 1):
        equal(failure(server, "romeo").tag, SASL + "temporary-auth-failure", "failure")


def account_failures(server):
    """an account under attack answers later and later, whether it is there or not, and the right password opens"""
    gone(server)
    with_options(server, login_failures_per_account=20)
    for username in ("romeo", "nobody"):
        with Bites(server, "login_failures_per_account", 0):
            for _ in range(2):
                equal(failure(server, username).tag, SASL + "not-authorized", "failure")
        before = bites(server, "login_failures_per_account")
        with Bites(server, "login_failures_per_account", 1):
            client = Client(server)
            client.open()
            client.starttls()
            client.send(first_of(username))
            server.wait_for(lambda: bites(server, "login_failures_per_account") > before, "it waits")
            client.close()
    with Bites(server, "login_failures_per_account", 1):
        slow = Client(server)
        slow.open()
        slow.starttls()
        thread = threading.Thread(target=slow.scram, args=("romeo", PASSWORD))
        thread.start()
        server.wait_for(lambda: any(s["type"] == "c2s_unauthed" for s in server.sessions()), "it waits")
        server.move_clock(2)
        thread.join(20)
        equal(thread.is_alive(), False, "still waits")
    slow.open()
    slow.bind("phone")
    slow.close()


def first_of(username):
    first = base64.b64encode(("n,,n=%s,r=abcdefghijkl" % username).encode()).decode()
    return "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>%s</auth>" % first


def binds(server):
    """an account begins so many sessions at once, then so many a minute; one more gets the error with a hint"""
    gone(server)
    with_options(server, bind_rate=6, bind_burst=3)
    with Bites(server, "bind_burst", 0):
        for i in range(3):
            logged_in(server, "%s/r%d" % (ROMEO, i)).close()
        logged_in(server, JULIET + "/balcony").close()
    client = before_bind(server, "romeo")
    with Bites(server, "bind_burst", 1):
        client.send(BIND)
        answer = client.get()
    error = answer.find("{jabber:client}error")
    equal((answer.get("type"), error.get("type"), error[0].tag), ("error", "wait", STANZAS + "resource-constraint"),
          "answer")
    if "try again in 10 s" not in error.findtext(STANZAS + "text"):
        raise AssertionError(text_of(answer))
    server.move_clock(10)
    with Bites(server, "bind_burst", 0):
        client.bind("later")
    client.close()


def storm(server):
    """in a storm new sessions wait for their turn, and those that would wait too long are told so"""
    gone(server)
    with_options(server, login_rate=1, login_burst=2)
    clients = [before_bind(server, "romeo") for _ in range(4)]
    with Bites(server, "login_burst", 0):
        clients[0].bind("r0")
        clients[1].bind("r1")
    with Bites(server, "login_burst", 2):
        clients[2].send(BIND)
        clients[3].send(BIND)
        server.wait_for(lambda: bites(server, "login_burst") >= 2, "both wait")
    equal(limit(server, "login_burst")["peak"], 4, "peak")
    server.move_clock(2)
    for client in clients[2:]:
        equal(client.get().get("type"), "result", "bound in its turn")
    for client in clients:
        client.close()
    with_options(server, login_rate=1, login_burst=20)
    gone(server)
    clients = [before_bind(server, "romeo") for _ in range(2)]
    with_options(server, login_rate=0)
    for client in clients:
        client.close()


def resumes_first(server):
    """who resumes never waits in a storm"""
    gone(server)
    with_options(server, login_rate=1, login_burst=1)
    client = logged_in(server, ROMEO + "/phone")
    client.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
    previd = client.get().get("id")
    worker = server.worker_of(client)
    client.socket.close()
    late = before_bind(server, "juliet")
    again = before_bind(server, "romeo", worker)	# a session on another one is asked for by a timer
    late.send(BIND)
    server.wait_for(lambda: bites(server, "login_burst") > 0, "a login waits")
    again.send("<resume xmlns='urn:xmpp:sm:3' previd='%s' h='0'/>" % previd)
    equal(again.get().tag, "{urn:xmpp:sm:3}resumed", "answer")
    server.move_clock(5)
    equal(late.get().get("type"), "result", "bound in its turn")
    late.close()
    again.send("</stream:stream>")
    again.wait_for_close()
    again.close()


def login_attempts(server):
    """a connection tries so many passwords"""
    gone(server)
    with_options(server, login_attempts=2)
    client = Client(server)
    client.open()
    client.starttls()
    with Bites(server, "login_attempts", 0):
        equal(client.scram("romeo", "wrong").tag, SASL + "failure", "answer")
    with Bites(server, "login_attempts", 1):
        equal(client.scram("romeo", "wrong").tag, SASL + "failure", "answer")
        equal(client.get().tag, STREAM + "error", "answer")
    client.close()


def sessions_of_account(server):
    """an account has so many sessions"""
    gone(server)
    with_options(server, sessions_per_account=3)
    with Bites(server, "sessions_per_account", 0):
        clients = [logged_in(server, "%s/r%d" % (ROMEO, i)) for i in range(3)]
    with Bites(server, "sessions_per_account", 1):
        more = before_bind(server, "romeo")
        more.send(BIND)
        equal(more.get().get("type"), "error", "answer")
    for client in clients + [more]:
        client.close()


def sessions(server):
    """there are so many connections and sessions at all"""
    gone(server)
    with_options(server)
    clients = [logged_in(server, "%s/r%d" % (ROMEO, i)) for i in range(18)]
    clients += [logged_in(server, "%s/r%d" % (JULIET, i)) for i in range(18)]
    clients += [Client(server) for _ in range(14)]
    for client in clients[36:]:
        client.open()
    equal(limit(server, "max_sessions")["used"], 50, "used")
    with Bites(server, "max_sessions", 1):
        client = Client(server)
        client.new_parser()
        equal(client.get()[0].tag, STREAMS + "resource-constraint", "condition")
        client.close()
    for client in clients:
        client.close()


def table(server):
    """`limits` shows every limit with its value, for people too, and each has a test"""
    tests = ""
    for path in glob.glob(os.path.join(os.path.dirname(os.path.abspath(__file__)), "*_test.py")):
        with open(path) as f:
            tests += f.read()
    names = [one["name"] for one in server.ctl_json("limits")["limits"]]
    shown = server.ctl("limits").stdout
    config = server.ctl("config").stdout
    for name in names:
        equal(re.search(r"^%s\s+\S" % name, shown, re.M) is not None, True, name)
        value = re.search(r"^%s = (.*);$" % name, config, re.M)
        equal(value is not None, True, "an option " + name)
        equal(value.group(1) in shown, True, "value of " + name)
        equal('"%s"' % name in tests, True, "a test of " + name)


FACTS = [table, unauthenticated, connected, killed_worker, all_unauthenticated, connections, direct_tls, trusted, failures,
         network_failures, account_failures, binds, storm, resumes_first, login_attempts, sessions_of_account, sessions]

if __name__ == "__main__":
    run(FACTS, make_server)
