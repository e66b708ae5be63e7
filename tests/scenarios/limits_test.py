#!/usr/bin/python3
"""Limits that all workers share: one below passes, one above is told why and when to come again, and is counted."""
import base64
import os
import re
import signal
import socket
import threading

from client import SASL, STREAM, Client, text_of
from facts import equal, run
from server import PASSWORD, Server

STREAMS = "{urn:ietf:params:xml:ns:xmpp-streams}"
STANZAS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"
ROMEO, JULIET = "romeo@localhost", "juliet@localhost"
OPTIONS = "max_sessions = 50;\n"


def limit(server, name):
    return next(one for one in server.ctl_json("limits")["limits"] if one["name"] == name)


def bites(server, name):
    return limit(server, name)["bites"]


class Bites:
    """How often a limit bit inside."""

    def __init__(self, server, name, wanted):
        self.server, self.name, self.wanted = server, name, wanted

    def __enter__(self):
        self.before = bites(self.server, self.name)

    def __exit__(self, error, *_):
        if error is None:
            equal(bites(self.server, self.name) - self.before, self.wanted, "bites of " + self.name)


def refused(server, condition, text):
    """A connection that is told why not, and closed."""
    client = Client(server)
    client.new_parser()
    answer = client.get()
    equal(answer.tag, STREAM + "error", "answer")
    equal(answer[0].tag, STREAMS + condition, "condition")
    said = answer.findtext(STREAMS + "text") or ""
    if not re.search(text + r".*: try again in \d+ s$", said):
        raise AssertionError("no wait hint of %r in %r" % (text, said))
    client.wait_for_close()
    client.close()


def with_options(server, **options):
    """Other values from now on: a reload."""
    server.options = OPTIONS + "".join("%s = %s;\n" % option for option in options.items())
    server.write_config()
    server.ctl("reload")


def gone(server):
    """All connections of earlier facts are away, and what they had has leaked."""
    server.wait_for(lambda: not server.sessions(), "nobody is connected")
    server.move_clock(2 * 3600)


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
    equal(limit(server, "unauthenticated_per_address")["used"], 0, "used")
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


def logged_in(server, jid):
    client = Client(server)
    client.login(jid, PASSWORD)
    return client


def before_bind(server, username):
    client = Client(server)
    client.open()
    client.starttls()
    equal(client.scram(username, PASSWORD).tag, SASL + "success", "login")
    client.open()
    return client


BIND = "<iq type='set' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"


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
    client.socket.close()
    late = before_bind(server, "juliet")
    again = before_bind(server, "romeo")
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


def ping(client, number):
    client.send("<iq type='get' id='p%d' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>" % number)


def answers(client, count):
    for _ in range(count):
        equal(client.get().get("type"), "result", "answer")


def slow(server, name, options, send, most):
    """What is sent up to the burst is answered, what comes behind waits, and comes when there is room again."""
    gone(server)
    with_options(server, **options)
    client = logged_in(server, ROMEO + "/phone")
    with Bites(server, name, 0):
        for i in range(most):
            send(client, i)
        ping(client, 1000)
        answers(client, 1)
    before = bites(server, name)
    for i in range(4):
        send(client, most + i)
    ping(client, 1001)
    server.wait_for(lambda: bites(server, name) > before, "it bites")
    ping(client, 1002)
    handled = server.sessions()[0]["stanzas_in"]
    equal(server.sessions()[0]["stanzas_in"], handled, "stanzas handled meanwhile")
    server.move_clock(60)
    answers(client, 1)
    equal(server.sessions()[0]["stanzas_in"] > handled, True, "stanzas handled later")
    answers(client, 1)
    client.close()


def message(client, number):
    client.send("<message to='nobody@localhost' type='headline'><body>%d</body></message>" % number)


def presence(client, number):
    client.send("<presence to='nobody@localhost' type='unavailable'/>")


def padding(client, number):
    client.send(" " * 1000)


def stanzas(server):
    """a client's stanzas beyond the burst are read later"""
    slow(server, "stanza_burst", {"stanza_rate": 1, "stanza_burst": 20}, message, 19)


def presences(server):
    """so is its presence"""
    slow(server, "presence_burst", {"presence_rate": 1, "presence_burst": 10}, presence, 10)


def bytes_of_session(server):
    """so are its bytes, white space too"""
    slow(server, "byte_burst", {"byte_rate": 1024, "byte_burst": 16384}, padding, 14)


