#!/usr/bin/python3
"""Every mechanism, every channel binding, and what must be refused (RFC 5802, 9266, XEP-0440, XEP-0474)."""
import base64
import re
import shutil
import subprocess
import sys
import time

from client import SASL, STREAM, Closed, encode, text_of
from facts import equal, run
from scram import Scram, offer_hash
from server import PASSWORD, Server, helper
from tls_client import TlsClient

HASHES = ("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512")
PLUS = tuple(h + "-PLUS" for h in HASHES)
BINDINGS = ("tls-exporter", "tls-server-end-point")
BINDING = "{urn:xmpp:sasl-cb:0}"


def secured(server, host="localhost", **how):
    """A client under TLS, and what it is offered there."""
    client = TlsClient(server, host=host, **how)
    client.open()
    client.offer = client.starttls()
    return client


def mechanisms_of(features):
    return [m.text for m in features.iter(SASL + "mechanism")]


def bindings_of(features):
    return [b.get("type") for b in features.iter(BINDING + "channel-binding")]


def outcome(answer):
    """"success", or the name of the failure."""
    if answer is not None and answer.tag == SASL + "failure":
        return answer[0].tag[len(SASL):]
    return "the end" if answer is None else answer.tag.split("}")[1]


def bound(client, mechanism, kind, **how):
    return Scram(mechanism, "romeo", PASSWORD, "p=" + kind, client.binding(kind), **how)


def finish(client, wanted="success", exchange=None):
    equal(outcome(client.authenticate(exchange)), wanted, exchange.mechanism)
    client.close()


def offers(server):
    """all seven mechanisms are offered under TLS, strongest first, and none in clear"""
    client = TlsClient(server)
    equal(mechanisms_of(client.open()), [])
    equal(mechanisms_of(client.starttls()),
          list(reversed(PLUS)) + list(reversed(HASHES)) + ["PLAIN"], "offer")
    client.close()


def bindings_listed(server):
    """XEP-0440 lists both bindings under TLS 1.2 and 1.3, and none in clear"""
    for version in ("1.2", "1.3"):
        client = secured(server, version=version)
        equal(bindings_of(client.offer), list(BINDINGS), version)
        client.close()
    client = TlsClient(server, host="bare.example")
    features = client.open()
    equal(bindings_of(features), [], "in clear")
    equal(mechanisms_of(features), ["SCRAM-SHA-256"], "in clear")
    client.close()


def without_binding(server):
    """each mechanism without channel binding logs in, and SCRAM proves the server"""
    for mechanism in HASHES:
        finish(client=secured(server), exchange=Scram(mechanism, "romeo", PASSWORD))
    client = secured(server)
    equal(outcome(client.plain("romeo", PASSWORD)), "success", "PLAIN")
    client.close()


def with_binding(server):
    """each -PLUS mechanism logs in with each binding under TLS 1.2 and 1.3"""
    for version in ("1.2", "1.3"):
        for kind in BINDINGS:
            for mechanism in PLUS:
                client = secured(server, version=version)
                finish(client, exchange=bound(client, mechanism, kind))


def wrong_binding(server):
    """the binding of another connection, of another kind, or of no kind is refused"""
    for kind in BINDINGS:
        client = secured(server)
        exchange = bound(client, "SCRAM-SHA-256-PLUS", kind)
        exchange.binding = secured(server, version="1.2").binding("tls-exporter")
        finish(client, "not-authorized", exchange)
    for kind in ("tls-unique", "tls-exporte", "", "TLS-EXPORTER"):
        client = secured(server)
        exchange = Scram("SCRAM-SHA-256-PLUS", "romeo", PASSWORD, "p=" + kind, client.binding("tls-exporter"))
        answer = client.auth(exchange.mechanism, exchange.first())
        if outcome(answer) not in ("not-authorized", "malformed-request"):
            raise AssertionError("%r: %s" % (kind, text_of(answer)))
        client.close()


def flags(server):
    """'y' fails where -PLUS was offered and passes where it was not; 'n' passes; flag and mechanism must agree"""
    finish(secured(server), "not-authorized", Scram("SCRAM-SHA-1", "romeo", PASSWORD, "y"))
    finish(secured(server, "bare.example"), "success", Scram("SCRAM-SHA-256", "romeo", PASSWORD, "y"))
    finish(secured(server), "malformed-request", Scram("SCRAM-SHA-1-PLUS", "romeo", PASSWORD, "n"))
    finish(secured(server), "malformed-request", Scram("SCRAM-SHA-1-PLUS", "romeo", PASSWORD, "y"))
    client = secured(server)
    finish(client, "malformed-request", bound(client, "SCRAM-SHA-1", "tls-exporter"))


