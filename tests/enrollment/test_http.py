"""The little HTTP that enrollment speaks: what it takes, and that it takes nothing else."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2psip_min.enrollment.http import (
    MAX_HEAD,
    MAX_REQUEST_BODY,
    Message,
    Part,
    Reader,
    answer,
    read_form,
    request,
    write_form,
)
from p2psip_min.errors import Malformed

GET = request("GET", "/page", "example.org")
POST = request("POST", "/form", "example.org", b"\r\n\r\nbody", Accept="text/plain", Content_Type="a/b")


@given(st.lists(st.integers(0, len(GET) + len(POST)), max_size=6))
def test_messages_arrive_however_they_are_cut(cuts: list[int]) -> None:
    data = GET + POST
    places = [0, *sorted(cuts), len(data)]
    reader = Reader()
    pieces = (data[start:end] for start, end in pairwise(places))
    messages = [message for piece in pieces for message in reader.feed(piece)]
    assert [(each.method, each.target, each.body) for each in messages] == [
        ("GET", "/page", b""),
        ("POST", "/form", b"\r\n\r\nbody"),
    ]
    assert messages[1].headers["content-type"] == "a/b"


def test_answers() -> None:
    (message,) = Reader(answers=True).feed(answer(403, "text/plain", b"bad_CSR"))
    assert message == Message(
        {"content-type": "text/plain", "content-length": "7"}, b"bad_CSR", method="", target="", status=403
    )


@pytest.mark.parametrize(
    "data",
    [
        b"GET /page HTTP/1.0\r\nHost: a\r\n\r\n",
        b"GET page HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET  /page HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /page HTTP/1.1\r\n\r\n",
        b"GET /page HTTP/1.1\nHost: a\r\n\r\n",
        b"GET /page HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET /page HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
        b"GET /page HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /page HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\ncontent-length: 2\r\n\r\n",
        b"GET /page HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"GET /page HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n",
        b"GET /page HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET /page HTTP/1.1\r\nHost: \xff\r\n\r\n",
        b"GET /page HTTP/1.1\r\nHost: a\x00\r\n\r\n",
        b"\x16\x03\x01\r\n\r\n",
        b"\r\n\r\n",
        b"x" * (MAX_HEAD + 1),
        b"GET /" + b"x" * MAX_HEAD + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: {MAX_REQUEST_BODY + 1}\r\n\r\n".encode(),
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: " + b"1" * 4000 + b"\r\n\r\n",
    ],
)
def test_malformed_messages(data: bytes) -> None:
    with pytest.raises(Malformed):
        list(Reader().feed(data))


def test_a_form_comes_back() -> None:
    parts = {"csr": Part(b"\x00\r\n--\r\n\r\n", "application/pkcs10"), "username": Part("ä".encode())}
    content_type, body = write_form(parts)
    assert read_form(content_type, body) == parts
    parts = {"username": Part(b"form-0"), "password": Part(b"\r\n--form-1\r\n--form-2--")}
    content_type, body = write_form(parts)
    assert read_form(content_type, body) == parts
    other = b'--x\r\nContent-Disposition: form-data; name="csr"; filename="a.der"\r\n\r\n\r\n--x--'
    assert read_form("multipart/form-data; boundary=x", other) == {"csr": Part(b"")}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain", b""),
        ("multipart/form-data", b""),
        ("multipart/form-data; boundary=", b""),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"--x--"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb'),
        (
            "multipart/form-data; boundary=x",
            b'junk\r\n--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n--x--',
        ),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Type: a/b\r\n\r\nb\r\n--x--"),
        ("multipart/form-data; boundary=x", b"--x\r\nno separator\r\n--x--"),
        ("multipart/form-data; boundary=x", b'--xContent-Disposition: form-data; name="a"\r\n\r\n\r\n--x--'),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' * 2 + b"--x--",
        ),
    ],
)
def test_malformed_forms(content_type: str, body: bytes) -> None:
    with pytest.raises(Malformed):
        read_form(content_type, body)


@given(st.binary(max_size=300), st.booleans())
def test_rubbish_raises_nothing_but_malformed(data: bytes, answers: bool) -> None:
    try:
        list(Reader(answers=answers).feed(data + b"\r\n\r\n"))
        read_form("multipart/form-data; boundary=x", data)
    except Malformed:
        pass
