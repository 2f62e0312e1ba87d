"""What a run follows from, as a value, and as a card: a few characters that bring the run back.

``RP2-U-R-D-7-9C41`` is threat, base, routing, preset, seed and check digits; then comes what differs from that
(``.p16`` peers, ``.calm`` no attack, ``.h25`` a quarter of the peers hostile, a defence's name where it was switched,
``.crash:p07/12000`` something done by hand at a virtual millisecond, ``.flip~14+133w/12000`` something done to the 14th
transmission, on the wire), and ``@57`` for the moment. A card that says what earlier versions could not say carries
the number of its ``FORMAT`` (``.v2``); one that does not is as old as it can be.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

from lab.hands import DEEDS, Grip
from lab.scenarios import SCENARIOS, Setting
from p2psip_min.defences import CATALOGUE, PRESETS, Defences, entry, preset
from p2psip_min.errors import LocalProtocolError
from p2psip_min.overlay import ROUTING
from p2psip_min.roles import BASES

LINKS = ("plain", "tls")
PEERS, SEED = 32, 7
FORMAT = 2
"""The newest format of cards: 2 has the share of hostile peers."""

MOST_PEERS = 5000
"""Their keys alone take seconds to make."""

_CARD = re.compile(r"([A-Z]+\d*)-([TU])-([RI])-([NDRH])-(-?\d+)-([0-9A-F]{4})((?:\.[^.@]+)*)(?:@(\d+))?")
_ACT = re.compile(r"([a-z]+)(?::([^~/]+))?(?:~(\d+)\+(\d+)([iw]))?/(\d+)")
_BASE, _ROUTING, _PRESET = ({name[0].upper(): name for name in names} for names in (BASES, ROUTING, tuple(PRESETS)))
_TOUR = "TOUR"


@dataclass(frozen=True, slots=True)
class Act:
    """Something done by hand at a virtual millisecond.

    To a node by name (empty: whoever the stage chooses), or to the transmission of a message (``grip``).
    """

    name: str
    at: int
    node: str = ""
    grip: Grip | None = None

    def __str__(self) -> str:
        grip = self.grip
        held = f"~{grip.sent}+{grip.value}{'i' if grip.inside else 'w'}" if grip else ""
        return f"{self.name}{':' + self.node if self.node else ''}{held}/{self.at}"


@lru_cache(maxsize=64)
def _defences(name: str, toggled: tuple[str, ...]) -> Defences:
    """A preset with these defences turned over; a panel asks for it several times a picture."""
    chosen = preset(name)
    on = set(chosen.names())
    off = [each for each in toggled if each in on]
    return chosen.without(*off).having(*(each for each in toggled if each not in on))


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """All that a run follows from; ``toggled`` are the defences that differ from the preset, in catalogue order.

    ``share`` is how many of a hundred peers are hostile, 0 for as many as the story casts.
    """

    threat: str
    base: str
    routing: str
    preset: str
    seed: int = SEED
    peers: int = PEERS
    attack: bool = True
    toggled: tuple[str, ...] = ()
    acts: tuple[Act, ...] = ()
    share: int = 0

    def __post_init__(self) -> None:
        for name in ("seed", "peers", "share"):
            if type(number := getattr(self, name)) is not int:
                raise LocalProtocolError(f"{name} is a whole number, not {number!r}")
        if self.peers > MOST_PEERS:
            raise LocalProtocolError(f"at most {MOST_PEERS} peers fit into one run, not {self.peers}")

    @property
    def defences(self) -> Defences:
        """The preset with what was toggled."""
        return _defences(self.preset, self.toggled)

    @property
    def links(self) -> str:
        """What kind of links these defences mean."""
        return "TLS" if "tls" in self.defences.names() else "plain"

    def toggle(self, name: str, on: bool) -> Choices:
        """These choices with one defence on or off; of those that set the same policy, the last one chosen is on."""
        field = entry(name).field
        if on == (name in self.defences.names()):
            return self
        rivals = {each for each in self.toggled if entry(each).field == field and each != name} if on else set()
        wanted = (set(self.toggled) - rivals) ^ {name}
        return replace(self, toggled=tuple(each.name for each in CATALOGUE if each.name in wanted))

    def numbered(self, name: str, number: object) -> Choices:
        """These choices with another "seed", "peers" or "share", as a number or as its digits."""
        changed: dict[str, Any] = {name: int(str(number)) if re.fullmatch(r"-?\d+", str(number)) else number}
        return replace(self, **changed)

    def free(self, at: int) -> int:
        """The first millisecond from this one on in which nothing is done by hand yet."""
        while any(act.at == at for act in self.acts):
            at += 1
        return at

    def setting(self) -> Setting:
        """What a stage is built from."""
        return Setting(
            base=self.base,
            routing=self.routing,
            defences=self.defences,
            peers=self.peers,
            seed=self.seed,
            attack=self.attack,
        )

    def front(self) -> str:
        """The card's first part."""
        name = self.threat.replace("-", "") or _TOUR
        letters = "-".join(word[0].upper() for word in (self.base, self.routing, self.preset))
        return f"{name}-{letters}-{self.seed}"

    def rest(self) -> str:
        """What else the card has to say."""
        parts = [f"v{FORMAT}"] if self.share else []
        parts += [f"p{self.peers}"] if self.peers != PEERS else []
        if self.threat and not self.attack:
            parts.append("calm")
        if self.share:
            parts.append(f"h{self.share}")
        parts += self.toggled
        parts += [str(act) for act in self.acts]
        return "".join(f".{part}" for part in parts)