def downgrade_hash(server):
    """XEP-0474: the challenge tells what was offered; a challenge that was changed on its way ends in not-authorized"""
    for mechanism in HASHES + PLUS:
        client = secured(server)
        exchange = (bound(client, mechanism, "tls-exporter") if mechanism in PLUS
                    else Scram(mechanism, "romeo", PASSWORD))
        challenge = base64.b64decode(client.auth(mechanism, exchange.first()).text).decode()
        wanted = offer_hash(mechanism, mechanisms_of(client.offer), bindings_of(client.offer))
        equal(dict(f.split("=", 1) for f in challenge.split(",")).get("h"), wanted, mechanism)
        changed = challenge.replace(",h=" + wanted, ",h=" + offer_hash(mechanism, ["PLAIN"], []))
        equal(outcome(client.respond(exchange.final(changed))), "not-authorized", mechanism)
        client.close()


AUTHZIDS = (
    ("", "success"),
    ("romeo@localhost", "success"),
    ("ROMEO@Localhost", "success"),		# prepared, it is the same
    ("romeo@localhost/phone", "invalid-authzid"),
    ("juliet@localhost", "invalid-authzid"),
    ("nobody@localhost", "invalid-authzid"),
    ("romeo@bare.example", "invalid-authzid"),
    ("romeo@elsewhere.example", "invalid-authzid"),
    ("romeo", "invalid-authzid"),
    ("localhost", "invalid-authzid"),
    ("@localhost", "invalid-authzid"),
)


def authzids(server):
    """an authorization identity is one's own bare JID or refused, in PLAIN and in every SCRAM"""
    for authzid, wanted in AUTHZIDS:
        client = secured(server)
        data = ("%s\0romeo\0%s" % (authzid, PASSWORD)).encode()
        equal(outcome(client.auth("PLAIN", data)), wanted, "PLAIN " + authzid)
        client.close()
        for mechanism in HASHES:
            finish(secured(server), wanted, Scram(mechanism, "romeo", PASSWORD, authzid=authzid))
        client = secured(server)
        finish(client, wanted, bound(client, "SCRAM-SHA-256-PLUS", "tls-exporter", authzid=authzid))


def wrong_password(server):
    """a wrong password is not-authorized in every mechanism"""
    for mechanism in HASHES:
        finish(secured(server), "not-authorized", Scram(mechanism, "romeo", "wrong"))
    client = secured(server)
    equal(outcome(client.plain("romeo", "wrong")), "not-authorized", "PLAIN")
    client.close()


def names_are_prepared(server):
    """ROMEO logs in as romeo"""
    client = secured(server)
    equal(outcome(client.scram("ROMEO", PASSWORD)), "success")
    client.open()
    equal(client.bind("x"), "romeo@localhost/x", "JID")
    client.close()


def challenge_of(server, name, mechanism):
    client = secured(server)
    exchange = Scram(mechanism, name, PASSWORD)
    answer = client.auth(mechanism, exchange.first())
    equal(outcome(answer), "challenge", name)
    challenge = base64.b64decode(answer.text).decode()
    end = outcome(client.respond(exchange.final(challenge)))
    client.close()
    fields = dict(f.split("=", 1) for f in challenge.split(","))
    return fields["s"], fields["i"], sorted(fields), end


def unknown_users(server):
    """an unknown user is challenged like a known one, with a salt that stays, and fails at the same step"""
    for mechanism in HASHES:
        salt, iterations, fields, end = challenge_of(server, "romeo", mechanism)
        equal(end, "success", mechanism)
        false = {challenge_of(server, "nobody", mechanism)[0] for _ in range(8)}
        equal(len(false), 1, "salts of nobody over 8 connections")
        other = challenge_of(server, "nemo", mechanism)
        if other[0] in false:
            raise AssertionError("two unknown users have one salt")
        equal(other[1:], (iterations, fields, "not-authorized"), mechanism)
        equal(len(other[0]), len(salt), "length of the salt")


def not_offered(server):
    """what was not offered is invalid-mechanism, whatever its name"""
    names = ("ANONYMOUS", "EXTERNAL", "DIGEST-MD5", "CRAM-MD5", "LOGIN", "GSSAPI", "OAUTHBEARER", "X-OAUTH2",
             "SCRAM-SHA3-512", "SCRAM-SHA-224", "", "plain", "PLAIN ")
    for name in names:
        client = secured(server)
        equal(outcome(client.auth(name, b"\0romeo\0secret")), "invalid-mechanism", name)
        client.close()
    client = TlsClient(server, host="bare.example")
    client.open()
    equal(outcome(client.plain("romeo", PASSWORD)), "invalid-mechanism", "PLAIN in clear")
    equal(outcome(client.scram("romeo", PASSWORD, "SCRAM-SHA-1")), "invalid-mechanism", "not in the list")
    client.close()
    client = TlsClient(server)
    client.open()
    equal(outcome(client.plain("romeo", PASSWORD)), "encryption-required", "before TLS")
    client.close()


