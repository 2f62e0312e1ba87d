"""The few SIP messages of registrations and of a call's set-up, as text (RFC 3261 §7, §10, §13)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from p2psip_min.errors import Malformed

MAX_BYTES = 8192

COVER, PADDING = "P2PSIP-Cover", "P2PSIP-Padding"
"""Headers of ours: a call that is none, and what makes all messages equally long (draft 7.2.11)."""

_FROM = re.compile(r"<sip:([^>;]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class SipMessage:
    """A request (``method`` and ``uri``) or a response (``status`` and ``reason``), with headers and body."""

    method: str = ""
    uri: str = ""
    status: int = 0
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""

    def header(self, name: str) -> str:
        """The first header of that name, without regard to case; empty when there is none."""
        return next(iter(self.all(name)), "")

    def all(self, name: str) -> list[str]:
        """All headers of that name, in order."""
        wanted = name.lower()
        return [value for key, value in self.headers if key.lower() == wanted]

    def without_first(self, name: str) -> SipMessage:
        """The message less its first header of that name."""
        wanted = name.lower()
        at = next((at for at, (key, _) in enumerate(self.headers) if key.lower() == wanted), len(self.headers))
        return replace(self, headers=(*self.headers[:at], *self.headers[at + 1 :]))

    def having(self, name: str, value: str) -> SipMessage:
        """The message with this header, in place of the first of that name or in front of all."""
        wanted = name.lower()
        at = next((at for at, (key, _) in enumerate(self.headers) if key.lower() == wanted), None)
        if at is None:
            return replace(self, headers=((name, value), *self.headers))
        return replace(self, headers=(*self.headers[:at], (name, value), *self.headers[at + 1 :]))

    def encode(self) -> bytes:
        """The message as it goes over a link."""
        start = f"{self.method} {self.uri} SIP/2.0" if self.method else f"SIP/2.0 {self.status} {self.reason}"
        lines = [start, *(f"{key}: {value}" for key, value in self.headers)]
        lines.append(f"Content-Length: {len(self.body.encode())}")
        return ("\r\n".join(lines) + "\r\n\r\n" + self.body).encode()


def decode(data: bytes) -> SipMessage:
    """Parse one SIP message; raises Malformed."""
    if len(data) > MAX_BYTES:
        raise Malformed(MAX_BYTES, "SIP message too large")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise Malformed(error.start, "SIP message is not UTF-8") from None
    head, separator, body = text.partition("\r\n\r\n")
    if not separator:
        raise Malformed(len(data), "SIP header without an end")
    start, *lines = head.split("\r\n")
    headers = []
    length = None
    for line in lines:
        key, colon, value = line.partition(":")
        if not colon or not key.strip():
            raise Malformed(text.index(line), "SIP header line without a name")
        if key.strip().lower() == "content-length":
            length = number(value.strip())
            if length is None:
                raise Malformed(text.index(line), "Content-Length is not a number")
            continue
        headers.append((key.strip(), value.strip()))
    if length is not None and length != len(body.encode()):
        raise Malformed(len(head) + 4, "SIP body has another length than announced")
    parts = start.split(" ", 2)
    if len(parts) != 3:
        raise Malformed(0, "SIP start line has not three parts")
    if parts[0] == "SIP/2.0":
        status = number(parts[1])
        if status is None or not 100 <= status <= 699:
            raise Malformed(8, "SIP status out of range")
        return SipMessage(status=status, reason=parts[2], headers=tuple(headers), body=body)
    if parts[2] != "SIP/2.0" or not parts[0].isalpha():
        raise Malformed(0, "not a SIP/2.0 request")
    return SipMessage(method=parts[0], uri=parts[1], headers=tuple(headers), body=body)


def number(text: str) -> int | None:
    """A header's number of at most nine digits; None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


