"""A session: one run of a scenario that can be stepped, scrubbed, changed and judged, without a screen.

A run follows from its choices alone (threat, switches, seed, what was done by hand and when), so every change
simply runs the same seed again, and a card of a few characters brings it back.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

from lab import labels, recruits, scenarios
from lab.choices import LINKS, PEERS, SEED, Act, Choices, known, parse
from lab.comparison import Comparison, Walk
from lab.film import Film
from lab.frames import Action, Frame, Strip, Switch
from lab.hands import DEEDS, Grip, Hands
from lab.judging import judging, over_seeds
from lab.scenarios import DriverFactory, Scenario, Setting, Stage
from lab.strips import strip, word
from lab.text import TONES, Tone, Word
from lab.verdicts import SEEDS, Outcome, Verdict
from lab.world import cast_of, end, world_of
from p2psip_min.defences import CATALOGUE, PRESETS, preset
from p2psip_min.errors import LocalProtocolError, P2PSIPError, TrustedBase
from p2psip_min.ids import NodeID
from p2psip_min.overlay import ROUTING, Overlay
from p2psip_min.roles import BASES
from p2psip_min.trace import Trace
from p2psip_min.transport.driver import driver_here

AFTERWARDS = 10.0
"""Virtual seconds that the overlay runs on after something was done by hand."""


class Session:
    """Runs one scenario; see ``lab.frames.SessionLike`` for what a panel asks of it.

    ``defences`` are toggled on top of the preset; ``share`` is how many of a hundred peers are hostile, 0 for as many
    as the story casts. Unknown names raise a LookupError or ValueError that lists the known ones, TrustedBase says that
    this base has no hostile peers.
    """

    def __init__(
        self,
        threat: str = "RP-2",
        *,
        base: str | None = None,
        routing: str | None = None,
        preset: str | None = None,
        links: str | None = None,
        peers: int = PEERS,
        seed: int = SEED,
        attack: bool = True,
        defences: tuple[str, ...] = (),
        share: int = 0,
        driver: DriverFactory = driver_here,
    ) -> None:
        self.scenario: Scenario = scenarios.scenario(threat)
        self._driver = driver
        choices = Choices(
            threat=self.scenario.id,
            base=known("base", base or self.scenario.bases[-1], BASES),
            routing=known("routing style", routing or self.scenario.routing[0], ROUTING),
            preset=known("preset", preset or self.scenario.preset, tuple(PRESETS)),
            seed=seed,
            peers=peers,
            attack=attack and bool(self.scenario.id),
            share=share,
        )
        for name in (*(() if preset else self.scenario.ground), *defences):
            choices = choices.toggle(name, True)
        if links is not None:
            choices = choices.toggle("tls", known("kind of link", links, LINKS) == "tls")
        self._tried: dict[str, Word] = {}
        self._runs: dict[int, dict[Setting, Outcome]] = {}
        self._pooled: tuple[object, Verdict | None] = (None, None)
        self._own = self.choices = self.before = choices
        self.scenario, self.stage = self._start(choices)
        self._follow()

    @classmethod
    def from_card(cls, card: str, *, driver: DriverFactory = driver_here) -> Session:
        """The run and the moment that a card names; ValueError when it is no card of this version's."""
        choices, check, moment = parse(card)
        session = cls(choices.threat, driver=driver)
        with ExitStack() as undo:
            undo.callback(session.close)
            session._take(choices)
            session.before = choices
            if (ours := session._check) != check:
                raise ValueError(f"this version plays {card!r} differently: its check digits would be {ours}")
            session._grow(moment)
            if moment > session.length and session.finished:
                raise ValueError(labels.past_the_end(card, session.length))
            undo.pop_all()
        session.seek(moment)
        return session

    # --- running ---------------------------------------------------------------------------------------------

    def _start(self, choices: Choices) -> tuple[Scenario, Stage]:
        """The stage, before anything is told; it has as many hostile peers as were asked for."""
        setting, share = choices.setting(), choices.share
        if not 0 <= share <= recruits.MOST:
            raise ValueError(labels.share_between(recruits.MOST))
        scenario = recruits.spread(scenarios.scenario(choices.threat), share, choices.peers)
        scenario.check(setting)
        stage = scenario.stage(scenario, setting, self._driver())
        if why := recruits.refusal(stage, share):
            stage.overlay.close()
            raise LocalProtocolError(why)
        return scenario, stage

    def _follow(self) -> None:
        """Begin the story on the stage."""
        stage, choices = self.stage, self.choices
        overlay = stage.overlay
        digest = overlay.digest()
        self._check = hashlib.sha256(f"{choices.front()}{choices.rest()}{digest}".encode()).hexdigest()[:4].upper()
        self._film = Film(world_of(stage), stage.trace.events, start=stage.start)
        self._cast = cast_of(overlay)
        self._until = max((act.at / 1000 + AFTERWARDS for act in choices.acts), default=0.0)
        self._cursor = 0

        def do(act: Act) -> None:
            # Some nodes come in the course of the story.
            stage.do(act.name, overlay.node(act.node) if act.node else None)

        def begin() -> asyncio.Task[None]:
            if grips := [act.grip for act in choices.acts if act.grip is not None]:
                Hands(overlay, grips, stage.start)
            for act in choices.acts:
                if act.grip is None:
                    overlay.loop.call_at(act.at / 1000, do, act)
            return overlay.loop.create_task(stage.story(), name="story")

        self._story = overlay.driver.call(begin)

    def _take(self, choices: Choices) -> None:
        """Play other choices from the beginning; nothing changes when they can't be played."""
        before = self.stage
        self.scenario, self.stage = self._start(choices)
        if choices != self.choices:
            self.before, self.choices = self.choices, choices
        end(before.overlay)
        self._follow()

    @property
    def overlay(self) -> Overlay:
        """The overlay of this run, for a closer look."""
        return self.stage.overlay

    @property
    def trace(self) -> Trace:
        """The trace of this run."""
        return self.stage.trace

    def _over(self) -> bool:
        return self._story.done() and self.overlay.loop.time() >= self._until

    def _work(self, enough: Callable[[], bool]) -> None:
        overlay, film, events = self.overlay, self._film, self.stage.trace.events

        def work() -> None:
            while not self._over() and not enough():
                seen = len(events)
                if overlay.loop.take_halt():
                    return
                if not overlay.loop.step():
                    self._until = 0.0  # no node is left, and nothing will come
                    return
                if cast_of(overlay) != self._cast:
                    self._cast = cast_of(overlay)
                    film.world = world_of(self.stage)
                if len(events) != seen:
                    film.extend()

        overlay.driver.call(work)
        if self._story.done():
            if not self.choices.acts or not isinstance(self._story.exception(), P2PSIPError):
                self._story.result()  # a user whom somebody's hand has stopped ends the story, and that is no error
            self._note()

    def _grow(self, moment: float) -> None:
        """Run until the moment is complete, which it is when another has begun or the story is over."""
        self._work(lambda: self._film.length > moment)

    def _note(self) -> None:
        """Keep what a whole run came to, and what it says of the defences put on top of the scenario's own."""
        if not self.finished or self.choices.acts:
            return
        outcome = self._outcomes[self.choices.setting()] = self.stage.outcome()
        if self.choices.attack:
            own = preset(self.scenario.preset).having(*self.scenario.ground).names()
            said = word(self.scenario, outcome.figure)
            self._tried |= {name: said for name in self.choices.defences.names() if name not in own}

    def close(self) -> None:
        """End the overlay."""
        end(self.overlay)

    # --- what a panel shows ----------------------------------------------------------------------------------

    @property
    def threat(self) -> str:
        """The catalogue's id; empty for the tour."""
        return self.scenario.id

    @property
    def title(self) -> str:
        """What it is about."""
        return self.scenario.title

    @property
    def subtitle(self) -> str:
        """Section, size and links."""
        return f"{self.scenario.section} · {labels.peers(self.choices.peers)}, {self.choices.links} links"

    @property
    def card(self) -> str:
        """Threat, base, routing, preset, seed and check digits; then what differs from that; then the moment."""
        moment = f"@{self._cursor}" if self._cursor else ""
        return f"{self.choices.front()}-{self._check}{self.choices.rest()}{moment}"

    @property
    def cursor(self) -> int:
        """The moment shown."""
        return self._cursor

    @property
    def length(self) -> int:
        """How many moments there are so far."""
        return self._film.length

    @property
    def finished(self) -> bool:
        """Whether the story is over."""
        return self._over()

    def frame(self, cursor: int | None = None) -> Frame:
        """The frame at a moment; the current one without an argument."""
        frame = self._film.frame(self._cursor if cursor is None else cursor)
        if self.scenario.id and frame.cursor == self.length and self.finished:
            # What the metric says of the whole run; on the way there the trace shows what it can.
            said = word(self.scenario, self.stage.figure())
            return frame if said is Word.HOLDS and TONES[frame.word] is Tone.GOOD else replace(frame, word=said)
        since = self.stage.harmed_since()
        return replace(frame, word=self.scenario.word) if since is not None and frame.t >= since else frame

    def step(self) -> Frame:
        """One moment on."""
        self._grow(self._cursor + 1)
        return self.seek(self._cursor + 1)

    def back(self) -> Frame:
        """One moment back."""
        return self.seek(self._cursor - 1)

    def seek(self, cursor: int) -> Frame:
        """To any moment that has been run."""
        self._cursor = max(0, min(cursor, self.length))
        return self.frame()

    def play(self) -> Iterator[Frame]:
        """The frames from here to the end, one by one."""
        while not (self.finished and self._cursor == self.length):
            yield self.step()

    def run(self) -> Frame:
        """The story to its end."""
        self._grow(math.inf)
        return self.seek(self.length)

    def reset(self) -> None:
        """The choices that the session began with, before the first moment."""
        self._take(self._own)
        self._tried.clear()

    # --- switches --------------------------------------------------------------------------------------------

    def set(self, name: str, value: str | int | bool) -> None:
        """Move one switch and run the same seed again to where it was; TrustedBase, ValueError or LookupError."""
        choices = self._moved(name, value)
        ended, began, t = self.finished, self._cursor == 0, self.frame().t
        self._take(choices)
        if ended:
            self.run()
        elif not began:
            self._work(lambda: self.overlay.now > t)
            self.seek(sum(tick.t <= t for tick in self.frame(self.length).ticks))

    def _moved(self, name: str, value: str | int | bool) -> Choices:
        choices = self.choices
        match name:
            case "base":
                choices = replace(choices, base=known("base", str(value), BASES))
                if choices.base == "trusted" and self.scenario.insider and choices.attack:
                    raise TrustedBase(labels.needs_a_hostile_peer(self.scenario.id))
            case "routing":
                choices = replace(choices, routing=known("routing style", str(value), ROUTING))
            case "preset":
                choices = replace(choices, preset=known("preset", str(value), tuple(PRESETS)), toggled=())
            case "links":
                choices = choices.toggle("tls", known("kind of link", str(value), LINKS) == "tls")
            case "attack":
                if value and not self.scenario.id:
                    raise LocalProtocolError("nobody attacks on the tour: open a threat")
                choices = replace(choices, attack=bool(value))
            case "seed" | "peers" | "share":
                choices = choices.numbered(name, value)
            case _:
                if name not in (each.name for each in CATALOGUE):
                    switches = "base, routing, preset, links, attack, seed, peers, share"
                    names = ", ".join(each.name for each in CATALOGUE)
                    raise LookupError(f"no switch {name!r}; known: {switches}, {names}")
                choices = choices.toggle(name, bool(value))
        return choices

    def column(self, name: str) -> Frame:
        """Play one of the verdict's runs to its end: "baseline", "attacked", "defended" or "decoy"."""
        if not self.scenario.defence:
            raise LocalProtocolError("there are no runs to choose from on the tour: open a threat")
        planned = scenarios.columns(self.scenario, self._ground())
        chosen = planned[known("column", name, tuple(planned))]
        choices = replace(self.choices, preset=self.scenario.preset, attack=chosen.attack, toggled=(), acts=())
        on = chosen.defences.names()
        for each in CATALOGUE:
            choices = choices.toggle(each.name, each.name in on)
        self._take(choices)
        return self.run()

    def switches(self) -> tuple[Switch, ...]:
        """Every control, in order."""
        choices, scenario, on = self.choices, self.scenario, set(self.choices.defences.names())
        named = {*scenario.defence, *scenario.decoys, *(name for claimed in scenario.claims for name in claimed)}
        nobody = "" if scenario.id else labels.NOBODY_ATTACKS

        def choice(name: str, value: str, known: tuple[str, ...]) -> Switch:
            return Switch(name=name, label=name, group=name, value=value, choices=known)

        return (
            choice("base", choices.base, BASES),
            choice("routing", choices.routing, ROUTING),
            choice("preset", choices.preset, tuple(PRESETS)),
            choice("links", "tls" if "tls" in on else "plain", LINKS),
            Switch(name="attack", label="attack", group="attack", value=choices.attack, locked=nobody),
            Switch(name="seed", label="seed", group="seed", value=choices.seed),
            Switch(name="peers", label="peers", group="number", value=choices.peers),
            recruits.switch(self.stage, choices.share),
            *(
                Switch(
                    name=each.name,
                    label=each.title,
                    group="defence",
                    value=each.name in on,
                    checks=each.checks,
                    price=each.cost,
                    section=each.section,
                    word=self._tried.get(each.name),
                    named=each.name in named,
                )
                for each in CATALOGUE
            ),
        )

    # --- by hand ---------------------------------------------------------------------------------------------

    def actions(self) -> tuple[Action, ...]:
        """What can be done now, and why the rest can't."""
        return tuple(
            Action(name=deed.name, label=deed.label, help=deed.help, locked=self._locked(deed.name))
            for deed in recruits.actions(self.stage)
        )

    def _locked(self, name: str) -> str:
        try:
            self.stage.check_deed(name, None)
        except P2PSIPError as refused:
            return str(refused)
        return ""

    def inject(self, name: str, node: bytes = b"") -> Frame:
        """Do something right after the moment shown, which forks the run; the first frame that shows it.

        Raises TrustedBase or LocalProtocolError when it can't be done.
        """
        target = self.overlay.node(NodeID(node)) if node else None
        self.stage.check_deed(name, target)
        t = max(self.frame().t, self.stage.began)
        return self._fork(Act(name, self.choices.free(math.floor(t * 1000) + 1), target.name if target else ""))

    def touch(self, deed: str, number: int, value: int = 0, *, inside: bool = True) -> Frame:
        """Lay hands on message row ``number``, which forks the run there; the first frame that shows it.

        ``value`` is the bit to flip, or the seconds to wait. ``inside`` the sender, before its link protects the
        message, or on the wire. Raises TrustedBase where the sender is a peer that can't be hostile.
        """
        known("deed", deed, DEEDS)
        row = self._film.frame(self.length).row(number)
        if row is None:
            raise LocalProtocolError(f"there is no message {number}: {len(self._film.frame(self.length).rows)} so far")
        if inside:
            sender = self.overlay.node(NodeID(row.sender))
            self.overlay.roles.permit(sender.node_id, sender.name, peer=not sender.is_client)
        self.seek(max(0, row.cursor - 1))
        return self._fork(Act(deed, math.floor(row.t * 1000), grip=Grip(deed, row.sent, value, inside)))

    def _fork(self, act: Act) -> Frame:
        """The same seed again, with one more act; what was done later than that is undone."""
        moment = self._cursor
        earlier = tuple(done for done in self.choices.acts if done.at <= act.at)
        self._take(replace(self.choices, acts=(*earlier, act)))
        self._grow(moment)
        self.seek(moment)
        # Others may act at the instant that was shown, before this is done.
        return next((frame for frame in self.play() if frame.t >= act.at / 1000), None) or self.frame()

    # --- two runs --------------------------------------------------------------------------------------------

    def other(self) -> Session:
        """The run before the last change, on a session of its own, run to its end; the caller closes it."""
        session = Session(self.before.threat, driver=self._driver)
        session._take(self.before)
        session.run()
        return session

    def compare(self, other: Session) -> Comparison:
        """This run's messages beside another's; both are run to their ends."""
        return self.walk(other).found

    def walk(self, other: Session) -> Walk:
        """A way through another run and this one at once; both are run to their ends."""
        self._grow(math.inf)
        other.run()
        return Walk(other, self)

    # --- the verdict -----------------------------------------------------------------------------------------

    @property
    def _outcomes(self) -> dict[Setting, Outcome]:
        """What was run with this share of hostile peers."""
        return self._runs.setdefault(self.choices.share, {})

    def _ground(self) -> Setting:
        """The setting of the verdict's runs: this one's base, routing, size and seed, the scenario's own defences."""
        scenario, choices = self.scenario, self.choices
        settled = "tls" in (*scenario.defence, *scenario.decoys)
        return scenarios.setting(
            scenario,
            base=choices.base,
            routing=choices.routing,
            peers=choices.peers,
            links=None if settled else choices.links.lower(),
            seed=choices.seed,
        )

    def verdict(self) -> Strip | None:
        """The strip as far as it is known; None where there is nothing to judge."""
        if not self.scenario.defence:
            return None
        try:
            ground = self._ground()
        except (TrustedBase, ValueError):
            return None
        return strip(self.scenario, ground, self._outcomes, self._shown())

    def judge(self) -> Strip:
        """Run what is missing of the verdict."""
        for _ in self.judging():
            pass
        return strip(self.scenario, self._ground(), self._outcomes, self._shown())

    def judging(self, seeds: int = 1) -> Iterator[tuple[int, int]]:
        """As ``judge``, one run after the other, over this seed or several; how many are done, and of how many."""
        if not self.scenario.defence:
            raise LocalProtocolError("there is nothing to judge on the tour: open a threat")
        scenario, ground, outcomes = self.scenario, self._ground(), self._outcomes
        yield from judging(scenario, ground, seeds, outcomes, self._driver)
        planned = scenarios.columns(scenario, ground)
        for column, names in (("defended", scenario.defence), ("decoy", scenario.decoys[:1])):
            if planned[column] in outcomes:
                self._tried |= {name: word(scenario, outcomes[planned[column]].figure) for name in names}

    def over_seeds(self, seeds: int = SEEDS) -> Verdict | None:
        """The verdict over those of so many seeds that were run in every column; None without any."""
        key = (self.choices, seeds, len(self._outcomes))
        if self._pooled[0] != key:
            judged = len(self._outcomes) > 1 and self.verdict() is not None
            found = over_seeds(self.scenario, self._ground(), seeds, self._outcomes) if judged else None
            self._pooled = (key, found)
        return self._pooled[1]

    def _shown(self) -> Setting | None:
        """The setting of this run, unless somebody interfered."""
        return None if self.choices.acts else self.choices.setting()
