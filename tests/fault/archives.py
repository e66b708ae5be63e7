"""What the archives of a ledger's clients hold: each message once at both ends, in the order in which it was sent."""
import re
import socket

import client as xmpp
from server import PASSWORD

PAGE = ("<iq type='set' id='page'><query xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'>"
        "<max>100</max>%s</set></query></iq>")
BODY = re.compile(rb"<body>([^<]*)</body>")
LAST = re.compile(rb"<last>([^<]*)</last>")


def read_page(client, after):
    """As bytes: there are thousands, and each says the same."""
    client.send(PAGE % ("<after>%s</after>" % after if after else ""))
    page = b""
    while b"</iq>" not in page and b"type='error'" not in page:
        data = client.socket.recv(1 << 16)
        if not data:
            raise xmpp.Closed("end of the connection")
        page += data
    if b"<fin " not in page:
        raise AssertionError("no page of the archive but %r" % page[-500:])
    return page


def read(server, account):
    """All texts, oldest first."""
    client = xmpp.Client(server)
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    client.login(account + "/archive", PASSWORD, tls=False)
    texts, after = [], None
    while True:
        page = read_page(client, after)
        texts += [text.decode() for text in BODY.findall(page)]
        if b"complete='true'" in page:
            break
        after = LAST.search(page).group(1).decode()
    client.close()
    return texts


def by_sender(texts):
    """Of each sender, what went to its peer and what went to the mailbox."""
    said, posted = {}, {}
    for text in texts:
        (posted if "-post-" in text else said).setdefault(text.split("-")[0], []).append(text)
    return said, posted


def check(server, clients, mailbox, order_of):
    """Lines of what is wrong; order_of is the ledger's."""
    wrong = []
    name_of = {c.account: c.account.split("@")[0] for c in clients}
    sent = {c.account: c.sent for c in clients}
    for c in clients:
        said, posted = by_sender(read(server, c.account))
        name = "the archive of %s, " % c.account
        for account in (c.account, c.peer):
            wrong += order_of(said.pop(name_of[account], []), sent[account], name + "sent by " + account)
        wrong += order_of(posted.pop(name_of[c.account], []), c.posted, name + "to the mailbox")
        wrong += ["%swhat is not its own, of %s" % (name, who) for who in list(said) + list(posted)]
    said, posted = by_sender(read(server, mailbox))
    for c in clients:
        wrong += order_of(posted.get(name_of[c.account], []), c.posted, "the archive of the mailbox, sent by " + c.account)
    return wrong
