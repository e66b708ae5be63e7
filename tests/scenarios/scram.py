"""The client's side of SCRAM (RFC 5802, 7677), with channel binding, XEP-0474, and room for lies."""
import base64
import hashlib
import hmac
import os

DIGESTS = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}


def encode(data):
    return base64.b64encode(data).decode()


def offer_hash(mechanism, mechanisms, bindings):
    """XEP-0474 0.3: what the server says it offered, under the digest of the mechanism."""
    text = "\x1e".join(sorted(mechanisms))
    if bindings:
        text += "\x1f" + "\x1e".join(sorted(bindings))
    digest = DIGESTS[mechanism.replace("-PLUS", "")]
    return encode(hashlib.new(digest, text.encode()).digest())


class Scram:
    """flag is the gs2 flag: "n", "y", or "p=tls-exporter" with the data that is bound to."""

    def __init__(self, mechanism, username, password, flag="n", binding=b"", authzid=""):
        self.mechanism = mechanism
        self.digest = DIGESTS[mechanism.replace("-PLUS", "")]
        self.password = password.encode()
        self.binding = binding
        self.nonce = encode(os.urandom(18))
        name = username.replace("=", "=3D").replace(",", "=2C")
        self.gs2 = "%s,%s," % (flag, "a=" + authzid.replace("=", "=3D").replace(",", "=2C") if authzid else "")
        self.first_bare = "n=%s,r=%s" % (name, self.nonce)

    def first(self):
        return (self.gs2 + self.first_bare).encode()

    def final(self, server_first):
        """The answer to the challenge; what a lying client changes in it stands in the arguments' place."""
        self.fields = dict(f.split("=", 1) for f in server_first.split(","))
        if not self.fields["r"].startswith(self.nonce) or self.fields["r"] == self.nonce:
            raise AssertionError("the server's nonce does not go on from ours")
        self.salted = hashlib.pbkdf2_hmac(
            self.digest, self.password, base64.b64decode(self.fields["s"]), int(self.fields["i"]))
        client_key = hmac.digest(self.salted, b"Client Key", self.digest)
        without_proof = "c=%s,r=%s" % (encode(self.gs2.encode() + self.binding), self.fields["r"])
        self.message = ",".join((self.first_bare, server_first, without_proof)).encode()
        stored_key = hashlib.new(self.digest, client_key).digest()
        signature = hmac.digest(stored_key, self.message, self.digest)
        proof = bytes(a ^ b for a, b in zip(client_key, signature))
        return (without_proof + ",p=" + encode(proof)).encode()

    def check(self, server_final):
        """The server knows the keys as well, or it is not ours."""
        server_key = hmac.digest(self.salted, b"Server Key", self.digest)
        expected = "v=" + encode(hmac.digest(server_key, self.message, self.digest))
        if server_final != expected:
            raise AssertionError("the server did not prove itself")
