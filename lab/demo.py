"""The demonstration: a registration, a call, a replay, a defence; told from the trace of two runs of one seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from lab import scenarios
from lab.scenarios import Scenario, Setting
from lab.scenarios.replay import RP_2, ReplayStage
from lab.text import Word, series, version
from lab.verdicts import Verdict
from p2psip_min import trace as events
from p2psip_min.clock import virtual
from p2psip_min.errors import TrustedBase
from p2psip_min.wire.messages import MessageCode

CALLS = 10.0
"""Virtual second of bob's call."""


class DemoStage(ReplayStage):
    """RP-2's story, with a call while all is well."""

    async def interlude(self) -> None:
        """Bob calls alice."""
        await self.until(CALLS)
        await self.perform("call", self.overlay.phone("bob").call(self.overlay.aor("alice")))


DEMO: Scenario = replace(RP_2, stage=DemoStage)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened, at a virtual second."""

    t: float
    text: str


@dataclass(frozen=True, slots=True)
class Run:
    """One run: its story, what bob read, how many copies were rolled back, and the trace's digest."""

    lines: tuple[Line, ...]
    bob_reads: str
    rollbacks: int
    digest: str

    @property
    def word(self) -> Word:
        """What the run is called."""
        return Word.ROLLED_BACK if self.rollbacks else Word.HOLDS


@dataclass(frozen=True, slots=True)
class Demo:
    """Both runs and the verdict; ``refused`` says why nobody attacked, ``note`` why an attack came to nothing."""

    setting: Setting
    attacked: Run
    defended: Run | None
    verdict: Verdict | None
    refused: str
    note: str

    def to_json(self) -> dict[str, Any]:
        """Plain values."""

        def run(one: Run | None) -> Any:
            if one is None:
                return None
            story = [{"t": line.t, "text": line.text} for line in one.lines]
            return {
                "story": story,
                "bob_reads": one.bob_reads,
                "rollbacks": one.rollbacks,
                "word": one.word.value,
                "digest": one.digest,
            }

        return {
            "peers": self.setting.peers,
            "base": self.setting.base,
            "routing": self.setting.routing,
            "links": links(self.setting),
            "seed": self.setting.seed,
            "attacked": run(self.attacked),
            "defended": run(self.defended),
            "verdict": None if self.verdict is None else self.verdict.to_json(),
            "refused": self.refused,
            "note": self.note,
        }


def links(setting: Setting) -> str:
    """The kind of links of a setting."""
    return "tls" if "tls" in setting.defences.names() else "plain"


def play(*, base: str, routing: str, peers: int, seed: int, links: str | None) -> Demo:
    """Run everything; ValueError for what can't be run."""
    try:
        ground = scenarios.setting(DEMO, base=base, routing=routing, peers=peers, seed=seed, links=links)
    except TrustedBase as error:
        ground = scenarios.setting(DEMO, routing=routing, peers=peers, seed=seed, links=links)
        ground = replace(ground, base=base, attack=False)
        return Demo(ground, _run(ground), None, None, str(error), "")
    note = ""
    if routing not in DEMO.routing:
        note = "with iterative routing alice's PUT goes straight to its root: nobody forwards it, nobody can keep it"
    verdict = scenarios.verdict(RP_2, ground)
    return Demo(ground, _run(ground), _run(ground.with_defences(RP_2.defence)), verdict, "", note)


def _run(setting: Setting) -> Run:
    stage = DemoStage(DEMO, setting)
    try:
        stage.overlay.run(stage.story())
        return Run(tuple(_tell(stage)), stage.version_read(), int(stage.figure()), stage.overlay.digest())
    finally:
        stage.overlay.close()


def _tell(stage: DemoStage) -> list[Line]:
    """The trace in a few lines."""
    overlay, trace = stage.overlay, stage.trace
    names: dict[bytes, str] = {node.node_id: node.name for node in overlay.nodes.values()}
    names[stage.mallory.node_id] = f"mallory ({stage.mallory.name})" if stage.setting.attack else stage.mallory.name
    times = stage.times()
    told: list[Line] = []
    rolled: list[tuple[int, str]] = []
    for event in trace.events[stage.start :]:
        said = ""
        match event:
            case events.StoreAcknowledged():
                way = [names[node] for node in trace.path(event.transaction_id)[1:]]
                copies = series([names[node] for node in event.replicas if node in names])
                now = version(sum(virtual(time) <= event.t for time in times))
                said = f"{names[event.node]} registers: PUT {now} by {' → '.join(way)}; copies at {copies}"
            case events.CallSetUp():
                said = f"{names[event.node]} calls {event.aor}: {names.get(event.remote, 'somebody')} answers"
            case events.CallFailed():
                said = f"{names[event.node]} calls {event.aor}: {event.reason}"
            case events.ClientAttached():
                said = f"{names[event.node]} moves to {names[event.peer]}"
            case events.MessageSent() if event.code == MessageCode.STORE_REQ and event.node in stage.attacks:
                said = f"{names[event.node]} resends the PUT of v1 that it kept, to {names[event.next_hop]}"
            case events.RecordReplaced() if event.storage_time < event.replaced:
                rolled.append((event.replica, names[event.node]))
                older, newer = (version(times.index(time) + 1) for time in (event.storage_time, event.replaced))
                told = [line for line in told if " over " not in line.text]
                said = f"{series([name for _, name in sorted(rolled)])} put {older} over {newer}"
            case events.StoreRejected():
                said = f"{names[event.node]} refuses it: {event.reason}"
            case events.Resolved() if event.t > CALLS + 20:
                said = f"{names[event.node]} looks alice up and reads {stage.version_read()}"
            case _:
                continue
        if said:
            told.append(Line(round(event.t, 3), said))
    return told
