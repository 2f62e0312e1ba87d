"""The overlay configuration document: written, signed, read, and judged (RFC 6940 §11.1, §6.5.4).

1. The document is bytes. Its signature is over the exact bytes from ``<configuration`` to ``</configuration>``, alone
   (the RFC names no further input), as a base64 SecurityBlock; nobody serialises it again.
2. Whoever has a document takes the next one only when its sequence is higher and a configuration-signer that the
   *present* document names has signed it, with a certificate that the present roots cover.
3. The first document comes over an authenticated connection and must be signed by a signer that it names itself.
4. What the schema does not allow is malformed; elements of foreign namespaces are passed over.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from xml.sax.saxutils import escape, quoteattr

from p2psip_min.enrollment.certificates import Certificate, Credential, date
from p2psip_min.enrollment.markup import Element, read
from p2psip_min.enrollment.schema import ADMISSION, BASE, CHORD, Fields, KindFields
from p2psip_min.enrollment.trust import ChainCache, TrustStore
from p2psip_min.errors import ConfigurationReason, LocalProtocolError, Malformed
from p2psip_min.ids import NodeID
from p2psip_min.wire.kinds import IANA_KINDS, KNOWN_KINDS, KindRegistry, KindSpec
from p2psip_min.wire.security import (
    SecurityBlock,
    decode_security,
    encode_security,
    identity_of,
    sign,
    verify,
)

Address = tuple[str, int]

MAX_SEQUENCE = 0xFFFE

ANY_SEQUENCE = 0xFFFF
"""In a ConfigUpdate's header: the receiver may follow whatever it follows (RFC 6940 §6.3.2.1)."""


_NONE: Mapping[int, KindSpec] = MappingProxyType({})


def newer(one: int, other: int) -> bool:
    """Whether sequence ``one`` comes after ``other``; after 65534 comes 0, so half of the way around counts."""
    return 0 < (one - other) % ANY_SEQUENCE <= ANY_SEQUENCE // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What all nodes of an overlay agree on; times in seconds, ``expiration`` in virtual time (None: never).

    ``self_signed`` is the digest of self-signed Node-IDs, None where they are not permitted. ``kinds`` are those that
    every member must support, ``join_controls`` those who sign permits to join. ``document`` is the signed file, empty
    before it is published.
    """

    overlay: str
    sequence: int
    expiration: float | None = None
    topology_plugin: str = "CHORD-RELOAD"
    roots: tuple[bytes, ...] = ()
    enrollment_servers: tuple[str, ...] = ()
    self_signed: str | None = None
    bootstrap_nodes: tuple[Address, ...] = ()
    turn_density: int = 1
    clients_permitted: bool = True
    no_ice: bool = False
    shared_secret: str | None = None
    max_message_size: int = 5000
    initial_ttl: int = 100
    overlay_reliability_timer: float = 3.0
    overlay_link_protocols: tuple[str, ...] = ("TLS",)
    configuration_signers: tuple[NodeID, ...] = ()
    kind_signers: tuple[NodeID, ...] = ()
    bad_nodes: tuple[NodeID, ...] = ()
    join_controls: tuple[NodeID, ...] = ()
    mandatory_extensions: tuple[str, ...] = ()
    chord_update_interval: float = 600.0
    chord_ping_interval: float = 3600.0
    chord_reactive: bool = True
    kinds: tuple[KindSpec, ...] = ()
    document: bytes = field(default=b"", repr=False, compare=False)

    def registry(self) -> KindRegistry:
        """The Kinds of this overlay: those that every node knows, with the document's limits and additions."""
        return KindRegistry([*KNOWN_KINDS.values(), *self.kinds])

    def trust(self, *, cache: ChainCache | None = None) -> TrustStore:
        """A new node's judgement of certificates under this configuration."""
        trust = TrustStore(self.overlay, self.roots, self_signed=self.self_signed, cache=cache)
        if self.bad_nodes:
            trust.revocations.name_bad_nodes(self.bad_nodes)
        return trust

    def instruct(self, trust: TrustStore) -> None:
        """Let a node that has taken this configuration judge by its roots and bad nodes."""
        trust.follow(self.roots, self_signed=self.self_signed)
        trust.revocations.name_bad_nodes(self.bad_nodes)


