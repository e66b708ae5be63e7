#!/usr/bin/env python3
"""Starting, reloading and stopping: what goes wrong is named, and what runs is not harmed."""
import hashlib
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

import client as xmpp
import facts
import folders
from facts import equal
from server import PASSWORD, Server, helper

CONFIG = 78		# sysexits(3)


def said(text, *words):
    for word in words:
        if word not in text:
            raise AssertionError("%r is not in: %s" % (word, text))


def refuses(server, status, *words, **how):
    got, text = server.run_to_end(**how)
    said(text, *words)
    if status is None:
        equal(got in (0, 1) or got < 0, False, "exit status %d: %s" % (got, text))
    else:
        equal(got, status, text)
    return text


def rewritten(server, old, new):
    """The configuration with something changed, as a file beside it."""
    path = server.path("changed.conf")
    with open(server.config) as f, open(path, "w") as out:
        text = f.read()
        equal(old in text, True, "the configuration has " + old)
        out.write(text.replace(old, new, 1))
    return path


def line_of(path, text):
    with open(path) as f:
        return next(i for i, line in enumerate(f, 1) if text in line)


# --- what keeps it from starting ---

def wrong_options(server):
    """every mistake is named with file, line and option: at --check, and at a start, which ends with 78"""
    for old, new, option in (("workers = 2;", "workers = 1000;", "workers"),
                             ("workers = 2;", 'workers = "two";', "workers"),
                             ("workers = 2;", "wrokers = 2;", "wrokers"),
                             ('log_level = "info";', 'log_level = "loud";', "log_level"),
                             ('name = "localhost";', 'name = "local host";', "name")):
        path = rewritten(server, old, new)
        place = "%s:%d" % (path, line_of(path, new))
        status, text = server.run_to_end("--check", config=path)
        equal(status, CONFIG, text)
        said(text, place, option)
        refuses(server, CONFIG, place, option, config=path)
    path = rewritten(server, "workers = 2;", "workers = 1000;\nwrokers = 3;")
    refuses(server, CONFIG, "%s:%d" % (path, line_of(path, "1000")), "%s:%d" % (path, line_of(path, "wrokers")),
            config=path)
    path = rewritten(server, "workers = 2;", "workers = = 2;")
    refuses(server, CONFIG, "%s:%d" % (path, line_of(path, "= =")), config=path)
    refuses(server, None, server.path("nowhere.conf"), config=server.path("nowhere.conf"))


def bad_certificates(server):
    """a certificate that is missing, is none, or does not fit its key keeps it from starting, and is named"""
    crt = server.path("localhost.crt")
    with open(server.path("text.crt"), "w") as f:
        f.write("no certificate\n")
    for other in ("missing.crt", "text.crt", "example.org.crt", "localhost.key"):
        path = rewritten(server, crt, server.path(other))
        refuses(server, CONFIG, server.path(other), config=path)


def port_in_use(server):
    """a port that somebody has keeps it from starting, and is named"""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", server.port))
        taken.listen()
        refuses(server, None, "127.0.0.1:%d" % server.port)


def port_let_go(server):
    """a port that somebody is about to let go, as processes of a server that was killed, is waited for"""
    taken = socket.create_server(("127.0.0.1", server.port), reuse_port=False)
    mark, pause = server.log.mark(), threading.Event()

    def let_go():
        said = "waiting for an address that is in use address=127.0.0.1:%d" % server.port
        server.wait_for(lambda: server.log.find(said, mark) or pause.wait(0.02), said)
        taken.close()
    thread = threading.Thread(target=let_go)
    thread.start()
    server.start()
    thread.join()
    equal(server.ctl_json("status")["workers_ready"], server.workers, "workers that serve")
    equal(server.stop(), 0, "exit status")


def second_start(server):
    """a second start is refused, and the first goes on"""
    server.start()
    client = xmpp.Client(server)
    client.login("romeo@localhost/first", PASSWORD)
    refuses(server, None, str(server.process.pid))
    path = rewritten(server, "rookeryd.pid", "other.pid")	# the directories are locked by themselves
    refuses(server, None, server.path("run"), config=path)
    client.ping()
    client.close()
    equal(server.stop(), 0, "exit status")


