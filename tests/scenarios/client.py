"""A client that says exactly what it is told, and tells exactly what it gets."""
import base64
import socket
import ssl
import xml.etree.ElementTree as ElementTree

from scram import Scram, encode

STREAM = "{http://etherx.jabber.org/streams}"
SASL = "{urn:ietf:params:xml:ns:xmpp-sasl}"
BIND = "{urn:ietf:params:xml:ns:xmpp-bind}"
TLS = "{urn:ietf:params:xml:ns:xmpp-tls}"
TIMEOUT = 20


class Closed(Exception):
    pass


def ping(id="ping", to="localhost"):
    return "<iq type='get' id='%s' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>" % (id, to)


class Asking:
    """Of who sends and gets. Once a ping is answered all that was sent before has been handled."""

    def until(self, is_it):
        """The first that is."""
        while True:
            element = self.get()
            if element is None:
                raise Closed("the end of the stream")
            if is_it(element):
                return element

    def until_answered(self):
        """What comes before the answer."""
        self.send(ping())
        came = []

        def is_answer(element):
            came.append(element)
            return element.get("id") == "ping"
        self.until(is_answer)
        return came[:-1]

    def ping(self):
        """Nothing comes before it."""
        came = self.until_answered()
        if came:
            raise AssertionError("before the answer of a ping: " + text_of(came[0]))


class Client(Asking):
    def __init__(self, server, cut=False, direct_tls=False, host="localhost"):
        self.server = server
        self.cut = cut
        self.host = host
        self.jid = None
        self.waiting = []
        self.socket = socket.create_connection(
            ("127.0.0.1", server.tls_port if direct_tls else server.port), TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = self.socket.getsockname()[1]
        self.new_parser()
        if direct_tls:
            self.start_tls(["xmpp-client"])

    def new_parser(self):
        self.parser = ElementTree.XMLPullParser(["start", "end"])
        self.depth = 0
        self.header = None
        self.ended = False

    def start_tls(self, protocols=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)	# the default one reads all the system's authorities
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if protocols:
            context.set_alpn_protocols(protocols)
        self.socket = context.wrap_socket(self.socket, server_hostname=self.host)

    def send(self, text):
        data = text.encode() if isinstance(text, str) else text
        try:
            if self.cut:
                for i in range(len(data)):
                    self.socket.sendall(data[i:i + 1])
            else:
                self.socket.sendall(data)
        except OSError as e:
            raise Closed(str(e))

    def read_more(self):
        try:
            data = self.socket.recv(65536)
        except (ConnectionError, ssl.SSLError) as e:
            raise Closed(str(e))
        if not data:
            raise Closed("end of the connection")
        self.parser.feed(data)
        self.take_events()

    def take_events(self):
        for event, element in self.parser.read_events():
            if event == "start":
                self.depth += 1
                if self.depth == 1:
                    self.header = element
            else:
                self.depth -= 1
                if self.depth == 1:
                    self.waiting.append(element)
                elif self.depth == 0:
                    self.ended = True

    def get(self):
        """The next element; None at the end of the stream."""
        while not self.waiting:
            if self.ended:
                return None
            self.read_more()
        return self.waiting.pop(0)

    def wait_for_close(self):
        """Everything that still comes, until the server closes."""
        try:
            while True:
                self.read_more()
        except Closed:
            return

    # --- logging in ---

    def open(self, to=None):
        self.new_parser()
        self.send("<?xml version='1.0'?><stream:stream to='%s' xmlns='jabber:client' "
                  "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>" % (to or self.host))
        features = self.get()
        if features is None or features.tag != STREAM + "features":
            raise AssertionError("no features but " + text_of(features))
        return features

    def starttls(self):
        self.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        answer = self.get()
        if answer.tag != TLS + "proceed":
            raise AssertionError("no proceed but " + text_of(answer))
        self.start_tls()
        return self.open()

    def scram(self, username, password, mechanism="SCRAM-SHA-1"):
        return self.authenticate(Scram(mechanism, username, password))

    def authenticate(self, exchange):
        """Runs a SCRAM exchange to its end, which is returned; a server that does not know the keys is an error."""
        challenge = self.auth(exchange.mechanism, exchange.first())
        if challenge.tag != SASL + "challenge":
            return challenge
        answer = self.respond(exchange.final(base64.b64decode(challenge.text).decode()))
        if answer.tag == SASL + "success":
            exchange.check(base64.b64decode(answer.text).decode())
        return answer

    def auth(self, mechanism, data=None):
        """data None: no initial response, which is not the empty one."""
        text = "" if data is None else encode(data) or "="
        self.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='%s'>%s</auth>" % (mechanism, text))
        return self.get()

    def respond(self, data):
        self.send("<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>%s</response>" % encode(data))
        return self.get()

    def plain(self, username, password):
        return self.auth("PLAIN", ("\0%s\0%s" % (username, password)).encode())

    def bind(self, resource=None):
        self.send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>%s</bind></iq>" %
                  ("<resource>%s</resource>" % resource if resource else ""))
        answer = self.get()
        if answer.get("type") != "result":
            raise AssertionError("not bound: " + text_of(answer))
        self.jid = answer.findtext("%sbind/%sjid" % (BIND, BIND))
        return self.jid

    def login(self, jid, password, tls=True, mechanism="SCRAM-SHA-1"):
        bare, _, resource = jid.partition("/")
        self.authenticate_as(bare, password, tls, mechanism)
        return self.bind(resource or None)

    def authenticate_as(self, bare, password, tls=True, mechanism="SCRAM-SHA-1"):
        """As far as a client may resume a session or bind a resource."""
        username, _, self.host = bare.partition("@")
        features = self.open()
        if tls and features.find(TLS + "starttls") is not None:
            self.starttls()
        answer = (self.plain(username, password) if mechanism == "PLAIN"
                  else self.scram(username, password, mechanism))
        if answer.tag != SASL + "success":
            raise AssertionError("no success but " + text_of(answer))
        return self.open()

    def close(self):
        self.socket.close()


def text_of(element):
    return "the end of the stream" if element is None else ElementTree.tostring(element, "unicode")
