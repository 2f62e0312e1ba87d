"""The little of HTTP/1.1 and of multipart/form-data that enrollment needs (RFC 9112, RFC 7578); bytes only.

Strict on purpose: lines end with CRLF, a body has a Content-Length, nothing is folded, chunked or guessed. Whatever
else comes is Malformed, and the connection is at its end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

from p2psip_min.errors import Malformed

CONFIGURATION = "/.well-known/reload-config"
ENROLLMENT = "/enrollment"
NONCE = "/enrollment/nonce"
REVOKED = "/enrollment/revoked"
"""The pages of an enrollment server, which every applicant knows."""

CERTIFICATE = "application/pkix-cert"
REQUEST = "application/pkcs10"
"""What is asked for there, and with what (RFC 6940 §11.3)."""

MAX_HEAD = 4096
MAX_REQUEST_BODY = 16_384
MAX_ANSWER_BODY = 2_097_152

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST = re.compile(rf"({_TOKEN}) (/[!-~]*) HTTP/1\.1")
_STATUS = re.compile(r"HTTP/1\.1 ([1-5][0-9]{2})(?: [ -~]*)?")
_FIELDS = re.compile(rf"^({_TOKEN}): ?([!-~]?(?:[ -~]*[!-~])?) ?\r$", re.MULTILINE)
_BOUNDARY = re.compile(r"multipart/form-data; *boundary=\"?([0-9A-Za-z'()+_,./:=?-]{1,70})\"?", re.IGNORECASE)
_DISPOSITION = re.compile(r'form-data; *name="([a-z]{1,32})"(?:; *filename="[ !#-~]*")?', re.IGNORECASE)

_PHRASES = {
    200: "OK",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    429: "Too Many Requests",
    503: "Service Unavailable",
}


@dataclass(slots=True)
class Message:
    """A request (``method``, ``target``) or an answer (``status``); field names in lower case."""

    headers: Mapping[str, str]
    body: bytes
    method: str = ""
    target: str = ""
    status: int = 0


@dataclass(slots=True)
class Part:
    """One field of a form."""

    body: bytes
    content_type: str = "text/plain"


@dataclass(slots=True)
class Reader:
    """Takes bytes as they come and gives whole messages; ``max_body`` in bytes, ``answers`` for a client's reader."""

    max_body: int = MAX_REQUEST_BODY
    answers: bool = False
    _buffer: bytes = field(default=b"", repr=False)

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that ``data`` completes; Malformed ends it all."""
        self._buffer += data
        while self._buffer:
            end = self._buffer.find(b"\r\n\r\n")
            if end > MAX_HEAD or (end < 0 and len(self._buffer) > MAX_HEAD):
                raise Malformed(MAX_HEAD, "HTTP: head too long")
            if end < 0:
                return
            start, headers, length = _head(self._buffer[:end], self.answers)
            if length > self.max_body:
                raise Malformed(0, "HTTP: content length")
            stop = end + 4 + length
            if len(self._buffer) < stop:
                return
            body, self._buffer = self._buffer[end + 4 : stop], self._buffer[stop:]
            if self.answers:
                yield Message(headers, body, status=int(start[1]))
            else:
                yield Message(headers, body, method=start[1], target=start[2])


@lru_cache(maxsize=64)
def _head(head: bytes, answers: bool) -> tuple[re.Match[str], Mapping[str, str], int]:
    """The start line as matched, the fields and the body's length, kept: the same few heads come again and again."""
    first, _, rest = _ascii(head, 0).partition("\r\n")
    headers = _fields(rest)
    start = (_STATUS if answers else _REQUEST).fullmatch(first)
    if start is None:
        raise Malformed(0, "HTTP: start line")
    if "transfer-encoding" in headers or (not answers and "host" not in headers):
        raise Malformed(0, "HTTP: a field that is missing or not allowed")
    length = headers.get("content-length", "0")
    if not (length.isdecimal() and len(length) < 8):
        raise Malformed(0, "HTTP: content length")
    return start, MappingProxyType(headers), int(length)


