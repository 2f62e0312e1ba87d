"""The elements of a configuration document and what may stand in them (RFC 6940 §11.1, the grammar of §11.1.1)."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import datetime
from ipaddress import ip_address
from typing import Any

from p2psip_min.enrollment.certificates import seconds
from p2psip_min.enrollment.markup import Element
from p2psip_min.enrollment.trust import load_root
from p2psip_min.errors import LocalProtocolError, Malformed
from p2psip_min.ids import ID_LENGTH, NodeID
from p2psip_min.wire.kinds import IANA_KINDS, AccessPolicy, DataModel, KindSpec

BASE = "urn:ietf:params:xml:ns:p2p:config-base"
CHORD = "urn:ietf:params:xml:ns:p2p:config-chord"
ADMISSION = "urn:p2psip-lab:admission"
"""Ours: who signs permits to join (draft 5.2); who does not know it passes it over."""
DEFAULT_PORT = 6084

_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,10}")
_TRUTH = {"true": True, "1": True, "false": False, "0": False}
_NAMES = {spec.name: spec for spec in IANA_KINDS.values()}


def _text(element: Element) -> str:
    if element.children:
        raise Malformed(element.start, "configuration: elements where text belongs")
    return element.text.strip()


def _some(element: Element) -> str:
    text = _text(element)
    if not text:
        raise Malformed(element.start, "configuration: empty element")
    return text


def _truth(element: Element) -> bool:
    try:
        return _TRUTH[_text(element)]
    except KeyError:
        raise Malformed(element.start, "configuration: neither true nor false") from None


def number(text: str, least: int, most: int, offset: int) -> int:
    """A decimal number between two bounds, else Malformed."""
    if _NUMBER.fullmatch(text) is None or not least <= int(text) <= most:
        raise Malformed(offset, "configuration: number out of range")
    return int(text)


def _number(least: int, most: int) -> Callable[[Element], int]:
    return lambda element: number(_text(element), least, most, element.start)


def _node_id(element: Element) -> NodeID:
    text = _text(element)
    if re.fullmatch(f"[0-9A-Fa-f]{{{2 * ID_LENGTH}}}", text) is None:
        raise Malformed(element.start, "configuration: no Node-ID")
    return NodeID(bytes.fromhex(text))


def _root(element: Element) -> bytes:
    try:
        der = base64.b64decode("".join(_text(element).split()), validate=True)
        load_root(der)
    except (ValueError, LocalProtocolError):
        raise Malformed(element.start, "configuration: unreadable root certificate") from None
    return der


def _url(element: Element) -> str:
    text = _text(element)
    if not text.startswith("https://") or any(character.isspace() for character in text):
        raise Malformed(element.start, "configuration: an enrollment server's URL is https")
    return text


def _digest(element: Element) -> str | None:
    digest = element.attributes.get("digest")
    if digest not in ("sha1", "sha256"):
        raise Malformed(element.start, "configuration: unknown digest")
    return digest if _truth(element) else None


def _bootstrap(element: Element) -> tuple[str, int]:
    try:
        host = str(ip_address(element.attributes["address"]))
    except (KeyError, ValueError):
        raise Malformed(element.start, "configuration: no IP address") from None
    return host, number(element.attributes.get("port", str(DEFAULT_PORT)), 1, 65_535, element.start)


def _milliseconds(element: Element) -> float:
    return _number(200, 1 << 31)(element) / 1000


def _seconds(element: Element) -> float:
    return float(_number(1, 1 << 31)(element))


# Element -> field of Configuration and reader. Those of _MANY may stand there any number of times.
_ONCE: dict[str, tuple[str, Callable[[Element], object]]] = {
    f"{BASE} topology-plugin": ("topology_plugin", _some),
    f"{BASE} self-signed-permitted": ("self_signed", _digest),
    f"{BASE} turn-density": ("turn_density", _number(0, 255)),
    f"{BASE} clients-permitted": ("clients_permitted", _truth),
    f"{BASE} no-ice": ("no_ice", _truth),
    f"{BASE} shared-secret": ("shared_secret", _some),
    f"{BASE} max-message-size": ("max_message_size", _number(1, (1 << 32) - 1)),
    f"{BASE} initial-ttl": ("initial_ttl", _number(1, 255)),
    f"{BASE} overlay-reliability-timer": ("overlay_reliability_timer", _milliseconds),
    f"{CHORD} chord-update-interval": ("chord_update_interval", _seconds),
    f"{CHORD} chord-ping-interval": ("chord_ping_interval", _seconds),
    f"{CHORD} chord-reactive": ("chord_reactive", _truth),
}
_MANY: dict[str, tuple[str, Callable[[Element], object]]] = {
    f"{BASE} root-cert": ("roots", _root),
    f"{BASE} enrollment-server": ("enrollment_servers", _url),
    f"{BASE} bootstrap-node": ("bootstrap_nodes", _bootstrap),
    f"{BASE} overlay-link-protocol": ("overlay_link_protocols", _some),
    f"{BASE} configuration-signer": ("configuration_signers", _node_id),
    f"{BASE} kind-signer": ("kind_signers", _node_id),
    f"{BASE} bad-node": ("bad_nodes", _node_id),
    f"{BASE} mandatory-extension": ("mandatory_extensions", _some),
    f"{ADMISSION} join-control": ("join_controls", _node_id),
}


class Fields:
    """What a configuration element holds: ``values`` by field; ``unsupported`` if it demands what we don't have."""

    def __init__(self, element: Element) -> None:
        self.values: dict[str, Any] = _attributes(element)
        self.kind_blocks: list[Element] = []
        self.unsupported = False
        seen: set[str] = set()
        for child in element.children:
            name = child.name
            if name in _MANY:
                field, reader = _MANY[name]
                self.values[field] = (*self.values.get(field, ()), reader(child))
                continue
            if not name.startswith((f"{BASE} ", f"{CHORD} ")):
                continue
            if name in seen:
                raise Malformed(child.start, "configuration: element repeated")
            seen.add(name)
            if name in _ONCE:
                field, reader = _ONCE[name]
                self.values[field] = reader(child)
            elif name == f"{BASE} node-id-length":
                # RFC 6940 allows 16 to 20; this implementation has one length.
                self.unsupported |= _number(16, 20)(child) != ID_LENGTH
            elif name == f"{BASE} required-kinds":
                self.kind_blocks = child.children
            else:
                raise Malformed(child.start, "configuration: unknown element")
        self.unsupported |= bool(self.values.get("mandatory_extensions"))


