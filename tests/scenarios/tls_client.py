"""A client whose TLS is laid open: versions, channel bindings, sessions, names, renegotiation."""
import hashlib
import select
import socket
import time

import client as xmpp
import facts

try:
    from OpenSSL import SSL
except ImportError:
    facts.skip("no OpenSSL module for Python (package python3-openssl)")

VERSIONS = {"1.0": SSL.TLS1_VERSION, "1.1": SSL.TLS1_1_VERSION, "1.2": SSL.TLS1_2_VERSION,
            "1.3": SSL.TLS1_3_VERSION}


class TlsSocket:
    """A connection of OpenSSL behind the methods of a socket, with a bound on every wait."""

    def __init__(self, context, raw, name, session=None):
        self.raw = raw
        raw.setblocking(False)
        self.tls = SSL.Connection(context, raw)
        if session is not None:
            self.tls.set_session(session)
        if name:
            self.tls.set_tlsext_host_name(name.encode())
        self.tls.set_connect_state()
        self.patiently(self.tls.do_handshake)

    def patiently(self, act, *arguments):
        until = time.monotonic() + xmpp.TIMEOUT
        while True:
            try:
                return act(*arguments)
            except SSL.WantReadError:
                waits = ([self.raw], [], [])
            except SSL.WantWriteError:
                waits = ([], [self.raw], [])
            if not any(select.select(*waits, max(0, until - time.monotonic()))):
                raise socket.timeout("TLS")

    def sendall(self, data):
        try:
            while data:
                data = data[self.patiently(self.tls.send, data):]
        except SSL.Error as e:
            raise OSError("TLS: %r" % e)

    def recv(self, size):
        try:
            return self.patiently(self.tls.recv, size)
        except SSL.ZeroReturnError:
            return b""
        except SSL.SysCallError as e:
            raise ConnectionResetError("TLS: %r" % e)
        except SSL.Error as e:
            raise ConnectionError("TLS: %r" % e)

    def fileno(self):
        return self.raw.fileno()

    def getsockname(self):
        return self.raw.getsockname()

    def close(self):
        """Without a word; but OpenSSL is told otherwise, or it gives up the session, which a ticket may need."""
        self.tls.set_shutdown(SSL.SENT_SHUTDOWN)
        self.raw.close()


class TlsClient(xmpp.Client):
    """The server's certificate is verified against the test's own; a name that is not checked may lie."""

    def __init__(self, server, version=None, session=None, protocols=None, name=None, **how):
        self.version = version
        self.session = session
        self.protocols = protocols
        self.name = name
        super().__init__(server, **how)

    def start_tls(self, protocols=None):
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        if self.version:
            context.set_min_proto_version(VERSIONS[self.version])
            context.set_max_proto_version(VERSIONS[self.version])
            if self.version < "1.2":
                context.set_cipher_list(b"ALL:@SECLEVEL=0")
        context.load_verify_locations(self.server.path(self.host + ".crt"))
        context.set_verify(SSL.VERIFY_PEER, lambda connection, certificate, error, depth, ok: ok)
        protocols = self.protocols if self.protocols is not None else protocols
        if protocols:
            context.set_alpn_protos([p.encode() for p in protocols])
        name = self.host if self.name is None else self.name
        self.socket = TlsSocket(context, self.socket, name, self.session)

    @property
    def tls(self):
        return self.socket.tls

    def is_resumed(self):
        """OpenSSL tells; the module of Debian has no method for it."""
        return SSL._lib.SSL_session_reused(self.tls._ssl) == 1

    def certificate(self):
        return self.tls.get_peer_certificate().to_cryptography()

    def binding(self, kind):
        """RFC 9266 and RFC 5929 4."""
        if kind == "tls-exporter":
            return self.tls.export_keying_material(b"EXPORTER-Channel-Binding", 32, b"")
        certificate = self.certificate()
        name = certificate.signature_hash_algorithm.name
        digest = hashlib.new("sha256" if name in ("md5", "sha1") else name)
        from cryptography.hazmat.primitives.serialization import Encoding
        digest.update(certificate.public_bytes(Encoding.DER))
        return digest.digest()