def digest_of(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def other_layout(server):
    """a data directory of another layout is refused and left as it is"""
    folder = server.path("future")
    os.mkdir(folder, 0o700)
    subprocess.run([helper("other_layout"), folder], check=True)
    server.give_away(folder)
    file = os.path.join(folder, "core", "data.mdb")
    before = digest_of(file)
    refuses(server, None, folder, "layout", config=rewritten(server, server.path("data"), folder))
    equal(digest_of(file), before, "its bytes")


def full_memory(server):
    """a runtime directory without room is refused, and named"""
    if os.geteuid() != 0:
        print("     SKIPPED: only root can mount a small tmpfs")
        return
    folder = server.path("small")
    os.mkdir(folder)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", folder],
                      stderr=subprocess.DEVNULL).returncode != 0:
        print("     SKIPPED: mount is not allowed here")
        return
    try:
        refuses(server, None, folder, config=rewritten(server, 'runtime_dir = "%s"' % server.path("run"),
                                                       'runtime_dir = "%s"' % folder))
    finally:
        subprocess.run(["umount", folder], check=True)


def no_tmpfs(server):
    """a runtime directory that is on no tmpfs is refused, and named"""
    folder = folders.make(tempfile.gettempdir())
    try:
        if subprocess.run(["stat", "-f", "-c", "%T", folder], capture_output=True, text=True).stdout.strip() == "tmpfs":
            print("     SKIPPED: %s lies on a tmpfs itself" % folder)
            return
        refuses(server, CONFIG, folder, config=rewritten(server, 'runtime_dir = "%s"' % server.path("run"),
                                                         'runtime_dir = "%s"' % folder))
    finally:
        subprocess.run(["rm", "-r", folder], check=True)


# --- reload ---

def error_of(client):
    """The condition of the stream error that ends it."""
    error = client.get()
    equal(error.tag, xmpp.STREAM + "error", xmpp.text_of(error))
    client.wait_for_close()
    equal(client.ended, True, "</stream:stream>")
    client.close()
    return error[0].tag.split("}")[1]


def bad_reload(server):
    """a reload with a mistake names it, changes nothing, and harms nobody"""
    client = xmpp.Client(server)
    client.login("romeo@localhost/stays", PASSWORD)
    with open(server.config) as f:
        good = f.read()
    with open(server.config, "w") as f:
        f.write(good.replace('log_level = "info";', 'log_level = "error";\nwrokers = 7;'))
    mark = server.log.mark()
    done = server.ctl("reload", check=False)
    equal(done.returncode != 0, True, "rookeryctl reload failed")
    said(done.stdout + done.stderr, "%s:%d" % (server.config, line_of(server.config, "wrokers")), "wrokers")
    server.process.send_signal(1)
    server.log.wait("wrokers", mark)
    with open(server.config, "w") as f:
        f.write(good)
    client.ping()
    mark = server.log.mark()
    client.close()
    server.log.wait("info .*closed", mark)	# the level is what it was


def hosts(server):
    """a reload adds a host with its certificate, and takes it away: its sessions get host-gone, the others stay"""
    stays = xmpp.Client(server)
    stays.login("romeo@localhost/stays", PASSWORD)
    before = server.hosts
    server.hosts = before + ("new.example",)
    server.make_certificate("new.example")
    server.write_config()
    server.ctl("reload")
    server.add_account("romeo@new.example")
    goes = xmpp.Client(server)
    goes.login("romeo@new.example/goes", PASSWORD)
    equal(certificate_of(server, "new.example"), certificate_in(server, "new.example"), "certificate")
    server.hosts = before
    server.write_config()
    server.ctl("reload")
    equal(error_of(goes), "host-gone")
    stays.ping()
    stays.close()
    try:
        xmpp.Client(server, host="new.example").open()
    except AssertionError as e:
        said(str(e), "host-unknown")
    else:
        raise AssertionError("the host is still there")


