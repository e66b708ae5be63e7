#!/usr/bin/python3
"""Limits of what is kept for an account: what is too much is refused, or takes the place of what is oldest."""
from facts import run
from limits import ROMEO, Bites, bites, gone, logged_in, make_server, with_options


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


if __name__ == "__main__":
    run([what_features_keep], make_server)
