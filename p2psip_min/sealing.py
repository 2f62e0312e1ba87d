"""Who says what: sign a node's messages, and find out who signed those it receives (RFC 6940 §6.3.4)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence

from p2psip_min.enrollment.certificates import Certificate, Credential
from p2psip_min.enrollment.configuration import ANY_SEQUENCE, newer
from p2psip_min.enrollment.introduction import IntroductionPolicy
from p2psip_min.enrollment.trust import TrustStore
from p2psip_min.errors import DropReason, LinkReason
from p2psip_min.ids import Destination, NodeID
from p2psip_min.storage.policies import signing_node
from p2psip_min.wire.message import Message, input_in_place_of, message_input
from p2psip_min.wire.messages import ErrorCode, MessageCode
from p2psip_min.wire.security import (
    UNSIGNED,
    HashAlgorithm,
    IdentityType,
    SecurityBlock,
    SignatureAlgorithm,
    SignerIdentity,
    encode_identity,
    encode_security,
    identity_of,
    sign,
    verify,
)

_UNSIGNED = encode_security(SecurityBlock((), UNSIGNED))
_INTRODUCTIONS = (MessageCode.ATTACH_ANS.to_bytes(2, "big"),)
_INTRODUCING = (MessageCode.PING_REQ, MessageCode.ATTACH_REQ)

REMEMBERED = frozenset(
    {
        MessageCode.ATTACH_REQ,
        MessageCode.APP_ATTACH_REQ,
        MessageCode.JOIN_REQ,
        MessageCode.LEAVE_REQ,
        MessageCode.UPDATE_REQ,
        MessageCode.CONFIG_UPDATE_REQ,
    }
)
"""Methods whose repetition is answered from memory (§6.2.1); stores have a memory of their own, a defence."""


ConfigurationError = Callable[[int, NodeID, Sequence[Destination], NodeID | None, int], Awaitable[bool]]
"""Deals with Error_Config_Too_Old and _Too_New: code, responder, destinations, next hop and sequence of the request."""

CONFIGURATION_ERRORS = (ErrorCode.CONFIG_TOO_OLD, ErrorCode.CONFIG_TOO_NEW)


async def give_up(*_: object) -> bool:
    """Deal with no such error."""
    return False


class Seal:
    """One node's signature and its judgement of others'; ``signed`` False: only messages with these ``codes`` are."""

    __slots__ = (
        "_always", "_codes", "_credential", "_identity_bytes", "_introduction", "_now", "_trust", "identity", "signed",
    )  # fmt: skip

    def __init__(
        self,
        credential: Credential,
        trust: TrustStore,
        now: Callable[[], float],
        *,
        signed: bool,
        introduction: IntroductionPolicy,
        codes: Iterable[int] = (),
    ) -> None:
        self.identity: SignerIdentity = identity_of(credential.certificate)
        self._identity_bytes = encode_identity(self.identity)
        self._credential = credential
        self._trust = trust
        self._now = now
        self.signed = signed
        self._introduction = introduction
        self._codes = frozenset(codes)
        always = [code.to_bytes(2, "big") for code in self._codes]
        self._always = frozenset((*always, *_INTRODUCTIONS) if introduction.certified else always)

    def signs(self, code: int) -> bool:
        """Whether a message of this code counts only if it is signed."""
        return self.signed or code in self._codes

    def block(self, overlay: int, transaction_id: int, contents: bytes, certificates: tuple[bytes, ...] = ()) -> bytes:
        """The security block of a message of ours, with ``certificates`` that its reader needs beside our own."""
        if not self.signed and contents[:2] not in self._always:
            return encode_security(SecurityBlock(certificates, UNSIGNED)) if certificates else _UNSIGNED
        mine = self._credential.certificate
        bucket = (mine, *[der for der in certificates if der != mine]) if certificates else (mine,)
        covered = message_input(overlay, transaction_id, contents, self._identity_bytes)
        return encode_security(SecurityBlock(bucket, sign(self._credential.private_key, self.identity, covered)))

    def certificate_for(self, identity: SignerIdentity, bucket: Sequence[bytes]) -> Certificate | LinkReason | None:
        """The certificate of ``bucket`` that ``identity`` names, checked now; None when it isn't there."""
        now = self._now()
        for der in bucket:
            certificate = self._trust.check(der, now=now)
            if isinstance(certificate, LinkReason):
                if identity_of(der) == identity:
                    return certificate
            elif _names(certificate, identity):
                return certificate
        return None

    def stranger(self, message: Message, node: NodeID) -> LinkReason | None:
        """Why an answer to our Attach does not show that ``node`` belongs to the overlay; None: it does, or need not.

        Where all messages are signed, this one's signature has been checked already.
        """
        if self.signed or not self._introduction.certified:
            return None
        security, now = message.security, self._now()
        identity = security.signature.identity
        for der in security.certificates:
            certificate = self._introduction.judge(der, self._trust, now)
            if isinstance(certificate, LinkReason):
                if identity_of(der) == identity:
                    return certificate
            elif _names(certificate, identity):
                if signing_node(certificate, identity) != node:
                    return LinkReason.WRONG_NODE_ID
                return None if _signed_by(certificate, message) else LinkReason.NOT_PROVEN
        return LinkReason.NO_CERTIFICATE

    def signer(self, message: Message) -> tuple[NodeID, Certificate] | DropReason:
        """Who signed the message, or why nobody counts as having done so."""
        security = message.security
        signature = security.signature
        if signature.algorithm == SignatureAlgorithm.ANONYMOUS:
            return DropReason.UNSIGNED
        certificate = self.certificate_for(signature.identity, security.certificates)
        if certificate is None:
            return DropReason.UNKNOWN_SIGNER
        if isinstance(certificate, LinkReason):
            return DropReason.CERTIFICATE_REFUSED
        if not _signed_by(certificate, message):
            return DropReason.BAD_SIGNATURE
        node = signing_node(certificate, signature.identity)
        return DropReason.UNKNOWN_SIGNER if node is None else (node, certificate)


