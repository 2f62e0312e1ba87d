"""TLS 1.3 without sockets (RFC 8446): sessions over memory, contexts from PEM, and what a failure means.

1. The library does the handshake and trusts exactly the overlay's roots; dates, revocation and names are judged by the
   overlay's own rules afterwards.
2. Session tickets are off: nobody resumes, and they would cost a quarter of the handshake.
3. Nothing looks at ciphertext or its length: signatures and so handshakes differ in size from run to run. What is
   produced at one time (a flight, a record) is one packet.
4. All sessions of one identity pass their bytes to the library, and get them from it, through the same two buffers. A
   buffer keeps for good the room that it once took, and a large overlay has tens of thousands of sessions. So whoever
   uses them leaves both empty, whatever happens.
"""

from __future__ import annotations

import os
import ssl
import tempfile
from functools import cache

from p2psip_min.errors import LinkReason, LocalProtocolError, Rejected

_NO_CHECK_TIME = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which Python has no name for."""

_BEGIN = b"-----BEGIN CERTIFICATE-----"

# X509_V_ERR_* of a chain that doesn't end at one of our roots; 7 is a signature that the named root didn't make.
_NO_CHAIN = frozenset({2, 7, 18, 19, 20, 21})


class TlsFailure(Rejected):
    """The handshake failed or a record was not genuine; ``farewell`` is the alert for the other end, if any."""

    def __init__(self, reason: LinkReason, detail: str, farewell: bytes) -> None:
        super().__init__(reason, detail)
        self.link_reason = reason
        self.farewell = farewell


def reason_of(error: ssl.SSLError) -> LinkReason:
    """What the library's error, or the other end's alert in it, says about the link."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return LinkReason.UNKNOWN_CA if error.verify_code in _NO_CHAIN else LinkReason.BAD_PROFILE
    name = error.reason or ""
    if "UNKNOWN_CA" in name:
        return LinkReason.UNKNOWN_CA
    if "CERTIFICATE_REQUIRED" in name or "DID_NOT_RETURN_A_CERTIFICATE" in name:
        return LinkReason.NO_CERTIFICATE
    if "CERTIFICATE" in name:
        return LinkReason.BAD_PROFILE
    return LinkReason.BAD_RECORD


