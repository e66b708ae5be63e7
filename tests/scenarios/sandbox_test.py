#!/usr/bin/python3
"""The sandbox from outside: what workers and stores have given up, where keys lie, and what still works inside."""
import os
import re
import signal
import socket
import subprocess

import facts
from client import Client
from facts import equal, run
from server import PASSWORD, Server
from tls_client import TlsClient

JID = "romeo@localhost/phone"
SYSLOG = "/dev/log"


def is_root():
    return os.geteuid() == 0


def inside(server):
    return server.processes("worker") + server.processes("store")


def status_of(pid):
    with open("/proc/%d/status" % pid) as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def is_sanitized(server):
    return "built with sanitizers" in server.read_log()


def threads_of(pid):
    return [int(t) for t in os.listdir("/proc/%d/task" % pid)]


def walls(server):
    """workers and stores, all their threads, have no rights, no new ones, and a filter of calls"""
    for process in inside(server):
        for thread in threads_of(process["pid"]):
            status = status_of(thread)
            equal(status["NoNewPrivs"], "1", process["kind"])
            equal(int(status["CapPrm"], 16) | int(status["CapEff"], 16), 0, process["kind"])
            if not is_sanitized(server):
                equal(status["Seccomp"], "2", process["kind"])


def root(server):
    """their root is an empty directory that has no name (root's server only)"""
    if not is_root() or is_sanitized(server):
        return
    for process in inside(server):
        path = "/proc/%d/root" % process["pid"]
        equal(os.listdir(path), [], process["kind"])
        equal(os.readlink(path).endswith("(deleted)"), True, "deleted")


def no_cores(server):
    """none of them leaves a core dump"""
    for process in inside(server):
        with open("/proc/%d/limits" % process["pid"]) as f:
            limit = next(line for line in f if line.startswith("Max core file size"))
        equal(limit.split()[4:6], ["0", "0"], process["kind"])


def secrets_of(server, host):
    """A host's key as it may stand in memory: its text, its number, and that as OpenSSL keeps it."""
    with open(server.path(host + ".key")) as f:
        pem = f.read()
    shown = subprocess.run(["openssl", "pkey", "-noout", "-text"], input=pem, capture_output=True, text=True,
                           check=True).stdout
    number = bytes.fromhex(re.sub(r"[\s:]", "", re.search(r"priv:(.*?)pub:", shown, re.S).group(1)))
    return {"text": pem.splitlines()[1].encode(), "number": number[-32:], "limbs": number[-32:][::-1]}


def mappings(pid):
    """Start, end and flags of what a process has written to."""
    with open("/proc/%d/smaps" % pid) as f:
        for line in f:
            head = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw\S* \S+ \S+ (\d+)", line)
            if head:
                place = head
            elif re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                place = None
            elif line.startswith("VmFlags:") and place:
                if place.group(3) == "0":
                    yield int(place.group(1), 16), int(place.group(2), 16), line.split()[1:]


def find_in(pid, secrets):
    """Where secrets stand: their kinds, and whether a core dump would have them."""
    found = []
    with open("/proc/%d/mem" % pid, "rb") as memory:
        for start, end, flags in mappings(pid):
            if end - start > 1 << 30:
                continue
            try:
                memory.seek(start)
                content = memory.read(end - start)
            except OSError:
                continue
            found += [(kind, "dd" in flags) for kind, secret in secrets.items() if secret in content]
    return found


def keys(server):
    """private keys stand in memory that is never dumped, and nowhere else (root alone can look)"""
    if not is_root() or is_sanitized(server):
        return
    TlsClient(server, direct_tls=True).close()
    for process in inside(server):
        found = [where for host in server.hosts for where in find_in(process["pid"], secrets_of(server, host))]
        if process["kind"] == "store":
            equal(found, [], "in a store")
        else:
            equal({kind for kind, _ in found}, {"limbs"}, "in a worker")
            equal(all(kept for _, kept in found), True, "kept out of dumps")


def still_works(server):
    """inside, clients log in with threads' help, and a certificate that is loaded again serves them"""
    client = Client(server)
    client.login(JID, PASSWORD, mechanism="PLAIN")
    client.close()
    mark = server.log.mark()
    server.make_certificate("localhost")
    server.ctl("reload")
    server.log.wait("reload", mark)
    TlsClient(server, direct_tls=True).close()


def killed(server):
    """who is ended by SIGSYS is named in the log, and replaced"""
    if is_sanitized(server):
        return
    for process in (server.worker(1), server.processes("store")[0]):
        mark = server.log.mark()
        os.kill(process["pid"], signal.SIGSYS)
        said = server.log.wait(r"killed by SIGSYS: the sandbox process=\"\w+ ?\w*\" pid=(\d+) call=(-?\d+)", mark)
        equal(int(said.group(1)), process["pid"], "pid")
        server.log.wait("process is back", mark)


def syslog():
    """a syslog that was started anew is found again, though no process inside can connect to it"""
    def listen():
        if os.path.exists(SYSLOG):
            os.unlink(SYSLOG)
        log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        log.bind(SYSLOG)
        os.chmod(SYSLOG, 0o666)
        log.settimeout(20)
        return log

    def wait(log, text):
        while text not in log.recv(8192):
            pass

    log = listen()
    try:
        with Server(workers=1, options='log = "syslog";', accounts=["romeo@localhost"]) as server:
            wait(log, b"ready")
            TlsClient(server, direct_tls=True).close()
            wait(log, b"worker 0 session closed")
            log.close()
            log = listen()
            # Whatever is said meanwhile makes the worker ask; what comes behind the answer is heard.
            server.wait_for(lambda: speaks(server, log), "the worker speaks to the new syslog")
    finally:
        log.close()
        os.unlink(SYSLOG)


def speaks(server, log):
    TlsClient(server, direct_tls=True).close()
    log.settimeout(0.2)
    try:
        return b"worker 0" in log.recv(8192)
    except socket.timeout:
        return False


def off():
    """with sandbox = false the server says so, and rights are given up all the same"""
    with Server(workers=1, options="sandbox = false;") as server:
        server.log.wait("sandbox is off")
        for process in inside(server):
            status = status_of(process["pid"])
            equal(status["Seccomp"], "0", process["kind"])
            equal(status["NoNewPrivs"], "1", process["kind"])
            equal(int(status["CapPrm"], 16), 0, process["kind"])


def main():
    alone = facts.Facts()
    alone.show(off)
    if is_root() and not os.path.exists(SYSLOG):
        alone.show(syslog)
    else:
        print("SKIPPED: the fact of syslog needs root and a machine without one")
    if alone.failed:
        alone.end()
    run([walls, root, no_cores, keys, still_works, killed, walls],
        lambda: Server(workers=2, accounts=["romeo@localhost"]))


if __name__ == "__main__":
    main()