def weak_offer(server, wanted):
    """Waits until the host offers that: a commit comes shortly after the login that caused it."""
    until = time.monotonic() + 60
    while True:
        client = secured(server, "weak.example")
        got = [m for m in mechanisms_of(client.offer) if not m.endswith("-PLUS")]
        client.close()
        if got == wanted or time.monotonic() > until:
            equal(got, wanted, "offer")
            return


def missing_keys(server):
    """a hash is offered when every account has it; PLAIN adds the keys an account misses"""
    weak_offer(server, ["SCRAM-SHA-1", "PLAIN"])
    client = secured(server, "weak.example")
    equal(outcome(client.scram("old1", PASSWORD, "SCRAM-SHA-256")), "invalid-mechanism", "SHA-256")
    client.close()
    for name in ("old1", "old2"):
        weak_offer(server, ["SCRAM-SHA-1", "PLAIN"])
        client = secured(server, "weak.example")
        equal(outcome(client.plain(name, PASSWORD)), "success", name)
        client.close()
    weak_offer(server, ["SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"])
    for mechanism in HASHES:
        for name in ("old1", "old2"):
            finish(secured(server, "weak.example"), "success", Scram(mechanism, name, PASSWORD))


def created_again(server):
    """an account that is deleted ends its sessions; created again, it knows nothing of the password before"""
    server.add_account("tybalt@localhost", "before")
    online = secured(server)
    equal(outcome(online.scram("tybalt", "before")), "success")
    online.open()
    online.bind("x")
    server.ctl("deluser", "tybalt@localhost")
    error = online.get()
    if error.tag != STREAM + "error" or not error[0].tag.endswith("}not-authorized"):
        raise AssertionError("the session got " + text_of(error))
    finish(secured(server), "not-authorized", Scram("SCRAM-SHA-256", "tybalt", "before"))
    server.add_account("tybalt@localhost", "after")
    finish(secured(server), "not-authorized", Scram("SCRAM-SHA-256", "tybalt", "before"))
    finish(secured(server), "success", Scram("SCRAM-SHA-256", "tybalt", "after"))
    server.ctl("deluser", "tybalt@localhost")


def gsasl(server):
    """GNU SASL's client logs in, and finds the server's proof right"""
    for mechanism in HASHES[:2]:	# it has no SHA-512
        client = secured(server)
        process = subprocess.Popen(
            ["gsasl", "--client", "--mechanism", mechanism, "--authentication-id", "romeo",
             "--password", PASSWORD, "--no-cb"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            answer = client.auth(mechanism, base64.b64decode(next_token(process)))
            process.stdin.write(answer.text + "\n")
            process.stdin.flush()
            answer = client.respond(base64.b64decode(next_token(process)))
            equal(outcome(answer), "success", mechanism)
            rest = process.communicate(answer.text + "\n\n", timeout=20)[0]	# it asks once more: nothing
            equal((process.returncode, "server trusted" in rest), (0, True), rest)
        finally:
            process.kill()
            process.wait()
            client.close()


def next_token(process):
    for line in process.stdout:
        if re.fullmatch(r"[A-Za-z0-9+/=]{8,}", line.strip()):
            return line.strip()
    raise AssertionError("gsasl ended")


def make_server():
    def old_accounts(server):
        for name in ("old1", "old2"):
            subprocess.run([helper("old_account"), server.path("data"), name + "@weak.example", PASSWORD], check=True)
        server.give_away(server.path("data"))
    return Server(
        workers=2, hosts=("localhost", "weak.example", "bare.example"), options="scram_iterations = 5000;",
        options_of={"bare.example": 'require_tls = false; mechanisms = [ "SCRAM-SHA-256", "PLAIN" ];'},
        accounts=("romeo@localhost", "juliet@localhost", "romeo@bare.example"), prepare=old_accounts)


FACTS = [offers, bindings_listed, without_binding, with_binding, wrong_binding, flags, downgrade_hash, authzids,
         wrong_password, names_are_prepared, unknown_users, not_offered, missing_keys, created_again]

if __name__ == "__main__":
    if shutil.which("gsasl"):
        FACTS.append(gsasl)
    else:
        print("without gsasl: the package is missing")
    run(FACTS, make_server)