def _attributes(element: Element) -> dict[str, Any]:
    attributes = element.attributes
    values: dict[str, Any] = {
        "overlay": attributes["instance-name"],
        "sequence": number(attributes.get("sequence", ""), 0, 0xFFFE, element.start),
    }
    if (expiration := attributes.get("expiration")) is not None:
        if _DATE.fullmatch(expiration) is None:
            raise Malformed(element.start, "configuration: expiration is no UTC date")
        values["expiration"] = seconds(datetime.fromisoformat(expiration))
    return values


class KindFields:
    """One kind-block: the Kind, the bytes from ``start`` to ``end`` that its ``signatures`` cover."""

    def __init__(self, block: Element) -> None:
        kinds = [child for child in block.children if child.name == f"{BASE} kind"]
        if block.name != f"{BASE} kind-block" or len(kinds) != 1:
            raise Malformed(block.start, "configuration: a kind-block holds one kind")
        (kind,) = kinds
        self.start, self.end = kind.start, kind.end
        self.signatures = tuple(child.text for child in block.children if child.name == f"{BASE} kind-signature")
        texts: dict[str, str] = {}
        for child in kind.children:
            if child.name in texts:
                raise Malformed(child.start, "configuration: element repeated")
            texts[child.name] = _text(child)
        self.spec = _spec(kind, texts)
        self.unsupported = self.spec is None


def _spec(kind: Element, texts: dict[str, str]) -> KindSpec | None:
    """The Kind, or None when it has a name, model or policy that we don't know."""
    at = kind.start
    try:
        count = number(texts[f"{BASE} max-count"], 1, 1 << 31, at)
        size = number(texts[f"{BASE} max-size"], 1, 1 << 31, at)
        model, access = texts[f"{BASE} data-model"], texts[f"{BASE} access-control"]
    except KeyError:
        raise Malformed(at, "configuration: a kind lacks an element") from None
    multiple = texts.get(f"{BASE} max-node-multiple")
    most = 0 if multiple is None else number(multiple, 1, 1 << 31, at)
    if ("name" in kind.attributes) == ("id" in kind.attributes):
        raise Malformed(at, "configuration: a kind has a name or an id")
    if "name" in kind.attributes:
        registered = _NAMES.get(kind.attributes["name"])
        if registered is None:
            return None
        # The registry's model and policy count, whatever the document says (§11.1).
        return KindSpec(
            registered.id, registered.name, registered.model, registered.access, count, size,
            most or registered.max_node_multiple,
        )  # fmt: skip
    identifier = number(kind.attributes["id"], 1, (1 << 32) - 1, at)
    if model not in {each.value for each in DataModel} or access not in {each.value for each in AccessPolicy}:
        return None
    if AccessPolicy(access) is AccessPolicy.NODE_MULTIPLE and not most:
        raise Malformed(at, "configuration: NODE-MULTIPLE lacks max-node-multiple")
    return KindSpec(identifier, f"kind-{identifier}", DataModel(model), AccessPolicy(access), count, size, most)
