#!/usr/bin/python3
"""
slixmpp clients keep a roster, are seen, catch up, and follow each other's devices, each device on a worker of its own.

They run with the options and plugins as the library has them, which here means PLAIN under TLS: see slixmpp_test.py.
"""
import hashlib

from slixmpp_kit import TIMEOUT, logged_in, on_loop, seat_of

import facts
import slixmpp
from facts import equal
from server import Server

ROMEO, JULIET = "romeo@localhost", "juliet@localhost"
PHONE, DESK, BALCONY = ROMEO + "/phone", ROMEO + "/desk", JULIET + "/balcony"
PLUGINS = ("xep_0012", "xep_0048", "xep_0049", "xep_0054", "xep_0084", "xep_0153", "xep_0172", "xep_0191", "xep_0280",
           "xep_0313", "xep_0352", "xep_0359", "xep_0441")
EVENTS = ("message_error", "roster_update", "changed_status", "got_offline", "carbon_sent", "carbon_received", "blocked", "unblocked",
          "user_nick_publish", "avatar_metadata_publish", "vcard_avatar_update", "roster_subscription_removed")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8


class Cast:
    """async with Cast(server, phone=(PHONE, 0), ...) as cast: logged in and available, each on the worker it asks for."""

    def __init__(self, server, **characters):
        self.server = server
        self.characters = characters
        self.clients = []

    async def __aenter__(self):
        for name, (jid, worker) in self.characters.items():
            client = await logged_in(self.server, jid, worker, plugins=PLUGINS, events=EVENTS)
            self.clients.append(client)
            setattr(self, name, client)
            await client.get_roster(timeout=TIMEOUT)
            client.send_presence()
            await client.handled()
        for client, (_, worker) in zip(self.clients, self.characters.values()):
            equal(seat_of(self.server, client)["worker"], worker, client.boundjid.full)
        return self

    async def __aexit__(self, *_):
        for client in self.clients:
            await client.end()


def subscription_of(jid, wanted):
    """For hear(): a push that says so of that contact."""
    def fits(iq):
        item = iq["roster"]["items"].get(slixmpp.JID(jid))
        return iq["type"] == "set" and item is not None and item["subscription"] == wanted
    return fits


def status_of(jid, wanted):
    return lambda presence: presence["from"] == jid and presence["status"] == wanted


async def befriend(one, other):
    """Its default is to authorize who asks, and to ask in return."""
    if one.client_roster[other.boundjid.bare]["subscription"] != "both":
        one.send_presence_subscription(pto=other.boundjid.bare)
        await one.hear("roster_update", subscription_of(other.boundjid.bare, "both"))
        await other.hear("roster_update", subscription_of(one.boundjid.bare, "both"))


async def roster(server):
    """a contact is asked, agrees, is named and put in groups, and removed: every device hears it"""
    async with Cast(server, phone=(PHONE, 0), desk=(DESK, 2), juliet=(BALCONY, 1)) as cast:
        await befriend(cast.phone, cast.juliet)
        await cast.desk.hear("roster_update", subscription_of(JULIET, "both"))
        for device in (cast.phone, cast.desk):
            await device.hear("changed_status", lambda presence: presence["from"] == BALCONY)
        await cast.phone.update_roster(JULIET, name="Juliet \u2665", groups=["Verona", "Capulet & Co"])
        push = await cast.desk.hear("roster_update")
        item = push["roster"]["items"][slixmpp.JID(JULIET)]
        equal((item["name"], sorted(item["groups"]), item["subscription"]),
              ("Juliet \u2665", ["Capulet & Co", "Verona"], "both"))
        await cast.desk.del_roster_item(JULIET)
        await cast.phone.hear("roster_update", subscription_of(JULIET, "remove"))
        await cast.juliet.hear("roster_subscription_removed")
        await cast.juliet.hear("roster_update", subscription_of(ROMEO, "none"))
        await cast.juliet.hear("got_offline", lambda presence: presence["from"].bare == ROMEO)
        await cast.phone.hear("got_offline", lambda presence: presence["from"] == BALCONY)
        await cast.juliet.del_roster_item(ROMEO)


