"""Protections of a program from what it is sent (draft 11.4)."""

from __future__ import annotations

from dataclasses import dataclass

from p2psip_min.defences.base import RELOAD, Defence
from p2psip_min.wire.parsing import Lenient, ParsingPolicy, Strict


@dataclass(frozen=True, kw_only=True)
class SoftwareDefences:
    """What protects a program from software errors."""

    parsing: ParsingPolicy = Lenient()


SOFTWARE: tuple[Defence, ...] = (
    Defence(
        name="strict-parser",
        title="Strict parser",
        field="parsing",
        on=Strict(),
        off=Lenient(),
        checks="each length lies within what contains it, nothing is left over, and what can't be read is refused",
        stops="messages made to crash a peer or to slip past a check",
        cost="no bytes",
        section="draft 11.4, RFC 6940 §6.3",
        presets=(RELOAD,),
    ),
)
