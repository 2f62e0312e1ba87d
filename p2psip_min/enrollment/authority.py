"""A certificate authority: the one secret that an overlay's identities rest on (RFC 6940 §11.3, RFC 5280)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from p2psip_min.enrollment.certificates import (
    PublicKey,
    build,
    certificate_builder,
    seconds,
    sign_certificate,
)
from p2psip_min.enrollment.keys import UNREADABLE
from p2psip_min.errors import LinkReason
from p2psip_min.ids import NodeID


class Authority:
    """A certificate authority: a root certificate and its key."""

    __slots__ = ("_identifier", "_name", "certificate", "key", "not_after")

    def __init__(self, certificate: bytes, key: ec.EllipticCurvePrivateKey) -> None:
        root = x509.load_der_x509_certificate(certificate)
        self.certificate = certificate
        self.key = key
        self.not_after = seconds(root.not_valid_after_utc)
        self._name = root.subject
        self._identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())

    @classmethod
    def create(
        cls, name: str, key: ec.EllipticCurvePrivateKey, *, serial: int, not_before: float, not_after: float
    ) -> Authority:
        """A new root called ``name``; it may sign certificates and revocation lists, and no further authorities."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        builder = (
            certificate_builder(subject, subject, key.public_key(), serial, not_before, not_after)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        return cls(sign_certificate(builder, key), key)

    def issue(
        self,
        public_key: PublicKey,
        *,
        node_ids: Sequence[NodeID],
        user: str,
        overlay: str,
        serial: int,
        not_before: float,
        not_after: float,
    ) -> bytes:
        """A node's certificate as DER; it ends with the root at the latest."""
        return build(
            key=self.key, issuer=self._name, public_key=public_key, node_ids=node_ids, user=user, overlay=overlay,
            serial=serial, not_before=not_before, not_after=min(not_after, self.not_after), authority=self._identifier,
        )  # fmt: skip

    def issue_server(
        self, host: str, public_key: PublicKey, *, serial: int, not_before: float, not_after: float
    ) -> bytes:
        """The certificate of a web server called ``host`` as DER: no node's, since it names no Node-ID."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        builder = (
            certificate_builder(self._name, subject, public_key, serial, not_before, min(not_after, self.not_after))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(self._identifier, critical=False)
        )
        return sign_certificate(builder, self.key)


@lru_cache(maxsize=64)
def _hosts(der: bytes) -> tuple[list[str], float, float] | None:
    """The host names in a certificate and its dates, None if it is unreadable."""
    try:
        loaded = x509.load_der_x509_certificate(der)
        san = loaded.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        hosts = san.get_values_for_type(x509.DNSName)
        return hosts, seconds(loaded.not_valid_before_utc), seconds(loaded.not_valid_after_utc)
    except UNREADABLE:
        return None


def server_refusal(der: bytes, host: str, now: float) -> LinkReason | None:
    """Why a certificate does not do for the web server ``host`` at ``now``, its chain apart (RFC 9110 §4.3.4)."""
    found = _hosts(der)
    if found is None:
        return LinkReason.BAD_PROFILE
    hosts, begin, end = found
    if host not in hosts:
        return LinkReason.WRONG_NODE_ID
    if now >= end:
        return LinkReason.EXPIRED
    return LinkReason.NOT_YET_VALID if now < begin else None