async def roster_version(server):
    """a device that comes back with the version it knows is told what has changed since, and no more"""
    async with Cast(server, phone=(PHONE, 0), desk=(DESK, 1)) as cast:
        for name in ("nurse", "tybalt"):
            await cast.phone.update_roster(name + "@localhost", name=name)
        await cast.desk.handled()
        version = cast.desk.client_roster.version
        equal(version, cast.phone.client_roster.version)
        await cast.desk.end()
        await cast.phone.update_roster("tybalt@localhost", name="Prince of Cats")
        desk = await logged_in(server, DESK, 2, plugins=PLUGINS, events=EVENTS)
        desk.client_roster.version = version
        answer = await desk.get_roster(timeout=TIMEOUT)
        equal(len(answer["roster"]["items"]), 0, "items of the answer")
        await desk.handled()
        equal({jid: desk.client_roster[jid]["name"] for jid in desk.client_roster if jid != ROMEO},
              {"tybalt@localhost": "Prince of Cats"}, "what was pushed")
        equal(desk.client_roster.version, cast.phone.client_roster.version)
        await desk.end()


async def presence(server):
    """a contact on another worker sees each change, and the end of a connection that breaks"""
    async with Cast(server, phone=(PHONE, 0), juliet=(BALCONY, 1)) as cast:
        await befriend(cast.phone, cast.juliet)
        cast.phone.send_presence(pshow="dnd", pstatus="by the wall", ppriority=7)
        seen = await cast.juliet.hear("changed_status", status_of(PHONE, "by the wall"))
        equal((seen["show"], seen["priority"]), ("dnd", 7))
        cast.juliet.send_presence(pshow="chat", pstatus="at the window")
        seen = await cast.phone.hear("changed_status", status_of(BALCONY, "at the window"))
        equal(seen["show"], "chat")
        cast.phone.abort()
        seen = await cast.juliet.hear("got_offline")
        equal((seen["from"].full, seen["type"]), (PHONE, "unavailable"))


async def probe(server):
    """who comes later is told of the contacts that are there, with the age of what they said"""
    async with Cast(server, phone=(PHONE, 0)) as early:
        early.phone.send_presence(pstatus="waiting")
        await early.phone.handled()
        async with Cast(server, juliet=(BALCONY, 1)) as late:
            await late.juliet.hear("changed_status", status_of(PHONE, "waiting"))


async def carbons(server):
    """a second device on another worker gets copies of what the first one sends and gets"""
    async with Cast(server, phone=(PHONE, 0), desk=(DESK, 2), juliet=(BALCONY, 1)) as cast:
        await cast.desk["xep_0280"].enable(timeout=TIMEOUT)
        cast.phone.send_message(BALCONY, "Lady, by yonder moon", mtype="chat")
        equal((await cast.juliet.hear())["body"], "Lady, by yonder moon")
        copy = (await cast.desk.hear("carbon_sent"))["carbon_sent"]
        equal((copy["from"].full, copy["to"].full, copy["body"]), (PHONE, BALCONY, "Lady, by yonder moon"))
        cast.juliet.send_message(PHONE, "Swear not", mtype="chat")
        equal((await cast.phone.hear())["body"], "Swear not")
        copy = (await cast.desk.hear("carbon_received"))["carbon_received"]
        equal((copy["from"].full, copy["body"]), (BALCONY, "Swear not"))
        await cast.desk["xep_0280"].disable(timeout=TIMEOUT)
        cast.juliet.send_message(PHONE, "by the moon", mtype="chat")
        await cast.phone.hear()
        await cast.desk.handled()
        equal(cast.desk.queues["carbon_received"].qsize(), 0, "copies after the end")


async def archive(server):
    """a device that was away catches up page by page, forwards and backwards, and learns how much there is"""
    lines = ["line %d \u2665" % i for i in range(23)]
    async with Cast(server, phone=(PHONE, 0), juliet=(BALCONY, 1)) as cast:
        latest = cast.phone["xep_0313"].get_archive_metadata(timeout=TIMEOUT)
        start = (await latest)["mam_metadata"]["end"]["timestamp"]
        for line in lines:
            cast.juliet.send_message(PHONE, line, mtype="chat")
            equal((await cast.phone.hear())["body"], line)
        async with Cast(server, desk=(DESK, 2)) as late:
            async def told(**how):
                return [found["mam_result"]["forwarded"]["stanza"]["body"] async for found in
                        late.desk["xep_0313"].iterate(with_jid=slixmpp.JID(JULIET), **how)]
            equal((await told(rsm={"max": 5}))[-23:], lines, "forwards")
            equal((await told(reverse=True, rsm={"max": 7}, total=23))[::-1], lines, "backwards")
            equal((await told(start=start))[-23:], lines, "from a time on")
            equal(await late.desk["xep_0313"].get_fields(timeout=TIMEOUT) is None, False, "fields")
            equal((await late.desk["xep_0441"].get_preferences(timeout=TIMEOUT))[0], "always", "preferences")
            await late.desk["xep_0441"].set_preferences(default="never", timeout=TIMEOUT)
            cast.phone.send_message(BALCONY, "off the record", mtype="chat")
            await cast.juliet.hear()
            equal((await told(rsm={"max": 50}))[-1], lines[-1], "the last one kept")
            await late.desk["xep_0441"].set_preferences(default="always", timeout=TIMEOUT)


