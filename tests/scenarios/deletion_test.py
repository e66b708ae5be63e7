#!/usr/bin/env python3
"""Accounts deleted in every way: contacts hear of it, nothing stays under the id, whoever is killed meanwhile."""
import os
import signal
import subprocess

from archive import Page
from facts import equal, run
from pair import seat
from server import Server, helper, stopped

ROSTER = "{jabber:iq:roster}"
PLACES = {"roster", "blocklist", "pep", "push", "data", "archived", "offline", "preferences"}
LINGER = 60
HEAVY = 400


def left(server, account=None):
    """What stands under an id, by place; the id of a JID; without either, the messages in the log."""
    arguments = [] if account is None else [str(account)]
    done = subprocess.run([helper("leftovers"), server.path("data"), *arguments], capture_output=True, text=True,
                          check=True)
    return {name: int(count) for name, count in (line.split() for line in done.stdout.splitlines())}


def id_of(server, jid):
    return left(server, jid.split("/")[0])["id"]


def ask(client, text, kind="set"):
    client.send("<iq type='%s' id='ask'>%s</iq>" % (kind, text))
    answer = client.until(lambda e: e.get("id") == "ask")
    equal(answer.get("type"), "result", text)
    return answer


def contacts(client):
    """Of each contact the subscription, and whether it was asked."""
    query = ask(client, "<query xmlns='jabber:iq:roster'/>", "get").find(ROSTER + "query")
    return {i.get("jid"): (i.get("subscription"), i.get("ask")) for i in query}


def is_push_of(jid):
    return lambda e: e.find(ROSTER + "query") is not None and e.find(ROSTER + "query")[0].get("jid") == jid


def befriend(one, other):
    """Both see each other's presence; neither waits for the other."""
    for a, b in ((one, other), (other, one)):
        a.send("<presence to='%s' type='subscribed'/>" % b.jid.split("/")[0])
        contacts(a)
    for a, b in ((one, other), (other, one)):
        a.send("<presence to='%s' type='subscribe'/>" % b.jid.split("/")[0])
        equal(contacts(a)[b.jid.split("/")[0]], ("both" if a is other else "to", None), "befriended")


def fill(server, name, friend):
    """Something in every place; returns the id."""
    client = seat(server, name + "@localhost/x", 0)
    account = id_of(server, client.jid)
    befriend(client, friend)
    ask(client, "<vCard xmlns='vcard-temp'><FN>%s</FN></vCard>" % name)
    ask(client, "<query xmlns='jabber:iq:private'><prefs xmlns='urn:x'/></query>")
    ask(client, "<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:x'><item id='i'>"
                "<n xmlns='urn:x'/></item></publish></pubsub>")
    ask(client, "<enable xmlns='urn:xmpp:push:0' jid='%s' node='x'/>" % friend.jid)
    ask(client, "<block xmlns='urn:xmpp:blocking'><item jid='paris@localhost'/></block>")
    ask(client, "<prefs xmlns='urn:xmpp:mam:2' default='always'><never><jid>paris@localhost</jid></never></prefs>")
    friend.send("<message to='%s' type='chat'><body>one</body></message>" % client.jid)
    client.until(lambda e: e.tag.endswith("}message"))
    client.send("<presence/>")
    client.until_answered()
    client.send("</stream:stream>")
    client.wait_for_close()
    server.wait_for(lambda: not any(s["jid"].startswith(name) for s in server.sessions()), "it has left")
    friend.send("<message to='%s@localhost' type='chat'><body>two</body></message>" % name)
    friend.until_answered()
    server.wait_for(lambda: PLACES <= set(left(server, account)), "all is there")
    return account


def until_gone(server, account, is_lately=True):
    server.wait_for(lambda: set(left(server, account)) <= {"deleted"}, "nothing is left", timeout=60)
    if is_lately:
        equal(left(server, account), {"deleted": 1}, "what tells of the deletion")
    server.move_clock(LINGER + 1)
    server.wait_for(lambda: not left(server, account), "the deletion is forgotten")


