"""A session on the hand-written story, so that the panel can be tried without an overlay."""

from __future__ import annotations

from lab.film import Film
from lab.frames import Action, Column, Frame, Strip, Switch
from lab.text import Word
from p2psip_min.errors import TrustedBase
from p2psip_min.trace import Event
from tests.lab.story import Story

DEFENCES = (
    ("tls", "TLS on every link", "only the two ends of a hop see a message", "22 bytes a record", "draft 5.1"),
    ("record-signature", "Record signature", "the owner's value cannot be changed", "111 bytes", "RFC 6940 §7.1"),
    ("version", "Version counter", "no version below the stored one", "+8 bytes", "draft 11.1, Req. 9"),
    ("timestamp", "Time stamp window", "storer takes what is under 60 s old", "0 bytes", "draft 11.1"),
)


class StorySession:
    """Plays the story of RP-2; the version counter is its only switch with an effect."""

    threat, title = "RP-2", "Replay by a forwarding peer"

    def __init__(self, count: int = 32) -> None:
        self.count = count
        self.values: dict[str, str | int | bool] = {"base": "untrusted", "routing": "recursive", "preset": "draft"}
        self.values |= {"attack": True, "seed": 7, "tls": True, "record-signature": True}
        self.judged = False
        self.reset_story()

    def reset_story(self) -> None:
        story = Story(self.count, refused=bool(self.values.get("version"))).tell()
        self.told, self.events = story.events, list[Event]()
        self.film = Film(story.world, self.events)
        self.cursor = 0

    @property
    def subtitle(self) -> str:
        return f"draft 11.1 · {self.count} peers, TLS links"

    @property
    def card(self) -> str:
        return f"RP2-U-R-D-{self.values['seed']}-9C41"

    @property
    def length(self) -> int:
        return self.film.length

    @property
    def finished(self) -> bool:
        return len(self.events) == len(self.told)

    def frame(self, cursor: int | None = None) -> Frame:
        return self.film.frame(self.cursor if cursor is None else cursor)

    def _grow(self) -> None:
        while not self.finished and self.cursor >= self.film.length:
            now = self.told[len(self.events)]
            while not self.finished and (self.told[len(self.events)].t, self.told[len(self.events)].node) == (
                now.t,
                now.node,
            ):
                self.events.append(self.told[len(self.events)])
            self.film.extend()

    def step(self) -> Frame:
        self._grow()
        self.cursor = min(self.cursor + 1, self.film.length)
        return self.frame()

    def back(self) -> Frame:
        return self.seek(self.cursor - 1)

    def seek(self, cursor: int) -> Frame:
        self.cursor = max(0, min(cursor, self.length))
        return self.frame()

    def run(self) -> Frame:
        self.events.extend(self.told[len(self.events) :])
        self.film.extend()
        return self.seek(self.length)

    def reset(self) -> None:
        self.values |= {"seed": 7, "version": False}
        self.reset_story()

    def set(self, name: str, value: str | int | bool) -> None:
        if (name, value) == ("base", "trusted"):
            raise TrustedBase("on a trusted base every peer is the operator's, so p27 can't be made hostile")
        ran = self.finished
        self.values[name] = value
        self.reset_story()
        if ran:
            self.run()

    def inject(self, name: str, node: bytes = b"") -> Frame:
        return self.run()

    def actions(self) -> tuple[Action, ...]:
        return ()

    def switches(self) -> tuple[Switch, ...]:
        def choice(name: str, *choices: str) -> Switch:
            return Switch(name=name, label=name, group=name, value=self.values[name], choices=choices)

        return (
            choice("base", "trusted", "untrusted"),
            choice("routing", "recursive", "iterative"),
            choice("preset", "none", "draft", "reload", "hardened"),
            Switch(name="attack", label="attack", group="attack", value=self.values["attack"]),
            Switch(name="seed", label="seed", group="seed", value=self.values["seed"]),
            *(
                Switch(
                    name=name,
                    label=label,
                    group="defence",
                    value=bool(self.values.get(name)),
                    checks=checks,
                    price=price,
                    section=section,
                    word=Word.HOLDS if name == "version" and self.judged else None,
                    named=True,
                )
                for name, label, checks, price, section in DEFENCES
            ),
        )

    def verdict(self) -> Strip:
        current = bool(self.values.get("version"))
        titles = (
            ("No attack", "mallory forwards honestly", Word.HOLDS, 0, "v2", False, ()),
            ("Attacked", "this run, shown above", Word.ROLLED_BACK, 3, "v1", not current, ()),
            ("Defended: version counter", "refuses version 1 after 2", Word.HOLDS, 0, "v2", current, ("+8 bytes",)),
            ("Decoy: time stamp only", "takes what is under 60 s old", Word.ROLLED_BACK, 3, "v1", False, ("0 bytes",)),
        )
        return Strip(
            metric="rollbacks accepted, of 3 copies",
            rows=("bob reads", "honest PUTs accepted"),
            priced="price of one PUT",
            whole=3,
            complete=self.judged,
            columns=tuple(
                Column(
                    title=title,
                    note=note,
                    word=word if self.judged else Word.NOT_RUN,
                    figure=figure if self.judged else None,
                    facts=(reads, "2 of 2") if self.judged else ("", ""),
                    price=price and (*price, "0 extra hops, 0 signatures"),
                    current=now and self.judged,
                )
                for title, note, word, figure, reads, now, price in titles
            ),
        )

    def judge(self) -> Strip:
        self.judged = True
        return self.verdict()
