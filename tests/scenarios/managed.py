"""A client with stream management that can be resumed: for tests that take its connection away."""
import client as xmpp
from server import PASSWORD

SM = "{urn:xmpp:sm:3}"
NS = "urn:xmpp:sm:3"


class Managed(xmpp.Asking):
    """Logged in and resumable. Counts what it got, and answers requests for it."""

    def __init__(self, server, jid, worker=None):
        self.server = server
        self.jid = jid
        self.got = 0		# stanzas from the server
        self.sent = 0
        self.acked = 0		# by the server
        self.conn = self.connect(worker)
        self.conn.login(jid, PASSWORD, tls=False)
        self.conn.send("<enable xmlns='%s' resume='true'/>" % NS)
        enabled = self.conn.get()
        if enabled.tag != SM + "enabled":
            raise AssertionError("not enabled but " + xmpp.text_of(enabled))
        self.id = enabled.get("id")

    def connect(self, worker=None):
        for _ in range(300):
            conn = xmpp.Client(self.server)
            if worker is None or self.server.worker_of(conn) == worker:
                return conn
            conn.close()
        raise AssertionError("worker %d took none of 300 connections" % worker)

    def send(self, stanza):
        self.sent += 1
        self.conn.send(stanza)

    def message(self, to, body):
        self.send("<message to='%s' type='chat' id='%s'><body>%s</body></message>" % (to, body, body))

    def take(self):
        """The next element: a stanza, or None when it was about stanzas."""
        element = self.conn.get()
        if element is None:
            raise xmpp.Closed("the end of the stream")
        if element.tag == SM + "r":
            self.conn.send("<a xmlns='%s' h='%d'/>" % (NS, self.got))
        elif element.tag == SM + "a":
            self.acked = int(element.get("h"))
        elif element.tag.startswith("{jabber:client}"):
            self.got += 1
            return element
        else:
            raise AssertionError("neither stanza nor acknowledgement: " + xmpp.text_of(element))
        return None

    def get(self):
        """The next stanza; None where the connection has ended, with or without the stream (conn.ended)."""
        try:
            while True:
                stanza = self.take()
                if stanza is not None:
                    return stanza
        except xmpp.Closed:
            return None

    def until_acked(self):
        """All it has sent; returns the stanzas that came before that."""
        self.conn.send("<r xmlns='%s'/>" % NS)
        came = []
        while self.acked < self.sent:
            came.append(self.take())
        return [stanza for stanza in came if stanza is not None]

    def body(self):
        got = self.get()
        return None if got is None else got.findtext("{jabber:client}body")

    def lose(self):
        """The connection goes without a word."""
        self.conn.close()

    def resume(self, worker=None):
        """On a new connection; returns the server's h."""
        self.conn.close()
        self.conn = self.connect(worker)
        username = self.jid.partition("@")[0]
        self.conn.open()
        answer = self.conn.scram(username, PASSWORD)
        if answer.tag != xmpp.SASL + "success":
            raise AssertionError("no success but " + xmpp.text_of(answer))
        self.conn.open()
        self.conn.send("<resume xmlns='%s' previd='%s' h='%d'/>" % (NS, self.id, self.got))
        resumed = self.conn.get()
        if resumed.tag != SM + "resumed":
            raise AssertionError("not resumed but " + xmpp.text_of(resumed))
        self.acked = int(resumed.get("h"))
        return self.acked

    def close(self):
        """For good: the stream ends, and so does the session. What was got is acknowledged, or it would come again."""
        self.conn.send("<a xmlns='%s' h='%d'/></stream:stream>" % (NS, self.got))
        self.conn.wait_for_close()
        self.conn.close()