# --- writing ----------------------------------------------------------------------------------------------------------


def publish(configuration: Configuration, signer: Credential) -> Configuration:
    """The configuration with its document, signed by ``signer``, whom it should name as configuration-signer.

    LocalProtocolError for a sequence that the header has no room for.
    """
    if not 0 <= configuration.sequence <= MAX_SEQUENCE:
        raise LocalProtocolError(f"a configuration's sequence lies between 0 and {MAX_SEQUENCE}")
    blob = "\n".join(_lines(configuration, signer)).encode()
    document = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<overlay xmlns="{BASE}">\n'.encode()
        + blob
        + f"\n<signature>{signature_text(blob, signer)}</signature>\n</overlay>\n".encode()
    )
    return replace(configuration, document=document)


def signature_text(blob: bytes, signer: Credential) -> str:
    """A SecurityBlock over ``blob`` as the document carries it: base64."""
    several = len(signer.node_ids) > 1
    identity = identity_of(signer.certificate, signer.node_id if several else None)
    signature = sign(signer.private_key, identity, blob)
    return base64.b64encode(encode_security(SecurityBlock((signer.certificate,), signature))).decode()


def _lines(it: Configuration, signer: Credential) -> Iterator[str]:
    # Declared here and not outside, where the RFC's example has it: nobody signs what stands there, and whoever changes
    # the declaration turns signed elements into foreign ones, which are passed over.
    head = f'<configuration xmlns="{BASE}" xmlns:chord="{CHORD}"'
    head += f" instance-name={quoteattr(it.overlay)} sequence={quoteattr(str(it.sequence))}"
    if it.expiration is not None:
        head += f' expiration="{date(it.expiration):%Y-%m-%dT%H:%M:%SZ}"'
    yield head + ">"
    yield _tag("topology-plugin", it.topology_plugin)
    yield _tag("node-id-length", 16)
    yield from (_tag("root-cert", base64.b64encode(root).decode()) for root in it.roots)
    yield from (_tag("enrollment-server", url) for url in it.enrollment_servers)
    if it.self_signed is not None:
        yield f"<self-signed-permitted digest={quoteattr(it.self_signed)}>true</self-signed-permitted>"
    for host, port in it.bootstrap_nodes:
        yield f'<bootstrap-node address={quoteattr(host)} port="{port}"/>'
    yield _tag("turn-density", it.turn_density)
    yield _tag("clients-permitted", it.clients_permitted)
    yield _tag("no-ice", it.no_ice)
    if it.shared_secret is not None:
        yield _tag("shared-secret", it.shared_secret)
    yield _tag("max-message-size", it.max_message_size)
    yield _tag("initial-ttl", it.initial_ttl)
    yield _tag("overlay-reliability-timer", round(it.overlay_reliability_timer * 1000))
    yield from (_tag("overlay-link-protocol", name) for name in it.overlay_link_protocols)
    yield from (_tag("configuration-signer", node_id.hex()) for node_id in it.configuration_signers)
    yield from (_tag("kind-signer", node_id.hex()) for node_id in it.kind_signers)
    yield from (_tag("bad-node", node_id.hex()) for node_id in it.bad_nodes)
    yield from (_tag("mandatory-extension", name) for name in it.mandatory_extensions)
    yield from (f'<join-control xmlns="{ADMISSION}">{node.hex()}</join-control>' for node in it.join_controls)
    yield _tag("chord:chord-update-interval", round(it.chord_update_interval))
    yield _tag("chord:chord-ping-interval", round(it.chord_ping_interval))
    yield _tag("chord:chord-reactive", it.chord_reactive)
    if it.kinds:
        yield "<required-kinds>"
        yield from (kind_block(spec, signer) for spec in it.kinds)
        yield "</required-kinds>"
    yield "</configuration>"