def account_stanzas(server):
    """all clients of an account draw from one bucket, whichever worker they are on"""
    gone(server)
    with_options(server, account_stanza_rate=1, account_stanza_burst=20)
    clients = [logged_in(server, "%s/r%d" % (ROMEO, i)) for i in range(4)]
    with Bites(server, "account_stanza_burst", 0):
        for client in clients:
            for i in range(5):
                ping(client, i)
            answers(client, 5)
    before = bites(server, "account_stanza_burst")
    for client in clients:
        ping(client, 9)
        answers(client, 1)
    equal(bites(server, "account_stanza_burst") - before, 4, "bites")
    other = logged_in(server, JULIET + "/balcony")
    for i in range(20):
        ping(other, i)
    answers(other, 20)
    equal(bites(server, "account_stanza_burst") - before, 4, "bites")
    for client in clients + [other]:
        client.close()


def account_bytes(server):
    """the same for bytes"""
    gone(server)
    with_options(server, account_byte_rate=1024, account_byte_burst=16384)
    clients = [logged_in(server, "%s/r%d" % (ROMEO, i)) for i in range(2)]
    with Bites(server, "account_byte_burst", 0):
        for client in clients:
            padding(client, 0)
            ping(client, 1)
            answers(client, 1)
    before = bites(server, "account_byte_burst")
    for client in clients:
        for i in range(9):
            padding(client, 0)
    server.wait_for(lambda: bites(server, "account_byte_burst") > before, "it bites")
    for client in clients:
        client.close()


def bytes_before_login(server):
    """before the login bytes are read slower still"""
    gone(server)
    with_options(server, byte_rate_unauthenticated=1024, byte_burst_unauthenticated=4096)
    client = Client(server)
    client.open()
    with Bites(server, "byte_burst_unauthenticated", 0):
        client.send(" " * 3000)
    before = bites(server, "byte_burst_unauthenticated")
    client.send(" " * 3000)
    server.wait_for(lambda: bites(server, "byte_burst_unauthenticated") > before, "it bites")
    client.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    server.move_clock(5)
    equal(client.get().tag, "{urn:ietf:params:xml:ns:xmpp-tls}proceed", "answer")
    client.close()


def shape(server, name, option, below, above, login):
    gone(server)
    with_options(server, **option)
    for stanza, wanted in ((below, 0), (above, 1)):
        client = logged_in(server, ROMEO + "/phone") if login else Client(server)
        if not login:
            client.open()
        with Bites(server, name, wanted):
            client.send(stanza)
            answer = client.get()
            equal(answer.tag == STREAM + "error" and answer[0].tag == STREAMS + "policy-violation", wanted == 1,
                  "stream error")
        client.close()


def nested(depth):
    return "<iq type='get' id='n'>" + "<x xmlns='a:b'>" * (depth - 1) + "</x>" * (depth - 1) + "</iq>"


def many(count):
    return "<iq type='get' id='n'><x xmlns='a:b'>" + "<y/>" * (count - 2) + "</x></iq>"


def shapes(server):
    """a stanza has so many elements, so deep in each other, of so many bytes; one more ends the stream"""
    shape(server, "stanza_depth", {"stanza_depth": 20}, nested(20), nested(21), True)
    shape(server, "stanza_elements", {"stanza_elements": 100}, many(100), many(101), True)
    body = "<iq type='get' id='n'><x xmlns='a:b'>%s</x></iq>"
    frame = len(body) - 2
    shape(server, "stanza_bytes", {"stanza_bytes": 10000}, body % ("a" * (10000 - frame)),
          body % ("a" * (10001 - frame)), True)


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


def iq(payload, kind="set", to=None):
    return "<iq type='%s' id='f1'%s>%s</iq>" % (kind, " to='%s'" % to if to else "", payload)


def contact(name, groups=(), title=""):
    return iq("<query xmlns='jabber:iq:roster'><item jid='%s@localhost' name='%s'>%s</item></query>" % (
        name, title, "".join("<group>%s</group>" % group for group in groups)))


def block(*names):
    return iq("<block xmlns='urn:xmpp:blocking'>%s</block>" % "".join("<item jid='%s@x'/>" % name for name in names))


def private(name, text=""):
    return iq("<query xmlns='jabber:iq:private'><%s xmlns='a:%s'>%s</%s></query>" % (name, name, text, name))


ALL_ITEMS = ("<publish-options><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>"
             "http://jabber.org/protocol/pubsub#publish-options</value></field><field var='pubsub#max_items'>"
             "<value>max</value></field></x></publish-options>")


def publish(node, item, text="", options=""):
    return iq("<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='%s'><item id='%s'><x xmlns='a:b'>%s</x>"
              "</item></publish>%s</pubsub>" % (node, item, text, options))