class TlsIdentity:
    """Certificate chain and key to show (or none) and roots to trust, all PEM; its context is made when needed.

    ``mutual`` False: as a server ask nobody for a certificate. ``verify`` False: as a client look at no certificate.
    """

    __slots__ = ("_certificate", "_context", "_incoming", "_key", "_mutual", "_outgoing", "_roots", "_verify")

    def __init__(
        self,
        *,
        roots: bytes = b"",
        certificate: bytes | None = None,
        key: bytes | None = None,
        mutual: bool = True,
        verify: bool = True,
    ) -> None:
        self._roots = roots
        self._certificate = certificate
        self._key = key
        self._mutual = mutual
        self._verify = verify
        self._context: ssl.SSLContext | None = None
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()

    @property
    def has_certificate(self) -> bool:
        """Whether there is something to show; without it nobody can be served."""
        return self._certificate is not None

    def client(self) -> TlsSession:
        """The connecting end of a new session."""
        return TlsSession(self._own_context().wrap_bio(self._incoming, self._outgoing), self._incoming, self._outgoing)

    def server(self) -> TlsSession:
        """The accepting end of a new session; LocalProtocolError without a certificate."""
        if self._certificate is None:
            raise LocalProtocolError("a TLS server needs a certificate")
        tls = _serving(self._mutual).wrap_bio(self._incoming, self._outgoing, server_side=True)
        tls.context = self._own_context()  # what it shows and trusts; a second context for that would take 28 KiB more
        return TlsSession(tls, self._incoming, self._outgoing)

    def _own_context(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = self._make_context()
        return self._context

    def _make_context(self) -> ssl.SSLContext:
        context = _new_context(ssl.PROTOCOL_TLS_CLIENT, asks=self._verify)
        if self._roots and (self._verify or self._mutual):
            context.load_verify_locations(cadata=self._roots.decode("ascii"))
        if self._certificate is not None and self._key is not None:
            chain = self._certificate
            if chain.count(_BEGIN) == 1 == self._roots.count(_BEGIN):
                # Left alone, the library finds and verifies this chain anew in every handshake (an eighth of its cost).
                chain += b"\n" + self._roots
            _load(context, chain + b"\n" + self._key)
        return context


def _new_context(protocol: ssl._SSLMethod, *, asks: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED if asks else ssl.CERT_NONE
    # Certificates are dated in virtual time and the library would compare with the wall clock: dates are judged by the
    # overlay's own check. Right in a simulator only.
    context.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
    return context


@cache
def _serving(mutual: bool) -> ssl.SSLContext:
    """How everybody accepts; each session adds whose it is."""
    context = _new_context(ssl.PROTOCOL_TLS_SERVER, asks=mutual)
    context.num_tickets = 0
    return context


def _load(context: ssl.SSLContext, pem: bytes) -> None:
    # Python's ssl takes keys from files only: one that nobody else may read (mkstemp: 0600), for a moment.
    descriptor, path = tempfile.mkstemp(suffix=".pem")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
        context.load_cert_chain(path)
    finally:
        os.unlink(path)


def failure_of(error: ssl.SSLError, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO) -> TlsFailure:
    """What a failed operation means, with the alert it left for the other end."""
    incoming.read()
    return TlsFailure(reason_of(error), error.reason or "", outgoing.read())


def read_rest(tls: ssl.SSLObject, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO) -> bytes:
    """The plaintext of whatever records are complete by now; TlsFailure as in unseal."""
    parts = []
    try:
        # Not until the library wants more: to say so it raises, which costs as much as a record.
        while (incoming.pending or tls.pending()) and (plain := tls.read(16_384)):
            parts.append(plain)
    except ssl.SSLWantReadError:
        pass
    except ssl.SSLError as error:
        raise failure_of(error, incoming, outgoing) from error
    incoming.read()  # behind the other end's last word
    return b"".join(parts)


class TlsSession:
    """One end of a TLS connection: bytes from the other end in, bytes for it out; nothing waits."""

    # A link reads and writes these itself, on the path of every message.
    __slots__ = ("_behind", "established", "incoming", "outgoing", "tls")

    def __init__(self, tls: ssl.SSLObject, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO) -> None:
        self.incoming = incoming
        self.outgoing = outgoing
        self.tls = tls
        self.established = False
        self._behind = b""

    def handshake(self, data: bytes = b"") -> tuple[bool, bytes]:
        """Take a flight; whether that was the last, and the next one to send (or none); TlsFailure if refused."""
        self.incoming.write(data)
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            raise failure_of(error, self.incoming, self.outgoing) from error
        else:
            self.established = True
            self._behind = self.incoming.read()
        return self.established, self.outgoing.read()

    def seal(self, data: bytes) -> bytes:
        """The record (or records, above 16 KiB) that carries ``data``."""
        self.tls.write(data)
        return self.outgoing.read()

    def unseal(self, data: bytes) -> bytes:
        """The plaintext of the records completed by ``data``; TlsFailure when one isn't genuine or is an alert."""
        if self._behind:
            data, self._behind = self._behind + data, b""
        if not data:
            return b""
        self.incoming.write(data)
        try:
            plain = self.tls.read(16_384)  # all that a record can hold
        except ssl.SSLWantReadError:
            return b""
        except ssl.SSLError as error:
            raise failure_of(error, self.incoming, self.outgoing) from error
        # What is produced at one time is one record, nearly always.
        return plain + read_rest(self.tls, self.incoming, self.outgoing) if self.incoming.pending else plain

    def certificate(self) -> bytes | None:
        """The other end's certificate as DER, if it showed one that the roots cover."""
        return self.tls.getpeercert(binary_form=True)
