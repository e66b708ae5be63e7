"""What the load client is pointed at: a private rookeryd, or the relay, on loopback, ended by pid."""
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading

import folders
from ports import free_ports

BUILD = os.path.abspath(os.environ.get("ROOKERY_BUILD", os.environ.get("top_builddir", os.getcwd())))
HOST = "localhost"
PASSWORD = "bench"
WORKERS = 2


class Failed(Exception):
    """Something did not start, or not every message arrived."""


def program(name, folder="tests/bench"):
    path = os.path.join(BUILD, folder, name)
    if not os.access(path, os.X_OK):
        raise Failed("%s is not built" % path)
    return path


def make_certificate(directory):
    """P-256, as most certificates of today are."""
    paths = [os.path.join(directory, name) for name in ("bench.crt", "bench.key")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-days", "30", "-subj", "/CN=" + HOST, "-addext", "subjectAltName=DNS:" + HOST,
                    "-out", paths[0], "-keyout", paths[1]], check=True, stderr=subprocess.DEVNULL)
    return paths


def descendants(pid):
    """The process and all below it."""
    parents = {}
    for name in os.listdir("/proc"):
        try:
            with open("/proc/%s/stat" % name) as f:
                parents[int(name)] = int(f.read().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


class Target:
    """A process that is ended, by its pid, when the with statement is left."""

    process = None
    runtime_dir = None
    login = ()

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()


class Relay(Target):
    """fanout: so many connections are a group, whose first one all of it hear."""

    def __init__(self, certificate=None, expat=False, fanout=0):
        self.port = free_ports(WORKERS)[0]
        self.command = [program("relay"), "--port", str(self.port), "--processes", str(WORKERS)]
        self.command += ["--expat"] if expat else []
        self.command += ["--fanout", str(fanout)] if fanout else []
        self.command += ["--certificate", certificate[0], "--key", certificate[1]] if certificate else []
        self.login = ["--relay", "--ports", str(WORKERS)] + (["--tls", "direct"] if certificate else [])

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        if "ready" not in self.process.stdout.readline():
            raise Failed("the relay did not start")

    def arguments(self, tls):
        return ["--port", str(self.port)] + self.login


# A benchmark does more from one address, and with one account, than anybody may. These are counted as ever, so that
# what it costs is in the figures, but they never bite.
LIFTED = {
    "trusted_networks": '[ "127.0.0.0/8" ]',
    "unauthenticated_percent": "100",
    "login_rate": "100000",
    "login_burst": "1000000",
    "bind_rate": "100000",
    "bind_burst": "100000",
    "byte_rate": '"1 GiB"',
    "byte_burst": '"1 GiB"',
    "byte_rate_unauthenticated": '"1 GiB"',
    "byte_burst_unauthenticated": '"1 GiB"',
    "account_byte_rate": '"1 GiB"',
    "account_byte_burst": '"1 GiB"',
    "stanza_rate": "100000",
    "stanza_burst": "1000000",
    "account_stanza_rate": "100000",
    "account_stanza_burst": "1000000",
    "presence_rate": "100000",
    "presence_burst": "1000000",
}


class Server(Target):
    """
    A server with its default limits but for those LIFTED; what else differs from the defaults stands in self.settings.
    accounts: how many there are, or a list of prefix, number, and spans of contacts as the program accounts has them.
    host: what the host's part of the configuration says besides.
    """

    def __init__(self, certificate, accounts, workers=WORKERS, host=""):
        self.port = free_ports(2)[0]
        self.host = host
        self.directory = folders.make(tempfile.gettempdir())
        self.runtime_dir = folders.make()
        self.certificate = certificate
        self.accounts = accounts if isinstance(accounts, list) else [("u", accounts, [])]
        self.settings = {"workers": workers, "require_tls": "false"}

    def path(self, name):
        return os.path.join(self.directory, name)

    def write_config(self):
        with open(self.path("rookery.conf"), "w") as f:
            f.write('workers = %d;\nuser = "nobody";\ngroup = "nogroup";\n' % self.settings["workers"])
            f.write('data_dir = "%s";\nruntime_dir = "%s";\n' % (self.path("data"), self.runtime_dir))
            f.write('pid_file = "%s/rookeryd.pid";\n' % self.runtime_dir)
            f.write('log = "stderr";\nlog_level = "info";\n')
            f.write('listen = [ "127.0.0.1:%d" ];\nlisten_tls = [ "127.0.0.1:%d" ];\n' % (self.port, self.port + 1))
            f.writelines("%s = %s;\n" % pair for pair in LIFTED.items())
            f.write('hosts = ( { name = "%s"; require_tls = false; certificate = "%s"; key = "%s"; %s } );\n'
                    % ((HOST,) + tuple(self.certificate) + (self.host,)))

    def make_accounts(self):
        """Made in memory, for a sync each would take long. Workers do not run as root, so nobody gets what root makes."""
        with folders.lent() as memory:
            data = os.path.join(memory, "data")
            os.mkdir(data, 0o700)
            for prefix, count, spans in self.accounts:
                subprocess.run([program("accounts"), data, HOST, prefix, str(count), PASSWORD]
                               + [str(word) for span in spans for word in span], check=True)
            shutil.move(data, self.path("data"))
        if os.geteuid() != 0:
            return
        owner = pwd.getpwnam("nobody")
        os.chmod(self.directory, 0o755)
        for folder in (self.path("data"), self.runtime_dir):
            for root, _, files in os.walk(folder):
                for path in [root] + [os.path.join(root, name) for name in files]:
                    os.chown(path, owner.pw_uid, owner.pw_gid)

    def start(self):
        self.write_config()
        self.make_accounts()
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(self.path("notify"))
        notify.settimeout(20)
        with open(self.path("log"), "ab") as log:
            self.process = subprocess.Popen(
                [program("rookeryd", "src/process"), "-F", "-c", self.path("rookery.conf")],
                stdin=subprocess.DEVNULL, stderr=log, env=dict(os.environ, NOTIFY_SOCKET=self.path("notify")))
        try:
            while b"READY=1" not in notify.recv(4096):
                pass
        except socket.timeout:
            raise Failed("the server did not become ready:\n" + self.read_log())
        finally:
            notify.close()

    def worker(self, number):
        """The process of a worker: its name says which one it is."""
        for pid in descendants(self.process.pid):
            with open("/proc/%d/comm" % pid) as f:
                if f.read().strip() == "rookeryd %d" % number:
                    return pid
        raise Failed("no worker %d" % number)

    def read_log(self):
        with open(self.path("log"), errors="replace") as f:
            return "".join(f.readlines()[-30:])

    def arguments(self, tls):
        port = self.port + 1 if tls == "direct" else self.port
        return ["--port", str(port), "--password", PASSWORD, "--tls", tls]

    def stop(self):
        super().stop()
        shutil.rmtree(self.directory, ignore_errors=True)
        shutil.rmtree(self.runtime_dir, ignore_errors=True)


def run_load(target, tls, *words, on_measuring=None):
    """The figures of one run of the load client. on_measuring runs beside it, once it measures."""
    command = [program("load"), "--server", str(target.process.pid)] + target.arguments(tls)
    command += ["--runtime-dir", target.runtime_dir] if target.runtime_dir else []
    load = subprocess.Popen(command + [str(word) for word in words], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)
    out = []
    reader = threading.Thread(target=lambda: out.append(load.stdout.read()))
    reader.start()
    said = []
    try:
        for line in load.stderr:
            if line.startswith("load: measuring"):
                if on_measuring:
                    on_measuring()
            else:
                said.append(line)
        load.wait()
        reader.join()
    finally:
        if load.poll() is None:
            load.kill()
            load.wait()
    if load.returncode != 0:
        raise Failed("%s\n%s%s" % (" ".join(load.args), "".join(said), out[0][:500] + " ... " + out[0][-500:]))
    return json.loads(out[0])