def all_goes(server):
    """everything kept under the id goes, a message when no archive has it, and a friend keeps its own"""
    juliet = seat(server, "juliet@localhost/balcony", 1)
    juliet.send("<presence/>")
    before = left(server).get("stanza", 0)
    account = fill(server, "romeo", juliet)
    server.ctl("deluser", "romeo@localhost")
    juliet.until(is_push_of("romeo@localhost"))
    until_gone(server, account)
    equal(contacts(juliet), {"romeo@localhost": ("none", None)})
    equal(Page(juliet).bodies, ["one", "two"])
    hers = id_of(server, juliet.jid)
    server.ctl("deluser", "juliet@localhost")
    juliet.wait_for_close()
    until_gone(server, hers)
    equal(left(server).get("stanza", 0), before, "messages in the log")
    for name in ("romeo", "juliet"):
        server.add_account(name + "@localhost")


def by_itself_and_by_command(server):
    """a client that removes its own account, and an administrator that deletes one, leave as little"""
    form = "http://jabber.org/protocol/admin"
    juliet = seat(server, "juliet@localhost/balcony", 1)
    juliet.send("<presence/>")
    account = fill(server, "romeo", juliet)
    romeo = seat(server, "romeo@localhost/x", 1)
    romeo.send("<presence/>")
    juliet.until(lambda e: e.get("from") == romeo.jid)
    ask(romeo, "<query xmlns='jabber:iq:register'><remove/></query>")
    equal(romeo.until(lambda e: e.tag.endswith("error"))[0].tag.split("}")[1], "not-authorized", "stream error")
    for kind in ("unsubscribe", "unsubscribed"):
        juliet.until(lambda e: e.get("from") == "romeo@localhost" and e.get("type") == kind)
    until_gone(server, account)
    server.add_account("romeo@localhost")
    account = fill(server, "romeo", juliet)
    nurse = seat(server, "nurse@localhost/x", 0)
    command = "<command xmlns='http://jabber.org/protocol/commands' node='%s#delete-user' %s>%s</command>"
    nurse.send("<iq type='set' id='1' to='localhost'>%s</iq>" % (command % (form, "action='execute'", "")))
    run_of = nurse.until(lambda e: e.get("id") == "1")[0].get("sessionid")
    nurse.send("<iq type='set' id='2' to='localhost'>%s</iq>" % (command % (
        form, "sessionid='%s'" % run_of, "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>%s</value>"
        "</field><field var='accountjids'><value>romeo@localhost</value></field></x>" % form)))
    equal(nurse.until(lambda e: e.get("id") == "2").get("type"), "result")
    until_gone(server, account)
    server.add_account("romeo@localhost")
    for client in (juliet, nurse):
        client.close()


def requests(server):
    """who had asked the account is told no; who was asked by it is not shown the request when it comes"""
    romeo = seat(server, "romeo@localhost/x", 0)
    nurse = seat(server, "nurse@localhost/x", 1)
    nurse.send("<presence/>")
    contacts(nurse)
    nurse.send("<presence to='romeo@localhost' type='subscribe'/>")
    equal(contacts(nurse)["romeo@localhost"], ("none", "subscribe"))
    romeo.send("<presence to='tybalt@localhost' type='subscribe'/>")
    contacts(romeo)
    account = id_of(server, romeo.jid)
    server.ctl("deluser", "romeo@localhost")
    nurse.until(lambda e: e.get("from") == "romeo@localhost" and e.get("type") == "unsubscribed")
    until_gone(server, account)
    equal(contacts(nurse)["romeo@localhost"], ("none", None))
    tybalt = seat(server, "tybalt@localhost/x", 1)
    tybalt.send("<presence/>")
    tybalt.until(lambda e: e.get("from") == tybalt.jid)
    tybalt.ping()
    server.add_account("romeo@localhost")
    for client in (romeo, nurse, tybalt):
        client.close()