def objection(
    message: Message, signer: NodeID, certificate: Certificate | None, previous_hop: NodeID | None, sequence: int
) -> ErrorCode | None:
    """What speaks against a request whatever its method; ``sequence`` is that of the receiver's configuration.

    A critical extension, since we know none (RFC 6940 §6.3.3); a sender who follows another configuration (§6.3.2.1);
    one of several Node-IDs of a certificate that comes straight over the link of another one (§6.1.2).
    """
    if message.extensions and any(extension.critical for extension in message.extensions):
        return ErrorCode.UNKNOWN_EXTENSION
    theirs = message.configuration_sequence
    if theirs != sequence and not (theirs == ANY_SEQUENCE and message.code == MessageCode.CONFIG_UPDATE_REQ):
        return ErrorCode.CONFIG_TOO_OLD if newer(sequence, theirs) else ErrorCode.CONFIG_TOO_NEW
    several = certificate is not None and len(certificate.node_ids) > 1
    if several and not message.envelope.via and previous_hop not in (None, signer) and message.code not in _INTRODUCING:
        return ErrorCode.FORBIDDEN
    return None


def _signed_by(certificate: Certificate, message: Message) -> bool:
    """Whether the message's signature is of the certificate's key."""
    signature = message.security.signature
    identity = encode_identity(signature.identity)
    covered = input_in_place_of(message, message.contents, identity)
    return verify(certificate.public_key, signature, covered)


def _names(certificate: Certificate, identity: SignerIdentity) -> bool:
    """Whether a signer identity means this certificate."""
    if identity.type == IdentityType.CERT_HASH and identity.hash == HashAlgorithm.SHA256:
        return identity.digest == certificate.digest
    return identity.type == IdentityType.CERT_HASH_NODE_ID and signing_node(certificate, identity) is not None
