"""Limits of a server and how often they bit, for tests that stand one below and one above each."""
import re

from client import SASL, STREAM, Client
from facts import equal
from server import PASSWORD, Server

STREAMS = "{urn:ietf:params:xml:ns:xmpp-streams}"
STANZAS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"
ROMEO, JULIET, NURSE = "romeo@localhost", "juliet@localhost", "nurse@localhost"
OPTIONS = 'max_sessions = 50;\narena_bytes = "16 MiB";\n'
BIND = "<iq type='set' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"


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
        return self.before

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


def bites_once(server, name, act):
    """It does so because of that, sooner or later."""
    with Bites(server, name, 1) as before:
        act()
        server.wait_for(lambda: bites(server, name) > before, name + " bites")


def with_options(server, **options):
    """Other values from now on: a reload."""
    server.options = OPTIONS + "".join("%s = %s;\n" % option for option in options.items())
    server.write_config()
    server.ctl("reload")


def gone(server):
    """All connections of earlier facts are away, and what they had has leaked."""
    def nobody_is_there():
        server.move_clock(60)	# who was slowed down is read on, and found to be away
        return not server.sessions()

    server.wait_for(nobody_is_there, "nobody is connected")
    server.move_clock(2 * 3600)


def logged_in(server, jid):
    client = Client(server)
    client.login(jid, PASSWORD)
    return client


def with_capabilities(ver):
    """A presence after which the server asks for them, where it does not know them."""
    return "<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:x' ver='%s'/></presence>" % ver


def before_bind(server, username, worker=None):
    client = Client(server)
    while worker is not None and server.worker_of(client) != worker:
        client.close()
        client = Client(server)
    client.open()
    client.starttls()
    equal(client.scram(username, PASSWORD).tag, SASL + "success", "login")
    client.open()
    return client


def make_server():
    server = Server(workers=2, options=OPTIONS, accounts=[ROMEO, JULIET, NURSE],
                    host_options="require_tls = false; registration = true;")
    server.stop_clock()
    return server