async def offline(server):
    """what comes while nobody is there waits, and comes with the first presence"""
    async with Cast(server, juliet=(BALCONY, 1)) as cast:
        cast.juliet.send_message(ROMEO, "wherefore art thou", mtype="chat")
        await cast.juliet.handled()
        async with Cast(server, phone=(PHONE, 0)) as late:
            message = await late.phone.hear()
            equal((message["body"], message["from"].full), ("wherefore art thou", BALCONY))


async def personal_events(server):
    """an avatar and a nickname reach a contact that takes an interest, at once or when it comes; card and presence show it too"""
    async with Cast(server, phone=(PHONE, 0), juliet=(BALCONY, 1)) as cast:
        await befriend(cast.phone, cast.juliet)
        await cast.phone["xep_0172"].publish_nick("Montague", timeout=TIMEOUT)
        event = await cast.juliet.hear("user_nick_publish", lambda event: event["from"].bare == ROMEO)
        equal(event["pubsub_event"]["items"]["item"]["nick"]["nick"], "Montague")
        await cast.phone["xep_0084"].publish_avatar(PNG, timeout=TIMEOUT)
        name = hashlib.sha1(PNG).hexdigest()
        await cast.phone["xep_0084"].publish_avatar_metadata(
            {"id": name, "type": "image/png", "bytes": len(PNG)}, timeout=TIMEOUT)
        event = await cast.juliet.hear("avatar_metadata_publish", lambda event: event["from"].bare == ROMEO)
        equal(event["pubsub_event"]["items"]["item"]["id"], name)
        answer = await cast.juliet["xep_0084"].retrieve_avatar(ROMEO, name, timeout=TIMEOUT)
        equal(answer["pubsub"]["items"]["item"]["avatar_data"]["value"], PNG)
        vcard = (await cast.juliet["xep_0054"].get_vcard(ROMEO, timeout=TIMEOUT))["vcard_temp"]
        equal((vcard["PHOTO"]["BINVAL"], vcard["PHOTO"]["TYPE"]), (PNG, "image/png"))
        cast.phone.send_presence(pstatus="with a face")
        seen = await cast.juliet.hear("vcard_avatar_update", lambda presence: presence["status"] == "with a face")
        equal(seen["vcard_temp_update"]["photo"], name)
        await cast.juliet.end()
        async with Cast(server, nook=(JULIET + "/nook", 2)) as late:
            event = await late.nook.hear("user_nick_publish", lambda event: event["from"].bare == ROMEO)
            equal(event["pubsub_event"]["items"]["item"]["nick"]["nick"], "Montague")


async def vcard(server):
    """a vcard is kept, and its photo is what others are told of"""
    async with Cast(server, juliet=(BALCONY, 1), phone=(PHONE, 0)) as cast:
        card = cast.juliet["xep_0054"].make_vcard()
        card["FN"] = "Juliet Capulet"
        card["JABBERID"] = JULIET
        card["PHOTO"]["TYPE"] = "image/png"
        card["PHOTO"]["BINVAL"] = PNG[:100]
        await cast.juliet["xep_0054"].publish_vcard(card, jid=slixmpp.JID(JULIET), timeout=TIMEOUT)
        got = (await cast.phone["xep_0054"].get_vcard(JULIET, timeout=TIMEOUT))["vcard_temp"]
        equal((got["FN"], got["PHOTO"]["BINVAL"]), ("Juliet Capulet", PNG[:100]))