def vcard(size):
    return iq("<vCard xmlns='vcard-temp'><FN>%s</FN></vCard>" % ("a" * size))


def directed(name):
    return "<presence id='f1' to='%s@localhost'/>" % name


def kept(size):
    return "<message id='f1' to='juliet@localhost' type='chat'><body>%s</body></message>" % ("a" * size)


# Limit, other options, what passes, what does not, and whether that is refused.
FEATURES = (
    ("roster_items", {"roster_items": 2}, [contact("a"), contact("b")], contact("c"), True),
    ("roster_groups", {"roster_groups": 2}, [contact("a", "xy")], contact("a", "xyz"), True),
    ("roster_name_bytes", {"roster_name_bytes": 64}, [contact("a", (), "n" * 64)], contact("a", (), "n" * 65), True),
    ("block_items", {"block_items": 2}, [block("a", "b")], block("c"), True),
    ("private_xml_elements", {"private_xml_elements": 2}, [private("a", "x"), private("b", "x")], private("c", "x"), True),
    ("private_xml_bytes", {"private_xml_bytes": 1024}, [private("a", "x" * 900)], private("a", "x" * 1024), True),
    ("vcard_bytes", {"vcard_bytes": 4096}, [vcard(4000)], vcard(4096), True),
    ("pep_item_bytes", {"pep_item_bytes": 1024}, [publish("n", "1", "x" * 1000)], publish("n", "1", "x" * 1024), True),
    ("pep_items", {"pep_items": 2}, [publish("i", "1", "", ALL_ITEMS), publish("i", "2")], publish("i", "3"), False),
    ("pep_nodes", {"pep_nodes": 3}, [publish("p", "1")], publish("q", "1"), True),
    ("directed_presences", {"directed_presences": 2}, [directed("a"), directed("b")], directed("c"), True),
    ("offline_strangers", {"offline_strangers": 1}, [kept(1)], kept(1), True),
    ("offline_messages", {"offline_messages": 2}, [kept(1)], kept(1), True),
    ("offline_bytes", {"offline_bytes": 4096, "offline_strangers": 9}, [], kept(5000), True),
)


def what_features_keep(server):
    """an account keeps so much; one more is refused, or takes the place of the oldest"""
    for name, options, below, above, is_refused in FEATURES:
        with_options(server, **options)
        before = bites(server, name)
        client = logged_in(server, ROMEO + "/phone")
        with Bites(server, name, 1):
            # They are done in this order: one that passed, and should not have, would have bitten as well.
            for stanza in below + [above]:
                client.send(stanza)
            server.wait_for(lambda: bites(server, name) > before, name + " bites")
        while is_refused and client.get().get("type") != "error":
            pass
        client.send("</stream:stream>")
        client.wait_for_close()
        client.close()
        gone(server)


def login_time(server):
    """who has not logged in in time is told so"""
    gone(server)
    with_options(server, login_timeout='"20 s"', handshake_timeout='"10 s"')
    client = Client(server)
    client.open()
    with Bites(server, "handshake_timeout", 1):
        server.move_clock(11)
        equal(client.get()[0].tag, STREAMS + "connection-timeout", "condition")
    client.close()
    client = Client(server)
    client.open()
    for _ in range(2):
        server.move_clock(8)
        client.send(" ")
    with Bites(server, "login_timeout", 1):
        server.move_clock(5)
        equal(client.get()[0].tag, STREAMS + "connection-timeout", "condition")
    client.close()


def table(server):
    """`limits` shows every limit with its value, for people too"""
    names = [one["name"] for one in server.ctl_json("limits")["limits"]]
    shown = server.ctl("limits").stdout
    config = server.ctl("config").stdout
    for name in names:
        equal(re.search(r"^%s\s+\S" % name, shown, re.M) is not None, True, name)
        value = re.search(r"^%s = (.*);$" % name, config, re.M)
        equal(value is not None, True, "an option " + name)
        equal(value.group(1) in shown, True, "value of " + name)


FACTS = [table, unauthenticated, killed_worker, all_unauthenticated, connections, direct_tls, trusted, failures,
         network_failures, account_failures, binds, storm, resumes_first, stanzas, presences, bytes_of_session,
         account_stanzas, account_bytes, bytes_before_login, shapes, login_attempts, sessions_of_account, sessions,
         login_time, what_features_keep]

if __name__ == "__main__":
    run(FACTS, lambda: Server(workers=2, options=OPTIONS, accounts=[ROMEO, JULIET]))
