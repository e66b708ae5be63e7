#!/usr/bin/python3
"""The calendar jumps, forth and back: sessions, archives, tickets and time-outs are not harmed.

Usage: calendar_test.py [--times N] [what ...]
"""
import argparse

from load import Load, make_server
import archives
import client as xmpp
from facts import Facts, equal
from faults import Faults
from managed import Managed
from server import PASSWORD
from tls_client import TlsClient

CLIENTS = 6
HOUR, DAY = 3600, 86400
DECADE = 3649 * DAY	# what is kept for 3650 days outlives it
JUMPS = (HOUR, 0, -HOUR, 0, -DECADE, 0, DECADE, -DECADE, 0)
RESUME_TIME = 600
SLEEPER, WRITER = "sleeper@localhost", "writer@localhost"


def write_to(server, jid, text):
    """From somebody who comes and goes; kept, archived, and shown at once where its recipient is there."""
    client = xmpp.Client(server)
    client.login(WRITER + "/writes", PASSWORD, tls=False)
    client.send("<message type='chat' to='%s'><body>%s</body></message>" % (jid, text))
    client.until_answered()
    client.send("</stream:stream>")
    client.wait_for_close()
    client.close()


def hibernates(server, jid):
    return any(s["jid"] == jid and s["hibernating"] for s in server.sessions())


def has_good_tickets(server):
    """What a connection is given the next one uses; soon after a jump, for the master has to see it."""
    first = TlsClient(server, direct_tls=True)
    first.open()		# a ticket of TLS 1.3 comes with the first bytes
    session = first.tls.get_session()
    first.close()
    again = TlsClient(server, direct_tls=True, session=session)
    again.close()
    return again.is_resumed()


def jumps(options):
    """the calendar jumps an hour and ten years, forth and back: sessions, order, archives, tickets and time-outs go on"""
    made = []
    server = make_server(3, CLIENTS, 'archive_expires = "3650 d"; resume_time = %d;' % RESUME_TIME, accounts=(SLEEPER, WRITER),
                         prepare=lambda server: made.append(Faults(server)))
    with Load(server, CLIENTS) as load:
        sleeper = Managed(server, SLEEPER + "/sleeps")
        for seconds in JUMPS * options.times:
            load.talk(100)
            sleeper.lose()
            server.wait_for(lambda: hibernates(server, sleeper.jid), "it hibernates")
            made[0].set_wall(seconds)
            write_to(server, sleeper.jid, "at %d" % seconds)
            load.wait_for(lambda: has_good_tickets(server), "tickets are of use", 20)
            for client in load.clients:
                client.wish = "close"
            load.talk(100)
            sleeper.resume()
            equal(sleeper.body(), "at %d" % seconds, "what came while it slept")
        sleeper.lose()
        server.wait_for(lambda: hibernates(server, sleeper.jid), "it hibernates")
        made[0].set_wall(-DECADE)
        load.wait_for(lambda: sum(s["hibernating"] for s in server.sessions()) == 1, "all others are there")
        server.move_clock(RESUME_TIME + 1)
        server.wait_for(lambda: not any(s["jid"] == sleeper.jid for s in server.sessions()), "its session has ended")
        load.talk(100)


def boots(options):
    """a calendar that is wrong after a reboot: what is archived then stands behind what was archived before"""
    made, sent = [], []
    with make_server(2, 0, 'archive_expires = "3650 d";', accounts=(SLEEPER, WRITER),
                     prepare=lambda server: made.append(Faults(server))) as server:
        for seconds in JUMPS:
            made[0].set_wall(seconds)
            server.start("--fresh")
            for number in range(3):
                sent.append("at %d, %d" % (seconds, number))
                write_to(server, SLEEPER, sent[-1])
            equal(archives.read(server, SLEEPER), sent, "the archive")
            equal(server.stop(), 0, "exit status")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("what", nargs="*")
    options = parser.parse_args()
    facts = Facts()
    for fact in (jumps, boots):
        if not options.what or fact.__name__ in options.what:
            facts.show(fact, options)
    facts.end()


if __name__ == "__main__":
    main()