def _ascii(raw: bytes, offset: int) -> str:
    try:
        return raw.decode("ascii")
    except UnicodeDecodeError as error:
        raise Malformed(offset + error.start, "HTTP: not ASCII") from None


def _fields(lines: str) -> dict[str, str]:
    """The header fields of all ``lines``, between which stands CRLF; none of another form, and none twice."""
    if not lines:
        return {}
    found = _FIELDS.findall(lines + "\r\n")
    fields = {name.lower(): value for name, value in found}
    if not len(fields) == len(found) == lines.count("\n") + 1:
        raise Malformed(0, "HTTP: header field" if len(fields) == len(found) else "HTTP: header field repeated")
    return fields


def request(method: str, target: str, host: str, body: bytes = b"", **headers: str) -> bytes:
    """The bytes of a request; an underscore in a header's name stands for a hyphen."""
    return _written(f"{method} {target} HTTP/1.1", tuple({"Host": host, **headers}.items()), len(body)) + body


def answer(status: int, content_type: str, body: bytes, **headers: str) -> bytes:
    """The bytes of an answer."""
    fields = {"Content_Type": content_type, **headers}
    return _written(f"HTTP/1.1 {status} {_PHRASES[status]}", tuple(fields.items()), len(body)) + body


@lru_cache(maxsize=64)
def _written(start: str, fields: tuple[tuple[str, str], ...], length: int) -> bytes:
    lines = "".join([f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields])
    return f"{start}\r\n{lines}Content-Length: {length}\r\n\r\n".encode("ascii")


def write_form(parts: Mapping[str, Part]) -> tuple[str, bytes]:
    """The Content-Type and the body of a form; the boundary is one that no part contains."""
    chunks = [_part_head(name, part.content_type) + part.body for name, part in parts.items()]
    whole, boundary, number = b"".join(chunks), "form-0", 0
    while boundary.encode() in whole:
        number += 1
        boundary = f"form-{number}"
    mark = f"\r\n--{boundary}\r\n".encode()
    body = mark[2:] + mark.join(chunks) + f"\r\n--{boundary}--\r\n".encode()
    return f"multipart/form-data; boundary={boundary}", body


@lru_cache(maxsize=64)
def _part_head(name: str, content_type: str) -> bytes:
    return f'Content-Disposition: form-data; name="{name}"\r\nContent-Type: {content_type}\r\n\r\n'.encode()


def read_form(content_type: str, body: bytes) -> dict[str, Part]:
    """The fields of a form by name, each at most once; else Malformed."""
    chunks = (b"\r\n" + body).split(_mark(content_type))
    if len(chunks) < 3 or chunks[0] or chunks[-1] not in (b"--", b"--\r\n"):
        raise Malformed(0, "form: boundaries")
    parts: dict[str, Part] = {}
    for chunk in chunks[1:-1]:
        head, separator, content = chunk.partition(b"\r\n\r\n")
        name, kind = _part(head, separator)
        if name in parts:
            raise Malformed(0, "form: field's name")
        parts[name] = Part(content, kind)
    return parts


@lru_cache(maxsize=64)
def _mark(content_type: str) -> bytes:
    """What stands before each part of a form."""
    found = _BOUNDARY.fullmatch(content_type)
    if found is None:
        raise Malformed(0, "form: not multipart/form-data")
    return b"\r\n--" + found[1].encode()


@lru_cache(maxsize=64)
def _part(head: bytes, separator: bytes) -> tuple[str, str]:
    """The name of a form's field and its Content-Type."""
    if not head.startswith(b"\r\n") or not separator:
        raise Malformed(0, "form: part")
    fields = _fields(_ascii(head[2:], 0))
    name = _DISPOSITION.fullmatch(fields.get("content-disposition", ""))
    if name is None:
        raise Malformed(0, "form: field's name")
    return name[1], fields.get("content-type", "text/plain")