def certificate_of(server, host):
    context = ssl.create_default_context(cafile=server.path(host + ".crt"))
    with socket.create_connection(("127.0.0.1", server.tls_port), 20) as raw:
        with context.wrap_socket(raw, server_hostname=host) as tls:
            return ssl.DER_cert_to_PEM_cert(tls.getpeercert(True))


def certificate_in(server, host):
    with open(server.path(host + ".crt")) as f:
        return f.read()


def renewed(server):
    """a renewed certificate is shown after a reload, and who is connected stays"""
    client = xmpp.Client(server)
    client.login("romeo@localhost/stays", PASSWORD)
    before = certificate_of(server, "localhost")
    server.make_certificate("localhost")
    server.ctl("reload")
    equal(certificate_of(server, "localhost"), certificate_in(server, "localhost"))
    equal(before == certificate_in(server, "localhost"), False, "the same")
    client.ping()
    client.close()


# --- whose resource it is ---

def logged_in(server, host):
    """A client that may bind."""
    client = xmpp.Client(server, host=host)
    client.open()
    client.starttls()
    equal(client.scram("romeo", PASSWORD).tag, xmpp.SASL + "success")
    client.open()
    return client


def twice(server, host):
    """Two sessions, the first with a resource that the second will ask for."""
    first = logged_in(server, host)
    equal(first.bind("one"), "romeo@%s/one" % host)
    return first, logged_in(server, host)


def kick_new(server):
    """kick_new refuses the second with conflict, and it may ask for another"""
    first, second = twice(server, "new.kick")
    second.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                "<resource>one</resource></bind></iq>")
    answer = second.get()
    equal(answer.get("type"), "error")
    error = answer.find("{jabber:client}error")
    equal((error.get("type"), error[0].tag.split("}")[1]), ("cancel", "conflict"))
    equal(second.bind("two"), "romeo@new.kick/two")
    first.ping()
    first.close()
    second.close()


def random_resource(server):
    """random gives the second another resource"""
    first, second = twice(server, "random.one")
    jid = second.bind("one")
    equal(jid.startswith("romeo@random.one/") and jid != "romeo@random.one/one", True, jid)
    first.ping()
    second.ping()
    first.close()
    second.close()


def increment(server):
    """increment appends #1, then #2"""
    first, second = twice(server, "count.up")
    equal(second.bind("one"), "romeo@count.up/one#1")
    third = logged_in(server, "count.up")
    equal(third.bind("one"), "romeo@count.up/one#2")
    for client in (first, second, third):
        client.close()


# --- the end ---

def shut_down(server):
    """SIGTERM tells every client system-shutdown, and the exit status is 0"""
    clients = []
    for i in range(6):
        client = xmpp.Client(server)
        client.login("romeo@localhost/%d" % i, PASSWORD)
        clients.append(client)
    server.process.terminate()
    for client in clients:
        equal(error_of(client), "system-shutdown")
    equal(server.stop(), 0, "exit status")


def started_again(server):
    """a second life finds the accounts, and no session"""
    server.start()
    equal(server.sessions(), [])
    client = xmpp.Client(server)
    client.login("romeo@localhost/again", PASSWORD)
    client.ping()
    client.close()


DOWN = [wrong_options, bad_certificates, port_in_use, port_let_go, other_layout, full_memory, no_tmpfs, second_start]
UP = [bad_reload, hosts, renewed, kick_new, random_resource, increment, shut_down, started_again]

if __name__ == "__main__":
    policies = {"new.kick": 'conflict = "kick_new";', "random.one": 'conflict = "random";',
                "count.up": 'conflict = "increment";'}
    accounts = ["romeo@localhost"] + ["romeo@" + host for host in policies]
    all_facts = facts.Facts()
    with Server(workers=2, hosts=("localhost", "example.org") + tuple(policies), options_of=policies,
                accounts=accounts, start=False) as server:
        chosen = [f for f in DOWN if not sys.argv[1:] or f.__name__ in sys.argv[1:]]
        for fact in chosen:
            all_facts.show(fact, server)
        server.start()
        for fact in UP:
            if not sys.argv[1:] or fact.__name__ in sys.argv[1:]:
                all_facts.show(fact, server)
        server.stop()
        all_facts.end(server)
