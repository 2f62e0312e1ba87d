"""The matrix as one page that needs no kernel and no network, made from its JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from lab import headings, labels
from lab.catalogue import threat
from lab.coverage import Cover, coverage
from lab.scenarios import SCENARIOS, titles
from lab.style import tokens
from lab.text import SERVED_ENOUGH, Word, measured, near, service
from lab.verdicts import Standing
from p2psip_min.defences import PRESETS

_STANDINGS = {
    Standing.HOLDS: ("good", "✓"),
    Standing.DAMPENED: ("warn", "◐"),
    Standing.OPEN: ("warn", "○"),
    Standing.FAILS: ("bad", "×"),
}

_STYLE = """
body{margin:0;padding:24px 32px;background:var(--paper);color:var(--ink);
font:13.5px/1.4 "DejaVu Sans",Verdana,sans-serif}
h1{font-size:22px;margin:0 0 4px}h2{font-size:17px;margin:28px 0 8px}p{max-width:80em;margin:4px 0;color:var(--ink2)}
table{border-collapse:separate;border-spacing:2px;font-variant-numeric:tabular-nums}
th{font-weight:700;text-align:left;padding:4px 8px;font-size:12px;color:var(--ink2);background:var(--wash);
position:sticky;top:0;z-index:1;vertical-align:bottom}
td{padding:5px 8px;vertical-align:top;min-width:92px;border-radius:4px}
td.threat{min-width:230px;max-width:270px;background:none}td.threat small,td small{display:block;color:var(--ink2);
font-size:11px}td b{font-size:12px}code{font-size:11px}
.good{background:var(--green-wash)}.good b{color:var(--green-ink)}
.bad{background:var(--vermillion-wash)}.bad b{color:var(--vermillion-ink)}
.warn{background:var(--orange-wash)}.warn b{color:var(--orange-ink)}
.mute{background:var(--wash)}.mute b{color:var(--ink2)}
.try{padding:0 0 4px}.try+.try{border-top:1px solid var(--rule);padding-top:4px}
details{margin:2px 0}summary{cursor:pointer}
"""


def page(matrix: Mapping[str, Any]) -> str:
    """One HTML document."""
    own = {row["id"]: row for row in matrix["rows"] if row["cells"]}
    versions = ", ".join(f"{name} {value}" for name, value in matrix["versions"].items())
    families = dict.fromkeys(name.split("-")[0] for name in own)
    parts = [
        f"<h1>{escape(headings.MATRIX_TITLE)}</h1>",
        f"<p>{escape(headings.matrix_about(len(own), len(matrix['seeds'])))}</p>",
        f"<p>{escape(headings.MATRIX_READING)}</p>",
        f"<p><code>{escape(versions)}</code></p>",
        f"<p>{escape(_count(own.values()))}</p>",
    ]
    for family in families:
        parts.append(f"<h2>{escape(headings.FAMILIES[family])}</h2>")
        parts.append(_table([row for name, row in own.items() if name.split("-")[0] == family]))
    others = [row for row in matrix["rows"] if not row["cells"]]
    if others:
        parts.append(f"<h2>{escape(headings.MATRIX_OTHERS)}</h2>{_others(others)}")
    return _document(headings.MATRIX_TITLE, parts)


def _document(title: str, parts: Sequence[str]) -> str:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{tokens()}{_STYLE}</style><body class='lab'>{''.join(parts)}</body></html>\n"
    )


_COVERS = {
    Cover.GAP: ("bad", "×"),
    Cover.PARTLY: ("warn", "◐"),
    Cover.FAILS: ("bad", "×"),
    Cover.OPEN: ("warn", "○"),
    Cover.DAMPENED: ("warn", "◐"),
    Cover.HOLDS: ("good", "✓"),
    Cover.LAUNCHED: ("mute", "▸"),
}


def coverage_page(matrix: Mapping[str, Any]) -> str:
    """The draft sentence by sentence as one HTML document, gaps first."""
    found = coverage({row["id"]: row["standing"] for row in matrix["rows"] if row["cells"]})
    counted = ", ".join(f"{n} {cover}" for cover in Cover if (n := sum(each.cover is cover for each in found)))
    head = "".join(f"<th>{escape(each)}</th>" for each in headings.COVERAGE_HEADS)
    lines = []
    for each in found:
        tone, sign = _COVERS[each.cover]
        lines.append(
            f'<tr><td class="{tone}"><b>{sign} {escape(each.cover.upper())}</b></td>'
            f"<td>{escape(each.entry.place)}</td><td>{escape(each.entry.words)}</td>"
            f"<td>{escape(', '.join(each.ready))}</td><td>{escape(', '.join(each.missing))}</td></tr>"
        )
    parts = [
        f"<h1>{escape(headings.COVERAGE_TITLE)}</h1>",
        f"<p>{escape(headings.COVERAGE_ABOUT)}</p>",
        f"<p>{escape(counted)}</p>",
        f"<table><tr>{head}</tr>{''.join(lines)}</table>",
    ]
    return _document(headings.COVERAGE_TITLE, parts)


def _count(rows: Any) -> str:
    found = [row["standing"] for row in rows]
    return ", ".join(f"{found.count(each)} {each}" for each in Standing if each in found)


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    heads = (*headings.MATRIX_HEADS, *(headings.preset_head(name) for name in PRESETS))
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    return f"<table><tr>{head}</tr>{''.join(_row(row) for row in rows)}</table>"


def _row(row: Mapping[str, Any]) -> str:
    chosen, tone = SCENARIOS[row["id"]], _STANDINGS[Standing(row["standing"])]
    cells: list[Mapping[str, Any]] = row["cells"]

    def those(role: str, calm: bool = False) -> list[Mapping[str, Any]]:
        return [cell for cell in cells if cell["role"] == role and cell["calm"] is calm]

    presets = [[cell for cell in those("preset") if list(cell["names"]) == [name]] for name in PRESETS]
    groups = [those("undefended", True), those("undefended"), those("named"), those("claimed"), those("decoy")]
    left = [f"{row['share_left']:.0%} of the harm left"] if row["standing"] != Standing.HOLDS else []
    said = escape("; ".join([*left, *([near(row["near"])] if row["close"] else [])]))
    return (
        f'<tr><td class="threat"><b>{escape(row["id"])}</b> {escape(chosen.title)}'
        f"<small>{escape(labels.measured(chosen.metric))}; {escape(', '.join(threat(row['id']).sections))}</small></td>"
        f'<td class="{tone[0]}"><b>{tone[1]} {escape(row["standing"].upper())}</b><small>{said}</small></td>'
        + "".join(_cell(group) for group in (*groups, *presets))
        + "</tr>"
    )


def _cell(group: Sequence[Mapping[str, Any]]) -> str:
    if not group:
        return '<td class="mute"></td>'
    tones = ["good" if cell["word"] == Word.HOLDS else "bad" for cell in group]
    if len(set(tones)) == 1:
        return f'<td class="{tones[0]}">{"".join(_try(cell) for cell in group)}</td>'
    inner = "".join(f'<div class="{tone}">{_try(cell)}</div>' for tone, cell in zip(tones, group, strict=True))
    return f"<td>{inner}</td>"


def _try(cell: Mapping[str, Any]) -> str:
    mean, low, high = cell["figure"]
    spread = f" [{low:.3g}, {high:.3g}]" if low != high else ""
    named = titles(tuple(cell["names"])) if cell["role"] in ("named", "claimed", "decoy") else ""
    served = cell["honest"][0]
    found = [measured(cell["measures"])] if cell["measures"] else []
    tip = "; ".join([named or cell["role"], f"honest service {served:.0%}", *found, f"digest {cell['digest']}"])
    poor = named and served < SERVED_ENOUGH and not cell["calm"]
    return (
        f'<div class="try" title="{escape(tip)}"><b>{escape(cell["word"])}</b> {mean:.3g}<small>{spread}</small>'
        f"{f'<small>{escape(named)}</small>' if named else ''}"
        f"{f'<small>{service(served)}</small>' if poor else ''}</div>"
    )


def _others(rows: Sequence[Mapping[str, Any]]) -> str:
    return f"<table>{''.join(_other_lines(rows))}</table>"


def _other_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "<tr>" + "".join(f"<th>{escape(each)}</th>" for each in headings.MATRIX_OTHER_HEADS) + "</tr>"
    for row in rows:
        tone, sign = _STANDINGS[Standing(row["standing"])]
        figures = "".join(f"<td>{row[name]:.3g}</td>" for name in ("baseline", "attacked", "defended", "decoy"))
        poor = [service(row["served_defended"])] if row["served_defended"] < SERVED_ENOUGH else []
        said = escape("; ".join([*([near(row["near"])] if row["close"] else []), *poor]))
        yield (
            f'<tr><td class="threat"><b>{escape(row["id"])}</b> {escape(row["base"])} base, {escape(row["routing"])}'
            f"<small>{len(row['seeds'])} seeds</small></td>"
            f'<td class="{tone}"><b>{sign} {escape(row["standing"].upper())}</b><small>{said}</small></td>'
            f"{figures}</tr>"
        )
