#!/usr/bin/python3
"""Limits of what is kept for an account: what is too much is refused, or takes the place of what is oldest."""
import base64
import re

from client import Client, text_of
from facts import equal, run
from limits import (JULIET, NURSE, ROMEO, STANZAS, Bites, bites, gone, logged_in, make_server, with_options)


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


def subscribers(*names):
    return iq("<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><subscriptions node='n'>%s</subscriptions></pubsub>" %
              "".join("<subscription jid='%s@x' subscription='subscribed'/>" % name for name in names))


def members(*names):
    return iq("<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><affiliations node='n'>%s</affiliations></pubsub>" %
              "".join("<affiliation jid='%s@x' affiliation='member'/>" % name for name in names))


def picture(size):
    return iq("<vCard xmlns='vcard-temp'><PHOTO><BINVAL>%s</BINVAL></PHOTO></vCard>" %
              base64.b64encode(b"x" * size).decode())


def push(name):
    return iq("<enable xmlns='urn:xmpp:push:0' jid='%s.localhost'/>" % name)


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
    ("pep_bytes", {"pep_bytes": 65536}, [publish("b", "1", "x" * 60000)], publish("c", "1", "x" * 6000), True),
    ("pep_people", {"pep_people": 2}, [publish("n", "1"), subscribers("a", "b")], subscribers("c"), True),
    ("pep_people", {"pep_people": 2}, [publish("n", "1"), members("a", "b")], members("c"), True),
    ("avatar_bytes", {"avatar_bytes": 1026}, [picture(1026)], picture(1027), True),
    ("push_services", {"push_services": 2}, [push("a"), push("b")], push("c"), True),
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


def subscription_requests(server):
    """so many requests for subscription wait for an account; what comes then is dropped without a word"""
    with_options(server, roster_requests=1)
    ask = "<presence to='%s' type='subscribe'/>" % JULIET
    for jid, wanted in ((ROMEO, 0), (NURSE, 1)):
        client = logged_in(server, jid)
        with Bites(server, "roster_requests", wanted):
            client.send(ask)
            client.ping()
        client.close()
    juliet = logged_in(server, JULIET)
    juliet.send("<presence/>")
    equal({juliet.get().get("from").split("/")[0] for _ in range(2)}, {JULIET, ROMEO}, "of whom she hears")
    juliet.close()
    gone(server)


def register(server, name):
    """The answer to a stranger who wants an account."""
    client = Client(server)
    client.open()
    client.send(iq("<query xmlns='jabber:iq:register'><username>%s</username><password>x</password></query>" % name))
    answer = client.get()
    client.close()
    return answer


def registrations(server):
    """an address makes so many accounts in an hour; with one more it is told when to come again"""
    with_options(server, registrations_per_address=2)
    with Bites(server, "registrations_per_address", 0):
        for name in ("one", "two"):
            equal(register(server, name).get("type"), "result")
    with Bites(server, "registrations_per_address", 1):
        error = register(server, "three").find("{jabber:client}error")
    equal((error.get("type"), error[0].tag), ("wait", STANZAS + "resource-constraint"), "error")
    wait = re.search(r"try again in (\d+) s$", error.findtext(STANZAS + "text"))
    equal(wait is not None and 3500 < int(wait.group(1)) <= 3600, True, text_of(error))
    server.move_clock(int(wait.group(1)))
    with Bites(server, "registrations_per_address", 0):
        equal(register(server, "three").get("type"), "result")
    gone(server)


if __name__ == "__main__":
    run([what_features_keep, subscription_requests, registrations], make_server)
