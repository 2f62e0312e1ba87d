"""The report: a table for people, a list for programs; the exit code says whether every limit holds."""

from __future__ import annotations

import argparse
import json as json_module
import sys
from collections.abc import Sequence

from lab.bench.figures import FULL, QUICK, measure
from lab.bench.rows import Row

NAMES = (
    "secured_lookup",
    "plain_lookup",
    "kademlia_get",
    "store",
    "enroll",
    "loop",
    "ready_32",
    "join_1000",
    "tls_1000",
)

HOLDS, MISSED, UNKNOWN = 0, 1, 2


def run(names: Sequence[str] | None = None, *, json: bool = False, quick: bool = False) -> int:
    """Measure the named figures (all by default) and print them.

    Returns 0 when every limit holds, 1 when one is missed, 2 for an unknown name or without the package kademlia where
    it is needed. ``quick`` measures small overlays once: it shows that the figures work, not what they are.
    """
    wanted = tuple(names or NAMES)
    unknown = [name for name in wanted if name not in NAMES]
    if unknown:
        print(f"p2psip-lab bench: no figure {', '.join(unknown)}; known: {', '.join(NAMES)}", file=sys.stderr)
        return UNKNOWN
    try:
        found = {row.name: row for row in measure(wanted, QUICK if quick else FULL, _say)}
    except ModuleNotFoundError as error:
        print(f"{error}: the comparison needs what 'pip install p2psip-lab[dev]' brings", file=sys.stderr)
        return UNKNOWN
    rows = [found[name] for name in NAMES if name in found]
    if json:
        print(json_module.dumps([row.as_json() for row in rows], indent=2))
        print(_notes(rows), file=sys.stderr)
    else:
        print(_table(rows))
        print(_notes(rows))
        if quick:
            print("quick: small overlays, measured once; the ratios mean little")
    return HOLDS if all(row.holds for row in rows) else MISSED


def main(argv: Sequence[str] | None = None) -> int:
    """``bench [--json] [--quick] [NAME ...]``."""
    parser = argparse.ArgumentParser(prog="p2psip-lab bench", description="Measure the overlay against its floors.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"figures to measure (all): {', '.join(NAMES)}")
    parser.add_argument("--json", action="store_true", help="print a JSON list; the notes go to standard error")
    parser.add_argument("--quick", action="store_true", help="small overlays, measured once")
    arguments = parser.parse_args(argv)
    return run(arguments.names, json=arguments.json, quick=arguments.quick)


def _say(what: str) -> None:
    print(f"… {what}", file=sys.stderr, flush=True)


def _table(rows: Sequence[Row]) -> str:
    lines = [f"{'':15} {'figure':>12} {'floor':>12} {'unit':9} {'ratio':>8}   {'limit':>7}"]
    for row in rows:
        sign = "≥" if row.at_least else "≤"
        lines.append(
            f"{row.name:15} {_number(row.figure):>12} {_number(row.floor):>12} {row.unit:9} {row.ratio:8.2f} {sign} "
            f"{row.limit:7g}   {'holds' if row.holds else 'MISSED'}"
        )
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _notes(rows: Sequence[Row]) -> str:
    lines = ["", "CPU time of this process, figure and floor in turn; full trace, timers and acknowledgements on."]
    lines += [f"{row.name}: {'; '.join(row.notes)}." for row in rows]
    return "\n".join(lines)
