#!/usr/bin/python3
"""rookeryctl while no server runs, at a terminal, and how it stops one."""
import fcntl
import os
import pty
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenarios"))

from client import Client  # noqa: E402
from facts import Facts, equal  # noqa: E402
from server import PASSWORD, Server, program  # noqa: E402

NOT_RUNNING, EX_DATAERR, EX_NOINPUT, EX_NOUSER = 3, 65, 66, 67
EX_UNAVAILABLE, EX_TEMPFAIL, EX_NOPERM, EX_CONFIG = 69, 75, 77, 78
NEED_A_SERVER = (("sessions",), ("sessions", "--json"), ("session", "romeo@localhost/phone"), ("workers",),
                 ("stats",), ("kick", "romeo@localhost"), ("reload",), ("stop",), ("trace", "romeo@localhost"),
                 ("clock", "1"))


def users(server):
    return {u["jid"]: u for u in server.ctl_json("users")["users"]}


def nothing_runs(server):
    """what needs a server says that none runs"""
    for command in NEED_A_SERVER:
        done = server.ctl(*command, check=False)
        equal((done.returncode, done.stdout), (EX_UNAVAILABLE, ""), " ".join(command))
        equal("the server does not run" in done.stderr, True, done.stderr)


def status_is_3(server):
    """status exits 3, as the LSB has it"""
    done = server.ctl("status", check=False)
    equal((done.returncode, done.stdout), (NOT_RUNNING, "rookeryd does not run\n"))
    done = server.ctl("status", "--json", check=False)
    equal(done.returncode, NOT_RUNNING)
    equal('"running": false' in done.stdout, True, done.stdout)


def no_accounts_at_first(server):
    """before the first account users lists nothing, and nobody is known"""
    equal(users(server), {})
    equal(server.ctl("passwd", "romeo@localhost", stdin="x\n", check=False).returncode, EX_NOUSER)
    equal(server.ctl("deluser", "romeo@localhost", check=False).returncode, EX_NOUSER)


def accounts(server):
    """accounts are made, changed and deleted without a server"""
    server.ctl("adduser", "romeo@localhost", stdin="first\n")
    server.ctl("adduser", "juliet@localhost", stdin="other\n")
    equal(server.ctl("adduser", "romeo@localhost", stdin="x\n", check=False).returncode, EX_DATAERR)
    server.ctl("passwd", "romeo@localhost", stdin=PASSWORD + "\n")
    made = users(server)
    equal(sorted(made), ["juliet@localhost", "romeo@localhost"])
    equal(made["romeo@localhost"]["sessions"], 0)
    server.ctl("deluser", "juliet@localhost")
    server.ctl("adduser", "juliet@localhost", stdin=PASSWORD + "\n")
    equal(users(server)["juliet@localhost"]["id"] > made["juliet@localhost"]["id"], True, "a new id")


def lock_taken(server):
    """with the accounts' lock taken and no server to ask it says so, and changes nothing"""
    before = users(server)
    with open(server.path("data/core.lock"), "r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = server.ctl("deluser", "romeo@localhost", check=False)
    equal(done.returncode, EX_TEMPFAIL)
    equal("another process writes the accounts, and no server answers" in done.stderr, True, done.stderr)
    equal(users(server), before)


def at_a_terminal(server):
    """at a terminal the password is asked for twice and does not appear"""
    done, shown = typed(server, "adduser", "paris@localhost", b"county\n", b"county\n")
    equal((done, b"county" in shown, shown.count(b":")), (0, False, 2), "answer")
    done, shown = typed(server, "passwd", "paris@localhost", b"county\n", b"country\n")
    equal((done, b"the two passwords differ" in shown), (EX_DATAERR, True))
    server.ctl("deluser", "paris@localhost")


def typed(server, command, jid, *answers):
    """Exit status, and everything the terminal showed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(program("rookeryctl", "ctl"), ["rookeryctl", "-c", server.config, command, jid])
    shown = b""
    for answer in answers:
        while not shown.endswith(b": "):
            shown += os.read(terminal, 1)
        os.write(terminal, answer)
        shown += os.read(terminal, 1)
    try:
        while True:
            more = os.read(terminal, 4096)
            if not more:
                break
            shown += more
    except OSError:  # how Linux says that the other side has closed
        pass
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown


def bad_configuration(server):
    """every mistake of a configuration is named; a missing one is told from a wrong one"""
    path = server.path("bad.conf")
    with open(path, "w") as f:
        f.write('workers = "x";\nnosuch = 1;\nhosts = ( { name = "localhost"; } );\n')
    done = subprocess.run([program("rookeryctl", "ctl"), "-c", path, "status"], capture_output=True, text=True)
    equal(done.returncode, EX_CONFIG)
    equal("bad.conf:1: workers" in done.stderr and "bad.conf:2: nosuch" in done.stderr, True, done.stderr)
    done = subprocess.run([program("rookeryctl", "ctl"), "-c", path + "x", "status"], capture_output=True, text=True)
    equal((done.returncode, "bad.confx: No such file" in done.stderr), (EX_NOINPUT, True))


def what_was_made_counts(server):
    """accounts made without a server log in once it runs"""
    server.start()
    client = Client(server)
    equal(client.login("romeo@localhost/phone", PASSWORD), "romeo@localhost/phone")
    equal(users(server)["romeo@localhost"]["sessions"], 1)
    client.close()


def stopped(server):
    """stop returns when the server has ended"""
    client = Client(server)
    client.login("romeo@localhost/phone", PASSWORD)
    stopping = subprocess.Popen([program("rookeryctl", "ctl"), "-c", server.config, "stop"])
    client.wait_for_close()
    client.close()
    equal(stopping.wait(60), 0, "exit status")
    equal(server.ctl("status", check=False).returncode, NOT_RUNNING)
    equal(server.process.wait(20), 0, "exit status of the server")
    equal(server.stop(), 0)


def clock_stands(server):
    """clock is refused by a server that was not started for tests"""
    ordinary = subprocess.Popen([program("rookeryd", "process"), "-F", "-c", server.config],
                                stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server.wait_for(lambda: server.ctl("status", check=False).returncode == 0, "it runs")
    done = server.ctl("clock", "1", check=False)
    server.ctl("stop")
    equal(ordinary.wait(20), 0, "exit status")
    equal((done.returncode, "--test-clock" in done.stderr), (EX_NOPERM, True), done.stderr)


def after_kill(server):
    """a server that was killed does not run, though its memory is still there"""
    server.start()
    workers = [p["pid"] for p in server.processes("worker") + server.processes("store")]
    server.process.kill()
    server.process.wait()
    server.wait_for(lambda: not any(os.path.exists("/proc/%d" % pid) for pid in workers), "its children are gone")
    equal(os.path.exists(server.path("run/instance")), True, "memory")
    equal(server.ctl("status", check=False).returncode, NOT_RUNNING)
    equal(server.ctl("sessions", check=False).returncode, EX_UNAVAILABLE)
    server.ctl("adduser", "late@localhost", stdin=PASSWORD + "\n")
    server.process = None


FACTS = [nothing_runs, status_is_3, no_accounts_at_first, accounts, lock_taken, at_a_terminal, bad_configuration,
         what_was_made_counts, stopped, nothing_runs, status_is_3, clock_stands, after_kill]

if __name__ == "__main__":
    facts = Facts()
    with Server(start=False) as the_server:
        for fact in FACTS:
            facts.show(fact, the_server)
        if facts.failed:
            print(the_server.read_log()[-6000:])
    facts.end()
