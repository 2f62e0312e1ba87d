"""A small certificate authority for these tests: the profile that matters to links, nothing more."""

from __future__ import annotations

import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from p2psip_min.clock import EPOCH
from p2psip_min.errors import LinkReason
from p2psip_min.ids import NodeID
from p2psip_min.transport.tls import TlsIdentity

DAY = 86_400.0


def _date(virtual: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(EPOCH + virtual, tz=datetime.UTC)


class Authority:
    """One root; certificates name a Node-ID and an overlay in a URI, and are judged by what they say."""

    def __init__(self, number: int = 1, overlay: str = "lab.example") -> None:
        self.overlay = overlay
        self.revoked: set[bytes] = set()
        self._issued: dict[TlsIdentity, bytes] = {}
        self._serial = 1000 * number
        self._key = ec.derive_private_key(number, ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"root {number}")])
        self.root = self._build(self._name, self._key, None, -DAY, 3650 * DAY)
        self.pem = self.root.public_bytes(Encoding.PEM)

    def _build(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, uri: str | None, start: float, end: float
    ) -> x509.Certificate:
        self._serial += 1
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(self._serial)
            .not_valid_before(_date(start))
            .not_valid_after(_date(end))
            .add_extension(x509.BasicConstraints(ca=uri is None, path_length=None), critical=True)
        )
        if uri is not None:
            names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self._key, SHA256())

    def identity(
        self,
        node_id: NodeID,
        *,
        start: float = -DAY,
        end: float = 365 * DAY,
        overlay: str | None = None,
        roots: bytes | None = None,
        mutual: bool = True,
    ) -> TlsIdentity:
        """Certificate and key of a node, trusting this root or others."""
        key = ec.derive_private_key(int.from_bytes(node_id, "big") + 7, ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "node")])
        uri = f"reload://{node_id.hex()}@{overlay or self.overlay}"
        certificate = self._build(name, key, uri, start, end)
        identity = TlsIdentity(
            roots=self.pem if roots is None else roots,
            certificate=certificate.public_bytes(Encoding.PEM),
            key=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            mutual=mutual,
        )
        self._issued[identity] = certificate.public_bytes(Encoding.DER)
        return identity

    def revoke(self, identity: TlsIdentity) -> None:
        """Judge this identity's certificate as revoked from now on."""
        self.revoked.add(self._issued[identity])

    def check(self, der: bytes, node_id: NodeID | None, now: float) -> LinkReason | None:
        """What an overlay's trust store would say about a certificate of this root."""
        certificate = x509.load_der_x509_certificate(der)
        if der in self.revoked:
            return LinkReason.REVOKED
        if now < certificate.not_valid_before_utc.timestamp() - EPOCH:
            return LinkReason.NOT_YET_VALID
        if now > certificate.not_valid_after_utc.timestamp() - EPOCH:
            return LinkReason.EXPIRED
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        user, _, overlay = names.get_values_for_type(x509.UniformResourceIdentifier)[0][9:].partition("@")
        if overlay != self.overlay:
            return LinkReason.WRONG_OVERLAY
        if node_id is not None and user != node_id.hex():
            return LinkReason.WRONG_NODE_ID
        return None