def kind_block(spec: KindSpec, signer: Credential) -> str:
    """A Kind's description, signed by a kind-signer."""
    kind = _kind(spec)
    return f"<kind-block>{kind}{_tag('kind-signature', signature_text(kind.encode(), signer))}</kind-block>"


def _tag(name: str, value: str | int) -> str:
    text = str(value).lower() if isinstance(value, bool) else escape(str(value))
    return f"<{name}>{text}</{name}>"


def _kind(spec: KindSpec) -> str:
    registered = spec.id in IANA_KINDS
    yields = [f"<kind name={quoteattr(IANA_KINDS[spec.id].name)}>" if registered else f'<kind id="{spec.id}">']
    yields += [_tag("data-model", spec.model.value), _tag("access-control", spec.access.value)]
    yields += [_tag("max-count", spec.max_count), _tag("max-size", spec.max_size)]
    if spec.max_node_multiple:
        yields.append(_tag("max-node-multiple", spec.max_node_multiple))
    return "".join([*yields, "</kind>"])


# --- reading ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Signed:
    """Bytes and the signatures (base64 texts) that should cover them."""

    blob: bytes
    signatures: tuple[str, ...]


def parse(document: bytes, overlay: str) -> Configuration | ConfigurationReason:
    """What a document says about ``overlay``, else MALFORMED, WRONG_OVERLAY or UNSUPPORTED; no signature is checked."""
    parts = _parts(document, overlay)
    return parts if isinstance(parts, ConfigurationReason) else parts[0]


def _parts(document: bytes, overlay: str) -> tuple[Configuration, _Signed, tuple[_Signed, ...]] | ConfigurationReason:
    try:
        found = _find(read(document), overlay)
        if found is None:
            return ConfigurationReason.WRONG_OVERLAY
        element, signatures = found
        fields = Fields(element)
        blocks = tuple(KindFields(block) for block in fields.kind_blocks)
        if fields.unsupported or any(block.unsupported for block in blocks):
            return ConfigurationReason.UNSUPPORTED
        configuration = Configuration(
            **fields.values, kinds=tuple(block.spec for block in blocks if block.spec is not None), document=document
        )
    except (Malformed, ValueError):
        return ConfigurationReason.MALFORMED
    signed = _Signed(document[element.start : element.end], signatures)
    kinds = tuple(_Signed(document[block.start : block.end], block.signatures) for block in blocks)
    return configuration, signed, kinds


def _find(root: Element, overlay: str) -> tuple[Element, tuple[str, ...]] | None:
    """The overlay's configuration element and the signatures that follow it directly."""
    if root.name != f"{BASE} overlay":
        raise Malformed(root.start, "configuration: the root is no overlay element")
    found: Element | None = None
    signatures: list[str] = []
    current: Element | None = None
    for child in root.children:
        if child.name == f"{BASE} configuration":
            current = child
            if child.attributes.get("instance-name") == overlay:
                if found is not None:
                    raise Malformed(child.start, "configuration: the overlay has two")
                found = child
        elif child.name == f"{BASE} signature":
            if current is not None and current is found:
                signatures.append(child.text)
        elif child.name.startswith(f"{BASE} "):
            raise Malformed(child.start, "configuration: unknown element")
    return None if found is None else (found, tuple(signatures))


# --- judging ----------------------------------------------------------------------------------------------------------


def accept(
    current: Configuration,
    document: bytes,
    now: float,
    *,
    cache: ChainCache | None = None,
    trust: TrustStore | None = None,
) -> Configuration | ConfigurationReason:
    """The configuration in ``document`` if a node that follows ``current`` must take it, else why not (§6.5.4).

    ``trust`` is the node's own judgement, which also knows lists of revoked certificates.
    """
    parts = _parts(document, current.overlay)
    if isinstance(parts, ConfigurationReason):
        return parts
    if not newer(parts[0].sequence, current.sequence):
        return ConfigurationReason.NOT_NEWER
    return _judge(*parts, authority=current, trust=trust or current.trust(cache=cache), now=now)