def heir(server):
    """one made anew while the old one is still being removed inherits nothing, not even a contact's consent"""
    juliet = seat(server, "juliet@localhost/balcony", 1)
    juliet.send("<presence/>")
    old = fill(server, "romeo", juliet)
    sweeper = server.worker(0)["pid"]
    with stopped(sweeper):
        server.ctl("deluser", "romeo@localhost")
        server.add_account("romeo@localhost")
        romeo = seat(server, "romeo@localhost/x", 1)
        equal(contacts(romeo), {})
        equal(PLACES <= set(left(server, old)), True, "not yet removed")
        romeo.send("<presence/>")
        romeo.send("<presence to='juliet@localhost' type='subscribe'/>")
        juliet.until(lambda e: e.get("from") == "romeo@localhost" and e.get("type") == "subscribe")
        equal(contacts(romeo)["juliet@localhost"], ("none", "subscribe"))
    juliet.send("<presence to='romeo@localhost' type='subscribed'/>")
    romeo.until(lambda e: e.get("type") == "subscribed")
    until_gone(server, old)
    equal(contacts(romeo), {"juliet@localhost": ("to", None)})
    equal(contacts(juliet), {"romeo@localhost": ("from", None)})
    new = id_of(server, romeo.jid)
    equal(set(left(server, new)) & {"pep", "push", "data", "blocklist", "offline", "preferences"}, set(), "the heir's")
    for client in (romeo, juliet):
        client.close()


def make_heavy(server):
    """An account with contacts on both workers, and more than one request takes away."""
    juliet = seat(server, "juliet@localhost/balcony", 1)
    account = fill(server, "romeo", juliet)
    juliet.send("".join("<message to='romeo@localhost' type='chat'><body>%d</body></message>" % i
                        for i in range(HEAVY)))
    juliet.until_answered()
    server.wait_for(lambda: left(server, account)["archived"] >= HEAVY, "all is archived")
    return juliet, account


def server_down(server):
    """an account deleted while no server runs is seen to when one does"""
    juliet, account = make_heavy(server)
    juliet.close()
    equal(server.stop(), 0, "exit status")
    server.ctl("deluser", "romeo@localhost")
    server.ctl("adduser", "romeo@localhost", stdin="secret\n")
    server.give_away(server.path("data"))
    equal(PLACES <= set(left(server, account)), True, "not yet removed")
    server.start()
    until_gone(server, account, is_lately=False)	# the server's clock was moved, and rookeryctl's is the true one
    juliet = seat(server, "juliet@localhost/balcony", 1)
    equal(contacts(juliet), {"romeo@localhost": ("none", None)})
    juliet.close()


def killed(server):
    """worker and stores are killed again and again while an account is removed: all of it goes, and its contacts know"""
    juliet, account = make_heavy(server)
    juliet.close()
    server.ctl("deluser", "romeo@localhost")
    for _ in range(3):
        for kind, number in (("worker", 0), ("store", 0), ("store", 1)):
            old = server.processes(kind)[number]["pid"]
            os.kill(old, signal.SIGKILL)
            server.wait_for(lambda: (lambda p: p["pid"] != old and p["state"] == "ready")(
                server.processes(kind)[number]), "%s %d is back" % (kind, number))
    until_gone(server, account)
    juliet = seat(server, "juliet@localhost/balcony", 1)
    equal(contacts(juliet), {"romeo@localhost": ("none", None)})
    juliet.close()
    server.add_account("romeo@localhost")


FACTS = [all_goes, by_itself_and_by_command, requests, heir, server_down, killed]

if __name__ == "__main__":
    run(FACTS, lambda: Server(workers=2, host_options="require_tls = false;",
                              options_of={"localhost": 'admins = [ "nurse@localhost" ];'},
                              accounts=["%s@localhost" % n for n in ("romeo", "juliet", "nurse", "tybalt")]))
