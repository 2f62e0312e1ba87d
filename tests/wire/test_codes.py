"""Names and numbers of methods (RFC 6940 §14.8)."""

from __future__ import annotations

import pytest

from p2psip_min.wire.messages import BODIES, MessageCode, answer_code, is_request, method_name


def test_every_request_has_its_answer() -> None:
    requests = [code for code in BODIES if is_request(code)]
    assert len(requests) == 14
    for code in requests:
        assert not is_request(answer_code(code))
        assert method_name(answer_code(code)) == method_name(code).replace("Req", "Ans")


def test_an_error_is_no_request_though_its_code_is_odd() -> None:
    assert not is_request(MessageCode.ERROR)
    assert method_name(MessageCode.ERROR) == "Error"


@pytest.mark.parametrize(
    ("code", "name"), [(0x17, "PingReq"), (0x1E, "AppAttachAns"), (0x23, "0x23"), (0x8001, "0x8001")]
)
def test_names(code: int, name: str) -> None:
    assert method_name(code) == name


def test_bodies_know_their_codes() -> None:
    assert set(BODIES) == {int(code) for code in MessageCode}
    for code, body in BODIES.items():
        assert body.code == code
