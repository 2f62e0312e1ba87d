"""The day before a class: every demonstration run headless and timed, and a page of each that needs no kernel.

A demonstration is good when its verdict holds on this machine and the story is ready within ``PATIENCE`` seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape

from lab import export, labels, tables
from lab.playlists import Demo, Playlist
from lab.session import Session
from lab.style import sheet
from lab.text import Word
from p2psip_min.errors import P2PSIPError

PATIENCE = 2.0
"""Seconds that a class waits for a story."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """How one demonstration went: seconds for the story and for all runs of its verdict; ``page`` is its HTML."""

    demo: Demo
    story: float
    verdict: float
    word: Word
    problem: str
    card: str = ""
    page: str = ""

    @property
    def good(self) -> bool:
        """Whether it can be shown."""
        return not self.problem


def rehearse(demo: Demo, *, clock: Callable[[], float] = time.perf_counter) -> Rehearsal:
    """Run one demonstration as the panel would; what goes wrong is its ``problem``, in one line."""
    began = clock()
    try:
        session = Session(demo.threat, base=demo.base)
    except (P2PSIPError, LookupError, ValueError) as error:
        return Rehearsal(demo=demo, story=0.0, verdict=0.0, word=Word.NOT_RUN, problem=str(error))
    try:
        frame = session.run()
        told = clock()
        strip = session.judge()
        judged = clock()
        words = [column.word for column in strip.columns]
        problem = ""
        if words[1] is Word.HOLDS:
            problem = "the attack does nothing with this seed"
        elif words[2] is not Word.HOLDS and session.scenario.bounds.reason == "":
            problem = "the defence does not hold with this seed"
        elif told - began > PATIENCE:
            problem = f"the story takes {told - began:.1f} s, and a class waits {PATIENCE:g} s"
        return Rehearsal(
            demo=demo,
            story=told - began,
            verdict=judged - told,
            word=frame.word,
            problem=problem,
            card=session.card,
            page=_section(demo, session, tables.verdict(strip)),
        )
    finally:
        session.close()


def _section(demo: Demo, session: Session, verdict: str) -> str:
    """The demonstration as a part of the page: question, pictures of the end, the moment in words, the verdict."""
    told = escape(export.words(session))
    return (
        f'<section id="{escape(demo.threat)}"><h2>{escape(demo.threat)} · {escape(session.title)}</h2>'
        f'<p class="ask">{escape(demo.ask)}</p>'
        f'<div class="shots">{export.ring(session)}{export.messages(session)}</div>{verdict}'
        f"<details><summary>{escape(labels.IN_WORDS)}</summary><pre>{told}</pre></details></section>"
    )


_STYLE = """
body{margin:0 auto;max-width:1500px;padding:24px 32px;font:18px/1.45 "DejaVu Sans",Verdana,sans-serif}
h1{font-size:30px}h2{font-size:26px;margin:40px 0 6px}nav a{margin-right:18px}.ask{font-size:22px}
.shots{display:grid;grid-template-columns:41fr 59fr;gap:24px;align-items:start}.shots svg{width:100%;height:auto}
@media(max-width:1000px){.shots{grid-template-columns:1fr}}
section{border-top:2px solid var(--rule);padding-bottom:24px}.lab table.ver{font-size:16px}pre{font-size:14px}
"""


def page(playlist: Playlist, rehearsals: Iterable[Rehearsal]) -> str:
    """One HTML document for a playlist: no kernel, no network, no script."""
    shown = [each for each in rehearsals if each.page]
    links = "".join(f'<a href="#{escape(each.demo.threat)}">{escape(each.demo.threat)}</a>' for each in shown)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(playlist.title)}</title>'
        f'<style>{sheet()}{_STYLE}</style><body><div class="lab"><h1>{escape(playlist.title)}</h1>'
        f"<p>{escape(labels.FALLBACK_ABOUT)}</p><nav>{links}</nav>{''.join(each.page for each in shown)}</div></body>"
        "</html>\n"
    )
