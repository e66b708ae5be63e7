"""Accounts that change all they can have kept, all the time: what it was, since when, and what it may be after a cut.

A change is asked for, then answered. At a cut between the two it may have been made or not; one that had been answered was.
"""
import random
import threading

import client as xmpp
from server import PASSWORD

OPTIONS = "registrations_per_address = 100;"
HOST_OPTIONS = "registration = true;"
CLIENT, ROSTER = "{jabber:client}", "{jabber:iq:roster}"
PUBSUB, BLOCKING, MAM = "{http://jabber.org/protocol/pubsub}", "{urn:xmpp:blocking}", "{urn:xmpp:mam:2}"
PACE = 0.002		# seconds between two changes: others have this machine too
GUESTS_MOST = 45	# of each owner: from one address registrations_per_address come in an hour

REGISTER = "<query xmlns='jabber:iq:register'><username>%s</username><password>%s</password></query>"
ITEM = "<query xmlns='jabber:iq:roster'><item jid='%s' %s/></query>"
PREFS = "<prefs xmlns='urn:xmpp:mam:2' default='%s'><always>%s</always><never/></prefs>"
PRIVATE = "<query xmlns='jabber:iq:private'><kept xmlns='urn:kept'>%s</kept></query>"
PUBLISH = "<publish node='kept'><item id='one'><kept xmlns='urn:kept'>%s</kept></item></publish>"
RETRACT = "<retract node='kept'><item id='one'/></retract>"


class History:
    """The values of one thing. Each has the place of the log at which it was asked for, and the one at which it was known."""

    def __init__(self, value):
        self.all = [(value, 0, 0)]

    def value(self):
        return self.all[-1][0]

    def known_at(self):
        return [known for _, _, known in self.all[1:] if known is not None]

    def change(self, value, log, make):
        """make() returns once the change is known."""
        asked = log.place()
        self.all.append((value, asked, None))
        make()
        self.all[-1] = (value, asked, log.place())

    def allowed(self, place):
        """After a cut there."""
        return [value for i, (value, asked, _) in enumerate(self.all) if i >= self.last(place) and asked <= place]

    def last(self, place):
        return max(i for i, (_, _, known) in enumerate(self.all) if i == 0 or known is not None and known <= place)

    def before(self, place):
        """The value that it certainly has no longer; None: there is none."""
        last = self.last(place)
        return self.all[last - 1][0] if last > 0 else None


class Session:
    """Asks one thing at a time."""

    def __init__(self, server, account, password):
        self.client = xmpp.Client(server)
        self.client.login(account + "/owner", password, tls=False)

    def ask(self, kind, payload, to=""):
        """The answer; what else comes is passed over."""
        self.client.send("<iq type='%s' id='owner' %s>%s</iq>" % (kind, to, payload))
        while True:
            element = self.client.get()
            if element is None or element.tag.startswith("{http://etherx"):
                raise xmpp.Closed("the end of the stream: " + xmpp.text_of(element))
            if element.tag == CLIENT + "iq" and element.get("id") == "owner":
                return element

    def set(self, payload):
        answer = self.ask("set", payload)
        if answer.get("type") != "result":
            raise AssertionError("%s was answered with %s" % (payload, xmpp.text_of(answer)))

    def pubsub(self, kind, payload):
        return self.ask(kind, "<pubsub xmlns='%s'>%s</pubsub>" % (PUBSUB[1:-1], payload))

    def presence(self, kind, to):
        """Known once what follows it is answered."""
        self.client.send("<presence type='%s' to='%s'/>" % (kind, to))
        self.ask("get", "<ping xmlns='urn:xmpp:ping'/>", "to='localhost'")

    # --- what stands there ---

    def roster(self):
        return {item.get("jid"): item for item in self.ask("get", "<query xmlns='jabber:iq:roster'/>").iter(ROSTER + "item")}

    def contact(self, jid):
        item = self.roster().get(jid)
        return item is not None and (item.get("subscription"), item.get("ask"))

    def text(self, payload, path):
        return self.ask("get", payload).findtext(path) or None

    def private(self):
        return self.text(PRIVATE % "", ".//{urn:kept}kept")

    def pep(self):
        return self.pubsub("get", "<items node='kept'/>").findtext(".//{urn:kept}kept")

    def card(self):
        return self.text("<vCard xmlns='vcard-temp'/>", ".//{vcard-temp}FN")

    def blocked(self):
        return frozenset(i.get("jid") for i in self.ask("get", "<blocklist xmlns='urn:xmpp:blocking'/>").iter(BLOCKING + "item"))

    def preferences(self):
        prefs = self.ask("get", "<prefs xmlns='urn:xmpp:mam:2'/>").find(MAM + "prefs")
        return prefs.get("default"), frozenset(jid.text for jid in prefs.iter(MAM + "jid"))


