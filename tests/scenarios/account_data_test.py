#!/usr/bin/env python3
"""What is kept for an account: limits at their edges, nothing inherited; and what a host tells by its options."""
import base64
import hashlib
import hmac

import facts
from facts import equal
from pair import enter
from server import Server

INFO = "{http://jabber.org/protocol/disco#info}"
CARD = len("<vCard xmlns='vcard-temp'><DESC></DESC></vCard>")
OPTIONS = ('turn_host = "turn.example.org"; turn_secret = "north"; turn_ttl = "1 h"; '
           'turn_tls_port = 5349; contact_addresses = [ "abuse mailto:abuse@localhost", '
           '"support https://localhost/help", "abuse xmpp:abuse@localhost" ];')


def ask(actor, type, payload, to=None):
    """The first child of the answer; an error's condition where it is one; None where it is empty."""
    actor.send("<iq type='%s' id='q'%s>%s</iq>" % (type, " to='%s'" % to if to else "", payload))
    answer = actor.get()
    if answer.get("type") == "error":
        return answer.find("{jabber:client}error")[0].tag.split("}")[1]
    equal(answer.get("type"), "result", "type")
    return answer[0] if len(answer) else None


def card(size):
    """An own vCard element of that many bytes, as the server writes it."""
    head, tail = "<vCard xmlns='vcard-temp'><DESC>", "</DESC></vCard>"
    return head + "x" * (size - len(head) - len(tail)) + tail


def element(size, name="prefs"):
    head, tail = "<%s xmlns='a:a'>" % name, "</%s>" % name
    return head + "x" * (size - len(head) - len(tail)) + tail


def private(inner):
    return "<query xmlns='jabber:iq:private'>%s</query>" % inner


def a_card_has_its_size(server):
    romeo = enter(server, "romeo@localhost/a")
    equal(ask(romeo, "set", card(128 << 10)), None)
    equal(len(ask(romeo, "get", "<vCard xmlns='vcard-temp'/>")[0].text), (128 << 10) - CARD)
    equal(ask(romeo, "set", card((128 << 10) + 1)), "policy-violation")
    equal(len(ask(romeo, "get", "<vCard xmlns='vcard-temp'/>")[0].text), (128 << 10) - CARD)
    romeo.close()


def a_private_element_has_its_size(server):
    romeo = enter(server, "romeo@localhost/a")
    equal(ask(romeo, "set", private(element(128 << 10))), None)
    equal(ask(romeo, "set", private(element((128 << 10) + 1))), "policy-violation")
    equal(ask(romeo, "set", private("<prefs xmlns='a:a'/>")), None)
    romeo.close()


def private_elements_have_their_number(server):
    romeo = enter(server, "romeo@localhost/a")
    for i in range(0, 100, 10):
        equal(ask(romeo, "set", private("".join(element(30, "n%d" % n) for n in range(i, i + 10)))), None)
    equal(ask(romeo, "set", private(element(30, "more"))), "resource-constraint")
    equal(ask(romeo, "set", private(element(40, "n5"))), None)
    equal(ask(romeo, "set", private("<n6 xmlns='a:a'/>" + element(30, "more"))), None)
    equal(ask(romeo, "set", private(element(30, "n6"))), "resource-constraint")
    equal(ask(romeo, "get", private("<more xmlns='a:a'/>"))[0].text[:1], "x")
    equal(ask(romeo, "set", private("".join(element(30, "m%d" % n) for n in range(12)))), "policy-violation")
    romeo.close()


def block(jids, name="block"):
    return "<%s xmlns='urn:xmpp:blocking'>%s</%s>" % (name, "".join("<item jid='%s'/>" % j for j in jids), name)


def so_many_may_be_blocked(server):
    romeo = enter(server, "romeo@localhost/a")
    jids = ["tybalt%d@capulet.example" % i for i in range(2000)]
    equal(ask(romeo, "set", block(jids[:1000])), None)
    equal(ask(romeo, "set", block(jids[1000:])), None)
    equal(ask(romeo, "set", block(["nurse@capulet.example"])), "resource-constraint")
    equal(ask(romeo, "set", block(jids[7:9])), None)
    equal(ask(romeo, "set", block(jids[:1], "unblock")), None)
    equal(ask(romeo, "set", block(["nurse@capulet.example"])), None)
    listed = ask(romeo, "get", "<blocklist xmlns='urn:xmpp:blocking'/>")
    equal(sorted(i.get("jid") for i in listed), sorted(jids[1:] + ["nurse@capulet.example"]))
    romeo.close()


def an_account_made_anew_inherits_nothing(server):
    romeo = enter(server, "romeo@localhost/a")
    equal(ask(romeo, "set", card(100)), None)
    equal(ask(romeo, "set", private(element(100, "n9"))), None)
    romeo.close()
    server.ctl("deluser", "romeo@localhost")
    server.add_account("romeo@localhost")
    romeo = enter(server, "romeo@localhost/a")
    equal(ask(romeo, "get", "<vCard xmlns='vcard-temp'/>"), "item-not-found")
    equal(ask(romeo, "get", private("<n9 xmlns='a:a'/>"))[0].text, None)
    equal(len(ask(romeo, "get", "<blocklist xmlns='urn:xmpp:blocking'/>")), 0)
    equal(ask(romeo, "set", private(element(100, "first"))), None)
    romeo.close()


