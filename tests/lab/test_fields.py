"""The inspector: names, offsets and bytes of a real message."""

from __future__ import annotations

import pytest

from lab import fields
from tests.lab.story import Story


@pytest.fixture(scope="module")
def story() -> Story:
    return Story().tell()


def test_pieces_are_the_message(story: Story) -> None:
    for row in story.film().frame(99).rows:
        groups = fields.inspect(row.message, story.world, 41.0)
        assert b"".join(field.raw for group in groups for field in group.fields) == row.message
        offset = 0
        for field in (field for group in groups for field in group.fields):
            assert field.offset == offset
            offset += len(field.raw)


def test_a_store_shows_its_record_and_what_its_owner_signed(story: Story) -> None:
    row = story.film().frame(99).rows[0]
    found = {field.name: field for group in fields.inspect(row.message, story.world, 41.0) for field in group.fields}
    assert found["storage_time"].meaning == "0.000 s, 41.0 s ago"
    assert found["resource"].meaning == "H(alice@overlay.net)"
    assert found["value"].meaning == "sip:alice@192.0.2.10"
    signed = {name for name, field in found.items() if field.signed}
    assert {"resource", "kind", "storage_time", "key", "exists", "value"} <= signed
    assert not signed & {"lifetime", "generation_counter", "message_code", "via_list"}


def test_bytes_that_are_no_message_are_shown_with_the_reason(story: Story) -> None:
    (group,) = fields.inspect(b"\xd2ELO" + bytes(8), story.world, 0.0)
    assert group.title == "not a message"
    assert "offset" in group.note


@pytest.mark.parametrize(("code", "name"), [(9, "Data_Too_Old"), (10, "TTL_Exceeded"), (0x99, "0x99")])
def test_errors_have_their_names(code: int, name: str) -> None:
    assert fields.error_label(code) == name
