"""A real server in directories of its own, for tests that speak to it from outside."""
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import folders
import reports
from ports import free_ports

BUILD = os.environ.get("ROOKERY_BUILD", os.environ.get("top_builddir", os.getcwd()))
HOSTS = ("localhost", "example.org")
PASSWORD = "secret"

# Tests come from one address and do in a second what people do in a day; limits_test.py sets these again.
LIFTED = {
    "trusted_networks": '[ "127.0.0.0/8", "::1" ]',
    "unauthenticated_percent": "100",
    "login_failures_per_account": "0",
    "login_rate": "0",
    "bind_rate": "0",
    "byte_rate": "0",
    "byte_rate_unauthenticated": "0",
    "account_byte_rate": "0",
    "stanza_rate": "0",
    "account_stanza_rate": "0",
    "presence_rate": "0",
}


@contextlib.contextmanager
def stopped(*pids):
    """Inside, these processes stand still: a signal is on its way for a while. However it ends they go on."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        until = time.monotonic() + 20
        while not all(map(stands_still, pids)):
            if time.monotonic() > until:
                raise AssertionError("they still run: %s" % (pids,))
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):	# it has been ended
                os.kill(pid, signal.SIGCONT)


def stands_still(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as f:
        return f.read().rpartition(")")[2].split()[0] == "T"


def program(name, folder):
    return os.path.join(BUILD, "src", folder, name)


def helper(name):
    """A program of this folder, which make check builds."""
    return os.path.join(BUILD, "tests", "scenarios", name)


class Log:
    """What the server writes: kept in a file, and waited for. It ends when the last process has let go of it."""

    def __init__(self, path):
        self.path = path
        self.lines = []
        self.readers = 0	# of a server that ends, and of the next one
        self.news = threading.Condition()

    @property
    def ended(self):
        return self.readers == 0

    def follow(self, pipe):
        with self.news:
            self.readers += 1
        threading.Thread(target=self.read, args=(pipe,), daemon=True).start()

    def read(self, pipe):
        with pipe, open(self.path, "a", buffering=1) as copy:
            for line in pipe:
                line = line.decode(errors="replace")
                copy.write(line)
                with self.news:
                    self.lines.append(line)
                    self.news.notify_all()
        with self.news:
            self.readers -= 1
            self.news.notify_all()

    def mark(self):
        """The place of what comes next, for wait()."""
        with self.news:
            return len(self.lines)

    def find(self, pattern, since):
        return next((m for m in (re.search(pattern, line) for line in self.lines[since:]) if m), None)

    def wait(self, pattern, since=0, timeout=20):
        """The first line from a mark on that matches."""
        with self.news:
            self.news.wait_for(lambda: self.find(pattern, since) or self.ended, timeout)
            found = self.find(pattern, since)
            if found is None:
                raise AssertionError("no line of the log has %r:\n%s" % (pattern, "".join(self.lines[since:])))
            return found

    def wait_for_end(self, timeout):
        with self.news:
            return self.news.wait_for(lambda: self.ended, timeout)


class Server:
    """
    Starts on loopback and is ready when the constructor returns; stop() ends what it started.
    options_of: more options of one host, by its name. prepare: called with this before the start.
    """

    def __init__(self, workers=2, options="", host_options="", accounts=(), hosts=HOSTS, log_level="info",
                 options_of=None, prepare=None, start=True):
        self.directory = folders.make()
        os.chmod(self.directory, 0o755)
        self.port, self.tls_port = free_ports(2)
        self.workers = workers
        self.hosts = hosts
        self.options = options
        self.host_options = host_options
        self.options_of = options_of or {}
        self.log_level = log_level
        self.process = None
        self.before = []	# words before its own on the command line: env or prlimit, with theirs
        self.handed = ()	# descriptors that it inherits
        self.daemon = program("rookeryd", "process")
        self.control = program("rookeryctl", "ctl")
        self.log = Log(os.path.join(self.directory, "log"))
        self.config = os.path.join(self.directory, "rookery.conf")
        self.reports = self.path("run/report")
        for folder in ("data", "run"):
            os.mkdir(os.path.join(self.directory, folder), 0o700)
            self.give_away(self.path(folder))
        try:
            self.prepare(accounts, prepare)
            if start:
                self.start()
        except BaseException:
            self.remove()
            raise

    def prepare(self, accounts, more):
        for host in self.hosts:
            self.make_certificate(host)
        self.write_config()
        for jid in accounts:
            self.add_account(jid)
        if more is not None:
            more(self)

    @staticmethod
    def give_away(folder):
        """As root the server drops to nobody, who must own all that is in its directories."""
        if os.geteuid() != 0:
            return
        for parent, _, files in os.walk(folder):
            for path in [parent] + [os.path.join(parent, name) for name in files]:
                shutil.chown(path, "nobody", "nogroup")

    def path(self, name):
        return os.path.join(self.directory, name)

    def make_certificate(self, host):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-keyout", self.path(host + ".key"), "-out", self.path(host + ".crt"), "-days", "30",
             "-subj", "/CN=" + host, "-addext", "subjectAltName=DNS:" + host],
            check=True, stderr=subprocess.DEVNULL)

    def write_config(self):
        hosts = ",\n".join(
            '  {{ name = "{0}"; certificate = "{1}/{0}.crt"; key = "{1}/{0}.key"; {2} }}'.format(
                host, self.directory, self.host_options + self.options_of.get(host, "")) for host in self.hosts)
        with open(self.config, "w") as f:
            f.write(
                'workers = {w};\nlisten = [ "127.0.0.1:{p}", "[::1]:{p}" ];\nlisten_tls = [ "127.0.0.1:{t}" ];\n'
                'data_dir = "{d}/data";\nruntime_dir = "{d}/run";\npid_file = "{d}/run/rookeryd.pid";\n'
                'log_level = "{l}";\n{o}\nhosts = (\n{h}\n);\n'.format(
                    w=self.workers, p=self.port, t=self.tls_port, d=self.directory, l=self.log_level,
                    o=self.options, h=hosts))
            for name, value in LIFTED.items():
                if not re.search(r"\b%s =" % name, self.options):
                    f.write("%s = %s;\n" % (name, value))
            if "log = " not in self.options:
                f.write('log = "stderr";\n')
            if os.geteuid() == 0 and "user" not in self.options:
                f.write('user = "nobody";\ngroup = "nogroup";\n')

    def ctl(self, *arguments, stdin="", check=True, timeout=60):
        done = subprocess.run([self.control, "-c", self.config, *arguments],
                              input=stdin, capture_output=True, text=True, timeout=timeout)
        reports.check(done.stderr)
        if check and done.returncode != 0:
            raise AssertionError("rookeryctl %s: exit %d\n%s%s" % (
                " ".join(arguments), done.returncode, done.stdout, done.stderr))
        return done

    def ctl_json(self, *arguments):
        return json.loads(self.ctl(*arguments, "--json").stdout)

    def check(self):
        """Every rule of memory and stores holds, while it runs as when it does not."""
        self.ctl("fsck", timeout=600)	# it reads all there is, millions of messages after a long test

    def add_account(self, jid, password=PASSWORD):
        self.ctl("adduser", jid, stdin=password + "\n")

    def launch(self, *arguments, **environment):
        """Not waited for, unlike start()."""
        self.process = subprocess.Popen(
            [*self.before, self.daemon, "-F", "--test-clock", "-c", self.config, *arguments],
            stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env=dict(os.environ, **environment), pass_fds=self.handed)
        self.log.follow(self.process.stderr)

    def start(self, *arguments):
        """Ready is what the server says on its notify socket, not a guess."""
        notify_path = self.path("notify")
        if os.path.exists(notify_path):
            os.unlink(notify_path)
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(notify_path)
        notify.settimeout(30)
        self.launch(*arguments, NOTIFY_SOCKET=notify_path)
        try:
            while b"READY=1" not in notify.recv(4096):
                pass
        except socket.timeout:
            self.stop(wait=5)
            raise AssertionError("the server did not become ready:\n" + self.read_log())
        finally:
            notify.close()

    def run_to_end(self, *arguments, timeout=30, config=None):
        """A start that is expected to fail: exit status and what was said. Never this server's own process."""
        done = subprocess.run(
            [program("rookeryd", "process"), *(arguments or ("-F",)), "-c", config or self.config],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", timeout=timeout)
        reports.check(done.stdout)
        return done.returncode, done.stdout

    def read_log(self):
        with self.log.news:
            return "".join(self.log.lines)

    def move_clock(self, seconds):
        self.ctl("clock", str(seconds))

    def stop_clock(self):
        """From now on only move_clock() moves it: what a rate allows is exact, however slow the machine."""
        self.ctl("clock", "stop")

    def sessions(self):
        return self.ctl_json("sessions")["sessions"]

    def worker_of(self, client):
        """The number of the worker that holds a connection; None when no session has its port."""
        return next((s["worker"] for s in self.sessions() if s["port"] == client.port), None)

    def processes(self, kind):
        """What `workers` says of the processes of a kind: worker, store or master."""
        return [p for p in self.ctl_json("workers")["processes"] if p["kind"] == kind]

    def worker(self, number):
        return next(p for p in self.processes("worker") if p["number"] == number)

    def kill_worker(self, number):
        """kill -9, and its replacement is ready."""
        killed = self.worker(number)
        os.kill(killed["pid"], signal.SIGKILL)
        self.wait_for(lambda: self.worker(number)["pid"] != killed["pid"] and self.worker(number)["state"] == "ready",
                      "worker %d is back" % number)

    def wait_for(self, condition, what, timeout=20):
        """Asks again until it is so; every question is a command that runs, so this does not spin."""
        until = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > until:
                raise AssertionError("still not so: " + what)

    def stop(self, wait=20):
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(wait)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("the server did not stop:\n" + self.read_log())
        status = self.process.returncode
        self.process = None
        if not self.log.wait_for_end(wait):
            raise AssertionError("some process outlives the server:\n" + self.read_log())
        return status

    def remove(self):
        """A process that a sanitizer ends is replaced, and its test may not notice."""
        try:
            self.stop()
        finally:
            folders.end_servers(self.directory)
        said = "".join(self.log.lines) + reports.read(self.reports)
        shutil.rmtree(self.directory, ignore_errors=True)
        reports.check(said)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()