def the_server_tells_its_age(server):
    romeo = enter(server, "romeo@localhost/a")
    query = "<query xmlns='jabber:iq:last'/>"
    before = int(ask(romeo, "get", query, "localhost").get("seconds"))
    server.move_clock(60)
    after = int(ask(romeo, "get", query, "localhost").get("seconds"))
    equal(60 <= after - before < 100, True, "%d, then %d" % (before, after))
    romeo.close()


def a_host_tells_its_contacts(server):
    romeo = enter(server, "romeo@localhost/a")
    info = ask(romeo, "get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", "localhost")
    form = info.find("{jabber:x:data}x")
    found = {f.get("var"): [v.text for v in f] for f in form}
    equal(found, {"FORM_TYPE": ["http://jabber.org/network/serverinfo"],
                  "abuse-addresses": ["mailto:abuse@localhost", "xmpp:abuse@localhost"],
                  "support-addresses": ["https://localhost/help"]})
    equal("urn:xmpp:extdisco:2" in [f.get("var") for f in info.findall(INFO + "feature")], True)
    romeo.close()


def a_relay_is_told_with_a_login(server):
    romeo = enter(server, "romeo@localhost/a")
    services = ask(romeo, "get", "<services xmlns='urn:xmpp:extdisco:2'/>", "localhost")
    equal([(s.get("type"), s.get("transport"), s.get("host"), s.get("port")) for s in services],
          [("stun", "udp", "turn.example.org", "3478"), ("turn", "udp", "turn.example.org", "3478"),
           ("turn", "tcp", "turn.example.org", "3478"), ("turns", "tcp", "turn.example.org", "5349")])
    equal(services[0].get("username"), None)
    for service in services[1:]:
        digest = hmac.new(b"north", service.get("username").encode(), hashlib.sha1).digest()
        equal(service.get("password"), base64.b64encode(digest).decode(), "password")
        equal("romeo" in service.get("username"), False, "the name is told")
        equal(service.get("expires")[-1], "Z")
    only = ask(romeo, "get", "<services xmlns='urn:xmpp:extdisco:2' type='turns'/>", "localhost")
    equal((only.get("type"), [s.get("type") for s in only]), ("turns", ["turns"]))
    equal(len(ask(romeo, "get", "<services xmlns='urn:xmpp:extdisco:2' type='ftp'/>", "localhost")), 0)
    romeo.close()


def logins_are_asked_for_by_name(server):
    romeo = enter(server, "romeo@localhost/a")
    wish = "<credentials xmlns='urn:xmpp:extdisco:2'>%s</credentials>"
    found = ask(romeo, "get", wish % "<service host='turn.example.org' type='turn'/>", "localhost")
    equal([s.get("transport") for s in found], ["udp", "tcp"])
    equal(all(s.get("password") for s in found), True)
    found = ask(romeo, "get", wish % "<service host='turn.example.org' type='turns' port='5349'/>", "localhost")
    equal(len(found), 1)
    for inner, condition in (("<service host='turn.example.org' type='turns' port='1'/>", "item-not-found"),
                             ("<service host='turn.example.org' type='turns' port='x'/>", "item-not-found"),
                             ("<service host='other.example.org' type='turn'/>", "item-not-found"),
                             ("<service host='turn.example.org' type='stun'/>", "item-not-found"),
                             ("<service type='turn'/>", "bad-request"), ("", "bad-request")):
        equal(ask(romeo, "get", wish % inner, "localhost"), condition, inner)
    romeo.close()


def others_get_no_login(server):
    romeo = enter(server, "romeo@localhost/a")
    equal(ask(romeo, "get", "<services xmlns='urn:xmpp:extdisco:2'/>", "example.org"), "forbidden")
    equal(ask(romeo, "get", "<services xmlns='urn:xmpp:extdisco:2'/>", "none.example"), "service-unavailable")
    info = ask(romeo, "get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", "none.example")
    equal("urn:xmpp:extdisco:2" in [f.get("var") for f in info.findall(INFO + "feature")], False)
    romeo.close()


ALL = (a_card_has_its_size, a_private_element_has_its_size, private_elements_have_their_number,
       so_many_may_be_blocked, an_account_made_anew_inherits_nothing, the_server_tells_its_age, a_host_tells_its_contacts,
       a_relay_is_told_with_a_login, logins_are_asked_for_by_name, others_get_no_login)

if __name__ == "__main__":
    facts.run(ALL, lambda: Server(
        workers=2, hosts=("localhost", "example.org", "none.example"), accounts=("romeo@localhost",),
        host_options="require_tls = false;",
        options_of={"localhost": OPTIONS, "example.org": 'turn_host = "turn.example.org"; turn_secret = "south";'}))