def log_in(server, account, passwords):
    """A session by the first password that is right, and that; or None twice."""
    for password in passwords:
        try:
            return Session(server, account, password), password
        except AssertionError:
            continue
    return None, None


class Owner(threading.Thread):
    """One account, a friend's, and a guest's that comes and goes."""

    def __init__(self, server, log, number):
        super().__init__(daemon=True)
        self.server, self.log = server, log
        self.account, self.friend = accounts_of(number)
        self.guest = "guest%d@localhost" % number
        self.chance = random.Random(number)
        self.stopping = threading.Event()
        self.error = None
        self.serial = 0
        self.mine = Session(server, self.account, PASSWORD)
        self.friends = Session(server, self.friend, PASSWORD)
        self.guests = None
        self.guests_made = 0
        start = {"password": PASSWORD, "preferences": ("always", frozenset()), "blocked": frozenset(),
                 "subscription": (False, False)}
        self.histories = {kind: History(start.get(kind)) for kind in KINDS}

    def run(self):
        try:
            while not self.stopping.wait(PACE):
                kind = self.chance.choice(KINDS)
                getattr(self, "change_" + kind)(self.histories[kind])
        except Exception as e:
            self.error = "%s: %s: %s" % (self.account, type(e).__name__, e)

    def stop(self):
        self.stopping.set()
        self.join(60)
        if self.error or self.is_alive():
            raise AssertionError(self.error or self.account + " still waits for an answer")

    def changes(self):
        return sum(len(history.all) - 1 for history in self.histories.values())

    def known_at(self):
        return [place for history in self.histories.values() for place in history.known_at()]

    # --- changes ---

    def new(self, history, sometimes_none=True):
        """Another value; each fourth takes what is there away."""
        self.serial += 1
        takes = sometimes_none and history.value() is not None and self.chance.randrange(4) == 0
        return None if takes else "v%d" % self.serial

    def change_roster(self, history):
        value = self.new(history)
        more = "subscription='remove'" if value is None else "name='%s'" % value
        history.change(value, self.log, lambda: self.mine.set(ITEM % ("kept@example.net", more)))

    def change_private(self, history):
        value = self.new(history)
        history.change(value, self.log, lambda: self.mine.set(PRIVATE % (value or "")))

    def change_card(self, history):
        value = self.new(history, False)
        history.change(value, self.log, lambda: self.mine.set("<vCard xmlns='vcard-temp'><FN>%s</FN></vCard>" % value))

    def change_pep(self, history):
        value = self.new(history)
        payload = RETRACT if value is None else PUBLISH % value
        history.change(value, self.log, lambda: self.mine.set("<pubsub xmlns='%s'>%s</pubsub>" % (PUBSUB[1:-1], payload)))

    def change_blocked(self, history):
        jid = "b%d@example.net" % self.chance.randrange(6)
        verb = "unblock" if jid in history.value() else "block"
        payload = "<%s xmlns='urn:xmpp:blocking'><item jid='%s'/></%s>" % (verb, jid, verb)
        history.change(history.value() ^ {jid}, self.log, lambda: self.mine.set(payload))

    def change_preferences(self, history):
        value = self.chance.choice(("always", "never", "roster")), frozenset(["b%d@example.net" % self.chance.randrange(100)])
        payload = PREFS % (value[0], "".join("<jid>%s</jid>" % jid for jid in value[1]))
        history.change(value, self.log, lambda: self.mine.set(payload))

    def change_password(self, history):
        value = self.new(history, False)
        history.change(value, self.log, lambda: self.mine.set(REGISTER % (self.account.split("@")[0], value)))

    def change_subscription(self, history):
        """Of both rosters at once: asked for, granted, then ended by the one or the other."""
        mine, friends = history.value()
        if not mine or mine == ("none", None):
            value, make = (("none", "subscribe"), friends), lambda: self.mine.presence("subscribe", self.friend)
        elif mine[1]:
            value, make = (("to", None), ("from", None)), lambda: self.friends.presence("subscribed", self.account)
        else:
            ended = ("none", None)
            value, make = self.chance.choice((
                ((ended, ended), lambda: self.mine.presence("unsubscribe", self.friend)),
                ((ended, ended), lambda: self.friends.presence("unsubscribed", self.account)),
                ((False, ended), lambda: self.mine.set(ITEM % (self.friend, "subscription='remove'")))))
        history.change(value, self.log, make)

    def change_guest(self, history):
        """Its password and what it keeps; None: there is none. One that is made anew has nothing of the one before."""
        self.serial += 1
        serial, now = str(self.serial), history.value()
        if now is None:
            history.change((serial, None), self.log, lambda: self.register(serial))
            self.guests = Session(self.server, self.guest, serial)
            self.guests_made += 1
        elif now[1] is None:
            history.change((now[0], serial), self.log, lambda: self.guests.set(PRIVATE % serial))
        elif self.guests_made == GUESTS_MOST or self.chance.randrange(2):
            change = REGISTER % (self.guest.split("@")[0], serial)
            history.change((serial, now[1]), self.log, lambda: self.guests.set(change))
        else:
            remove = "<query xmlns='jabber:iq:register'><remove/></query>"
            history.change(None, self.log, lambda: self.guests.set(remove))
            self.guests.client.close()

    def register(self, password):
        client = xmpp.Client(self.server)
        client.open()
        client.send("<iq type='set' id='new'>%s</iq>" % (REGISTER % (self.guest.split("@")[0], password)))
        answer = client.get()
        client.close()
        if answer is None or answer.get("type") != "result":
            raise AssertionError("%s was not made: %s" % (self.guest, xmpp.text_of(answer)))

    # --- after a cut ---

    def check(self, server, place):
        """Lines of what is not as it may be after a cut there."""
        password = self.histories["password"]
        candidates = password.allowed(place) + [value for value, _, _ in password.all]
        session, right = log_in(server, self.account, dict.fromkeys(candidates))
        if session is None:
            return ["%s: the password is none that it ever was" % self.account]
        friends = Session(server, self.friend, PASSWORD)
        item = session.roster().get("kept@example.net")
        found = {"password": right, "roster": item is not None and item.get("name") or None, "private": session.private(),
                 "card": session.card(), "pep": session.pep(), "blocked": session.blocked(),
                 "preferences": session.preferences(), "guest": self.guest_of(server, place),
                 "subscription": (session.contact(self.friend), friends.contact(self.account))}
        session.client.close()
        friends.client.close()
        return self.not_allowed(found, place) + self.old_password(server, password, place)

    def not_allowed(self, found, place):
        return ["%s: %s is %s, not one of %s" % (self.account, kind, found[kind], history.allowed(place))
                for kind, history in self.histories.items() if found[kind] not in history.allowed(place)]

    def starts_that_are_wrong(self, place):
        """How check() begins for each thing that is as it was at first, and may not be at that place."""
        return ["%s: %s" % (self.account, kind) for kind, history in self.histories.items()
                if history.all[0][0] not in history.allowed(place)]

    def old_password(self, server, history, place):
        old = history.before(place)
        session, _ = log_in(server, self.account, [old] if old else [])
        if session is None:
            return []
        session.client.close()
        return ["%s: old password is right still" % self.account]

    def guest_of(self, server, place):
        if self.guest not in server.ctl("users").stdout:
            return None
        allowed = [value for value in self.histories["guest"].allowed(place) if value is not None]
        session, password = log_in(server, self.guest, dict.fromkeys(value[0] for value in allowed))
        if session is None:
            return "there, by another password"
        kept = session.private()
        session.client.close()
        return password, kept


KINDS = [name.removeprefix("change_") for name in vars(Owner) if name.startswith("change_")]


def accounts_of(number):
    return "owner%d@localhost" % number, "friend%d@localhost" % number
