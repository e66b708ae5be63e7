"""What the tests of the archive have in common: queries, and two who talk."""
from facts import equal
from pair import seat

MAM = "{urn:xmpp:mam:2}"
RSM = "{http://jabber.org/protocol/rsm}"
FORWARD = "{urn:xmpp:forward:0}"
CLIENT = "{jabber:client}"
SID = "{urn:xmpp:sid:0}stanza-id"


class Page:
    """What one query was answered with."""

    def __init__(self, client, form="", page="", more=""):
        fields = "".join("<field var='%s'>%s</field>" % (name, "".join("<value>%s</value>" % v for v in values))
                         for name, values in form)
        x = ("<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'>"
             "<value>urn:xmpp:mam:2</value></field>%s</x>" % fields) if form else ""
        client.send("<iq type='set' id='query'><query xmlns='urn:xmpp:mam:2'>%s"
                    "<set xmlns='http://jabber.org/protocol/rsm'>%s</set>%s</query></iq>" % (x, page, more))
        self.ids, self.bodies, self.stamps, self.error = [], [], [], None
        while True:
            element = client.get()
            if element.tag == CLIENT + "iq":
                break
            self.take(element.find(MAM + "result"))
        equal(element.get("id"), "query")
        if element.get("type") == "error":
            self.error = list(element.find(CLIENT + "error"))[0].tag.split("}")[1]
            return
        fin = element.find(MAM + "fin")
        self.complete = fin.get("complete") == "true"
        first = fin.find(RSM + "set/" + RSM + "first")
        self.index = None if first is None or first.get("index") is None else int(first.get("index"))
        self.first = None if first is None else first.text
        self.last = fin.findtext(RSM + "set/" + RSM + "last")
        self.count = int(fin.findtext(RSM + "set/" + RSM + "count"))

    def take(self, result):
        self.ids.append(result.get("id"))
        message = result.find(FORWARD + "forwarded/" + CLIENT + "message")
        self.bodies.append(message.findtext(CLIENT + "body"))
        self.stamps.append(result.find(FORWARD + "forwarded/{urn:xmpp:delay}delay").get("stamp"))


def say(sender, receiver, text):
    """The id that the receiver's archive gave."""
    sender.send("<message to='%s' type='chat'><body>%s</body></message>" % (receiver.jid, text))
    return receiver.get().find(SID).get("id")


def two(server, first, second):
    """On different workers."""
    return seat(server, first + "@localhost/one", 0), seat(server, second + "@localhost/two", 1)