class SipReader:
    """Cuts a stream into messages, by their Content-Length (RFC 3261 §18.3); raises Malformed once and for all."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[SipMessage]:
        """The messages that are complete by now."""
        self._rest += data
        messages = []
        while (end := self._rest.find(b"\r\n\r\n")) >= 0:
            stop = end + 4 + _announced(self._rest[:end])
            if stop > MAX_BYTES:
                raise Malformed(MAX_BYTES, "SIP message too large")
            if stop > len(self._rest):
                break
            messages.append(decode(self._rest[:stop]))
            self._rest = self._rest[stop:]
        if len(self._rest) > MAX_BYTES:
            raise Malformed(MAX_BYTES, "SIP header too large")
        return messages


def _announced(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if (
            name.strip().lower() == b"content-length"
            and (length := number(value.strip().decode("latin-1"))) is not None
        ):
            return length
    raise Malformed(0, "SIP message on a stream without Content-Length")


def address_of(header: str) -> str:
    """The AOR or host in a From, To or Contact header: what stands between ``sip:`` and the end of the URI."""
    uri = header.partition("<")[2].partition(">")[0] if "<" in header else header.partition(";")[0]
    return uri.strip().removeprefix("sip:").partition(";")[0]


def request(
    method: str, uri: str, *, sender: str, to: str, call_id: str, branch: str, contact: str, sequence: int = 1
) -> SipMessage:
    """A request outside a dialog from AOR ``sender`` to AOR ``to`` (without scheme) (RFC 3261 §8.1.1)."""
    return SipMessage(
        method=method,
        uri=uri,
        headers=(
            ("Via", f"SIP/2.0/TLS {contact.partition('>')[0].removeprefix('<sip:')};branch=z9hG4bK{branch}"),
            ("Max-Forwards", "70"),
            ("From", f"<sip:{sender}>;tag={call_id[:8]}"),
            ("To", f"<sip:{to}>"),
            ("Call-ID", call_id),
            ("CSeq", f"{sequence} {method}"),
            ("Contact", contact),
        ),
    )


def invite(*, caller: str, callee: str, call_id: str, contact: str, body: str = "") -> SipMessage:
    """An INVITE from AOR ``caller`` to AOR ``callee`` (without scheme)."""
    return SipMessage(
        method="INVITE",
        uri=f"sip:{callee}",
        headers=(
            ("Via", f"SIP/2.0/TLS {contact};branch=z9hG4bK{call_id}"),
            ("Max-Forwards", "70"),
            ("From", f"<sip:{caller}>;tag={call_id[:8]}"),
            ("To", f"<sip:{callee}>"),
            ("Call-ID", call_id),
            ("CSeq", "1 INVITE"),
            ("Contact", f"<sip:{contact}>"),
        ),
        body=body,
    )


def padded(message: SipMessage, block: int) -> SipMessage:
    """The message, longer by a header, so that it takes a multiple of ``block`` bytes; as it is where that is 0."""
    if not block:
        return message
    short = len(message.having(PADDING, "").encode())
    return message.having(PADDING, "x" * (-short % block))


def caller(request: SipMessage) -> str:
    """The AOR in a request's From header, empty where there is none."""
    found = _FROM.search(request.header("From"))
    return found[1] if found else ""


def answer(request: SipMessage, status: int, reason: str, *, tag: str, contact: str = "") -> SipMessage:
    """The response to ``request``, its dialog headers copied (RFC 3261 §8.2.6)."""
    headers = [
        (key, f"{value};tag={tag}" if key == "To" and ";tag=" not in value else value)
        for key, value in request.headers
        if key in ("Via", "From", "To", "Call-ID", "CSeq")
    ]
    if contact:
        headers.append(("Contact", f"<sip:{contact}>"))
    return SipMessage(status=status, reason=reason, headers=tuple(headers))


def acknowledge(request: SipMessage, response: SipMessage) -> SipMessage:
    """The ACK that ends the three-way handshake of an INVITE (RFC 3261 §13.2.2.4)."""
    return SipMessage(
        method="ACK",
        uri=request.uri,
        headers=(
            ("Via", request.header("Via")),
            ("Max-Forwards", "70"),
            ("From", request.header("From")),
            ("To", response.header("To")),
            ("Call-ID", request.header("Call-ID")),
            ("CSeq", "1 ACK"),
        ),
    )