async def blocking(server):
    """whom one device blocks is silent on all, and told so; both devices hear of the list"""
    async with Cast(server, phone=(PHONE, 0), desk=(DESK, 2), juliet=(BALCONY, 1)) as cast:
        await cast.desk["xep_0191"].get_blocked(timeout=TIMEOUT)
        await cast.phone["xep_0191"].get_blocked(timeout=TIMEOUT)
        await cast.phone["xep_0191"].block(slixmpp.JID(JULIET), timeout=TIMEOUT)
        equal((await cast.desk.hear("blocked"))["block"]["items"], {slixmpp.JID(JULIET)})
        cast.juliet.send_message(DESK, "are you there?", mtype="chat")
        await cast.juliet.handled()
        await cast.desk.handled()
        equal(cast.desk.queues["message"].qsize(), 0, "messages")
        try:
            await cast.juliet["xep_0199"].ping(DESK, timeout=TIMEOUT)
            raise AssertionError("a ping was answered")
        except slixmpp.exceptions.IqError as error:
            equal(error.condition, "service-unavailable")
        cast.desk.send_message(BALCONY, "nothing", mtype="chat")
        refused = await cast.desk.hear("message_error")
        equal((refused["type"], refused["error"]["condition"]), ("error", "not-acceptable"))
        await cast.desk["xep_0191"].unblock(slixmpp.JID(JULIET), timeout=TIMEOUT)
        await cast.phone.hear("unblocked")
        answer = await cast.phone["xep_0191"].get_blocked(timeout=TIMEOUT)
        equal(answer["blocklist"]["items"], set())
        cast.juliet.send_message(PHONE, "and now?", mtype="chat")
        equal((await cast.phone.hear())["body"], "and now?")


async def inactive(server):
    """while a client sleeps, what matters still comes at once, and the last presence when it wakes"""
    async with Cast(server, phone=(PHONE, 0), juliet=(BALCONY, 1)) as cast:
        await befriend(cast.phone, cast.juliet)
        cast.phone["xep_0352"].send_inactive()
        await cast.phone.handled()
        server.move_clock(6)		# what follows upon something urgent does not wait
        for i in range(5):
            cast.juliet.send_presence(pstatus="thought %d" % i)
        await cast.juliet.handled()
        cast.phone["xep_0352"].send_active()
        seen = await cast.phone.hear("changed_status", lambda presence: presence["status"].startswith("thought"))
        equal(seen["status"], "thought 4")
        cast.phone["xep_0352"].send_inactive()
        cast.juliet.send_message(PHONE, "awake?", mtype="chat")
        equal((await cast.phone.hear())["body"], "awake?")


async def small_things(server):
    """bookmarks in private storage, which new clients find as well, the last activity, what the server and the account say they can do"""
    async with Cast(server, phone=(PHONE, 0), juliet=(BALCONY, 1)) as cast:
        await befriend(cast.phone, cast.juliet)
        marks = slixmpp.plugins.xep_0048.stanza.Bookmarks()
        marks.add_conference("feast@rooms.example.net", "rom", name="The feast", autojoin=True)
        await cast.phone["xep_0048"].set_bookmarks(marks, method="xep_0049", timeout=TIMEOUT)
        got = await cast.phone["xep_0048"].get_bookmarks(method="xep_0049", timeout=TIMEOUT)
        equal([str(room["jid"]) for room in got["private"]["bookmarks"]["conferences"]], ["feast@rooms.example.net"])
        rooms = await cast.phone["xep_0060"].get_items(ROMEO, "urn:xmpp:bookmarks:1", timeout=TIMEOUT)
        equal([item["id"] for item in rooms["pubsub"]["items"]], ["feast@rooms.example.net"], "rooms of new clients")
        uptime = await cast.phone["xep_0012"].get_last_activity("localhost", timeout=TIMEOUT)
        equal(uptime["last_activity"]["seconds"] >= 0, True, "uptime")
        account = (await cast.phone["xep_0030"].get_info(ROMEO, timeout=TIMEOUT))["disco_info"]
        for feature in ("urn:xmpp:mam:2", "urn:xmpp:mam:2#extended", "http://jabber.org/protocol/pubsub#publish"):
            equal(feature in account["features"], True, feature)
        equal(("pubsub", "pep") in {identity[:2] for identity in account["identities"]}, True, "pep")
        host = (await cast.phone["xep_0030"].get_info("localhost", timeout=TIMEOUT))["disco_info"]
        for feature in ("urn:xmpp:carbons:2", "urn:xmpp:blocking", "vcard-temp"):
            equal(feature in host["features"], True, feature)


FACTS = [on_loop(f) for f in (roster, roster_version, presence, probe, carbons, archive, offline, personal_events, vcard,
                              blocking, inactive, small_things)]

if __name__ == "__main__":
    facts.run(FACTS, lambda: Server(workers=3, accounts=(ROMEO, JULIET, "nurse@localhost", "tybalt@localhost")))