class Card(NamedTuple):
    """A card taken apart."""

    choices: Choices
    check: str
    moment: int


def parse(card: str) -> Card:
    """ValueError or KeyError when it is no card, or names something unknown."""
    found = _CARD.fullmatch(card.strip())
    if found is None:
        raise ValueError(f"{card!r} is no card; one looks like RP2-U-R-D-7-9C41")
    name, base, routing, chosen, seed, check, rest, moment = found.groups()
    ids = {each.replace("-", ""): each for each in SCENARIOS} | {_TOUR: ""}
    threat = ids[known("threat", name, tuple(ids))]
    choices = Choices(
        threat=threat,
        base=_BASE[base],
        routing=_ROUTING[routing],
        preset=_PRESET[chosen],
        seed=int(seed),
        attack=bool(threat),
    )
    for part in rest.split(".")[1:]:
        if re.fullmatch(r"p\d+", part):
            choices = replace(choices, peers=int(part[1:]))
        elif re.fullmatch(r"h\d+", part):
            choices = replace(choices, share=int(part[1:]))
        elif re.fullmatch(r"v\d+", part):
            if int(part[1:]) > FORMAT:
                raise ValueError(f"{card!r} is a card of format {part[1:]}; this version reads cards up to {FORMAT}")
        elif part == "calm":
            choices = replace(choices, attack=False)
        elif "/" in part:
            choices = replace(choices, acts=(*choices.acts, _act(card, part)))
        else:
            choices = choices.toggle(part, part not in choices.defences.names())
    return Card(choices, check, int(moment or 0))


def _act(card: str, part: str) -> Act:
    found = _ACT.fullmatch(part)
    if found is None:
        raise ValueError(f"{card!r} is no card: {part!r} is nothing that is done by hand")
    name, node, sent, value, where, at = found.groups()
    if sent is None:
        return Act(name, int(at), node or "")
    grip = Grip(known("deed", name, DEEDS), int(sent), int(value), where == "i")
    return Act(name, int(at), node or "", grip)


def known(what: str, value: str, names: tuple[str, ...]) -> str:
    """The value; ValueError that lists the names when it is none of them."""
    if value not in names:
        raise ValueError(f"no {what} {value!r}; known: {', '.join(names)}")
    return value