def adopt(
    document: bytes, overlay: str, now: float, *, cache: ChainCache | None = None
) -> Configuration | ConfigurationReason:
    """The first configuration of a node, which has it from somebody whom it trusts to hand it out (§11.2)."""
    parts = _parts(document, overlay)
    if isinstance(parts, ConfigurationReason):
        return parts
    return _judge(*parts, authority=parts[0], trust=parts[0].trust(cache=cache), now=now)


def accept_kinds(
    current: Configuration,
    blocks: Iterable[bytes],
    now: float,
    *,
    trust: TrustStore | None = None,
    known: Mapping[int, KindSpec] = _NONE,
) -> tuple[KindSpec, ...] | ConfigurationReason:
    """The Kinds in kind-block elements (XML) that a kind-signer of ``current`` signed, else why not (§6.5.4).

    A block has no sequence, so an old one could be brought again: what is ``known`` changes with a document only.
    """
    trust, head = trust or current.trust(), f'<overlay xmlns="{BASE}">'.encode()
    specs: list[KindSpec] = []
    for block in blocks:
        document = head + block + b"</overlay>"
        try:
            (element,) = read(document).children
            fields = KindFields(element)
        except (Malformed, ValueError):
            return ConfigurationReason.MALFORMED
        if fields.spec is None:
            return ConfigurationReason.UNSUPPORTED
        signed = _Signed(document[fields.start : fields.end], fields.signatures)
        refusal = _unsigned(signed, current.kind_signers, trust, now)
        if refusal is not None:
            return refusal
        held = known.get(fields.spec.id)
        if held is not None and replace(fields.spec, name=held.name) != held:
            return ConfigurationReason.KIND_KNOWN
        specs.append(fields.spec)
    return tuple(specs)


def _judge(
    configuration: Configuration,
    signed: _Signed,
    kinds: Iterable[_Signed],
    *,
    authority: Configuration,
    trust: TrustStore,
    now: float,
) -> Configuration | ConfigurationReason:
    refusal = _unsigned(signed, authority.configuration_signers, trust, now)
    for kind in kinds:
        refusal = refusal or _unsigned(kind, authority.kind_signers, trust, now)
    if refusal is not None:
        return refusal
    if configuration.expiration is not None and now >= configuration.expiration:
        return ConfigurationReason.EXPIRED
    return configuration


def _unsigned(
    signed: _Signed, signers: tuple[NodeID, ...], trust: TrustStore, now: float
) -> ConfigurationReason | None:
    """Why none of the signatures counts; None when one does."""
    reason = ConfigurationReason.BAD_SIGNATURE
    for text in signed.signatures:
        try:
            raw = base64.b64decode("".join(text.split()), validate=True)
            block, end = decode_security(raw, 0, len(raw))
        except (binascii.Error, ValueError, Malformed):
            continue
        if end != len(raw):
            continue
        certificate = _signer(block, signers, trust, now)
        if certificate is None:
            reason = ConfigurationReason.WRONG_SIGNER
        elif verify(certificate.public_key, block.signature, signed.blob):
            return None
    return reason


def _signer(block: SecurityBlock, signers: tuple[NodeID, ...], trust: TrustStore, now: float) -> Certificate | None:
    """The certificate that made the signature, if it is valid now and the signing Node-ID is a permitted one."""
    for der in block.certificates:
        certificate = trust.check(der, now=now)
        if not isinstance(certificate, Certificate):
            continue
        single = len(certificate.node_ids) == 1
        for node_id in certificate.node_ids:
            named = identity_of(der, None if single else node_id) == block.signature.identity
            if named and node_id in signers:
                return certificate
    return None
