"""The command line: ``python -m lab`` or ``p2psip-lab``.

Exit codes: 0 done, and what was judged holds; 1 it does not hold; 2 it can't be done as asked; 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from lab import arguments as take
from lab import bench, demo, headings, labels, matrix, playlists, preflight, report, requirements, scenarios, soak
from lab import export as export_files
from lab.catalogue import Threat, threats
from lab.choices import MOST_PEERS
from lab.progress import Progress, class_csv
from lab.requirements import Grade
from lab.scenarios import Scenario, Setting, titles
from lab.session import Session
from lab.strips import priced, word
from lab.sweep import Job, sweep
from lab.text import SERVED_ENOUGH, SERVICE_LOST, Word, measured, near, service
from lab.verdicts import COLUMNS, SEEDS, Outcome, Standing, Verdict
from p2psip_min.clock import EPOCH
from p2psip_min.defences import CATALOGUE
from p2psip_min.errors import P2PSIPError
from p2psip_min.wire.pcap import Address, export

HOLDS, FAILS, REFUSED, INTERRUPTED = 0, 1, 2, 130
PROGRAM = "p2psip-lab"


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(REFUSED, f"{self.prog}: {message}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        if words[:1] == ["bench"]:
            return bench.main(words[1:])
        arguments = _parser().parse_args(words)
        command: Callable[[argparse.Namespace], int] = arguments.command
        code = command(arguments)
        sys.stdout.flush()
        return code
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else REFUSED
    except KeyboardInterrupt:
        print(f"{PROGRAM}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has enough; what is still buffered must not fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILS
    except (P2PSIPError, LookupError, ValueError, OSError) as error:
        print(f"{PROGRAM}: {_said(error)}", file=sys.stderr)
        return REFUSED


def _said(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{str(error.filename).removesuffix('.part')}: {error.strerror}"
    # A KeyError's text is its argument in quotes.
    text = str(error.args[0]) if isinstance(error, LookupError) and error.args else str(error)
    return " ".join(text.split()) or type(error).__name__


def _parser() -> argparse.ArgumentParser:
    codes = (__doc__ or "").split("\n")[2]
    parser = _Parser(prog=PROGRAM, description="A protocol lab for P2PSIP security.", epilog=codes)
    commands = parser.add_subparsers(metavar="COMMAND", parser_class=_Parser)
    parser.set_defaults(command=lambda _: parser.error(f"a command is wanted: {', '.join(commands.choices)}"))

    def command(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        made.set_defaults(command=run)
        return made

    shown = command("demo", _demo, "tell the story of a replay, first undefended, then defended")
    _world(shown, base="untrusted", routing="recursive")
    _json(shown)
    _json(command("threats", _threats, "list every threat of the draft and whether it can be run"))
    one = command("run", _run, "run one threat and print its verdict")
    one.add_argument("id", metavar="ID", help="the threat, such as RP-2")
    _world(one)
    one.add_argument("--preset", help="defences that are on in every run (the scenario's own)")
    one.add_argument(
        "--defence", action="append", default=[], metavar="NAME", help="defend with this one instead; may be repeated"
    )
    one.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="set a number of the scenario or of a defence, such as resend-after=36; the verdict says what seconds are "
        "counted from",
    )
    one.add_argument("--seeds", type=take.count, default=1, metavar="N", help="how many seeds, from --seed on (1)")
    _json(one)
    table = command("matrix", _matrix, "run every threat against every defence and write a page and its figures")
    table.add_argument("ids", nargs="*", metavar="ID", help="these threats only (all that are ready)")
    table.add_argument("--seeds", type=take.count, default=1, metavar="N", help="how many seeds, from 1 on (1)")
    table.add_argument(
        "--others", type=take.number, metavar="N", help="seeds for the other bases and routing styles (--seeds)"
    )
    table.add_argument("--out", type=Path, default=Path("matrix"), metavar="DIR", help="where to write (matrix)")
    table.add_argument("--workers", type=take.count, metavar="N", help="processes (one a core)")
    card = command("requirements", _requirements, "grade the draft's requirements by runs")
    card.add_argument("ids", nargs="*", metavar="ID", help='these only, such as "Req. 9" or U2 (all)')
    card.add_argument("--seeds", type=take.count, default=1, metavar="N", help="how many seeds, from 1 on (1)")
    card.add_argument("--workers", type=take.count, metavar="N", help="processes (one a core)")
    _json(card)
    before = command("check", _check, "run every demonstration before a class, and write pages that need no kernel")
    before.add_argument("names", nargs="*", metavar="PLAYLIST", help="figure4, figure6 (both)")
    before.add_argument("--out", type=Path, default=Path("check"), metavar="DIR", help="where to write (check)")
    gathered = command("progress", _progress, "turn a class's progress files into one CSV with its misconceptions")
    gathered.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="progress files; their names name students"
    )
    moment = command("show", _show, "open a trace card: the moment in words, and as files")
    moment.add_argument("card", metavar="CARD", help="what stands at the top of a panel, in quotes")
    moment.add_argument("--export", type=Path, metavar="DIR", help="write pictures, trace, capture and verdict there")
    moment.add_argument("--only", action="append", default=[], metavar="FILE", help="export this one; may be repeated")
    capture = command("pcap", _pcap, "write the messages of an attacked run as a capture for Wireshark")
    capture.add_argument("out", metavar="OUT", help="the file to write")
    capture.add_argument("--threat", default="RP-2", metavar="ID", help="whose run (RP-2)")
    _world(capture)
    commands.add_parser("bench", help="measure the overlay against its floors")
    faults = command("soak", _soak, "run random schedules of faults and check what must hold")
    faults.add_argument("--seeds", type=take.count, default=20, metavar="N", help="how many schedules (20)")
    faults.add_argument("--first-seed", type=take.whole, default=1, metavar="S", help="the first one's seed (1)")
    return parser


def _world(parser: argparse.ArgumentParser, *, base: str | None = None, routing: str | None = None) -> None:
    own = "the scenario's own"
    parser.add_argument(
        "--peers", type=take.peers, default=32, metavar="N", help=f"how many peers, up to {MOST_PEERS} (32)"
    )
    parser.add_argument("--base", default=base, help=f"trusted or untrusted ({base or own})")
    parser.add_argument("--links", help="tls or plain (what the defences say)")
    parser.add_argument("--routing", default=routing, help=f"recursive or iterative ({routing or own})")
    parser.add_argument("--seed", type=take.whole, default=7, metavar="S", help="the same seed gives the same run (7)")


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def _print_json(document: Any) -> None:
    print(json.dumps(document, indent=2, ensure_ascii=False))


# --- demo -------------------------------------------------------------------------------------------------------------


def _demo(arguments: argparse.Namespace) -> int:
    played = demo.play(
        base=arguments.base,
        routing=arguments.routing,
        peers=arguments.peers,
        seed=arguments.seed,
        links=arguments.links,
    )
    if arguments.json:
        _print_json(played.to_json())
    else:
        _tell(played)
    if played.verdict is None:
        sys.stdout.flush()
        print(f"{PROGRAM}: {played.refused}", file=sys.stderr)
        return REFUSED
    return HOLDS if played.verdict.holds else FAILS


def _tell(played: demo.Demo) -> None:
    setting = played.setting
    print(f"An overlay comes up: {_where(setting)}; times are virtual seconds.\n")
    _story(played.attacked, attacked=setting.attack)
    if why := played.note:
        print(f"\n{why[0].upper()}{why[1:]}.")
    if played.defended is not None:
        print(f"\nThe same seed again, with the {titles(demo.DEMO.defence)} on.\n")
        _story(played.defended, attacked=True)
    if played.verdict is not None:
        print()
        _print_verdict(demo.DEMO, played.verdict, {}, demo.DEMO.defence)


def _story(run: demo.Run, *, attacked: bool) -> None:
    for line in run.lines:
        print(f"  {line.t:7.2f} s  {line.text}")
    print(f"  {run.word}" if attacked else "  nobody attacked")


# --- threats ----------------------------------------------------------------------------------------------------------


def _threats(arguments: argparse.Namespace) -> int:
    listed = threats()
    if arguments.json:
        _print_json([row.as_json() for row in listed])
        return HOLDS
    for row in listed:
        print(_threat_line(row))
    ready = sum(row.id in scenarios.SCENARIOS for row in listed)
    print(f"{len(listed)} threats, {ready} ready; {PROGRAM} run ID runs one, such as {PROGRAM} run RP-2")
    return HOLDS


def _threat_line(row: Threat) -> str:
    bases = "+".join(base.value for base in row.bases)
    return f"{row.id:6} {row.status.value:8} {bases:18} {row.action}"


# --- run --------------------------------------------------------------------------------------------------------------


def _run(arguments: argparse.Namespace) -> int:
    chosen = scenarios.scenario(arguments.id or "?")
    defence = tuple(map(_defence, arguments.defence))
    titles(defence)  # names must be known before anything runs
    setting = scenarios.setting(
        chosen,
        base=arguments.base,
        routing=arguments.routing,
        peers=arguments.peers,
        links=arguments.links,
        preset=arguments.preset,
        seed=arguments.seed,
        numbers=take.numbers(arguments.set),
    )
    seeds = range(setting.seed, setting.seed + arguments.seeds)
    planned = {seed: scenarios.columns(chosen, replace(setting, seed=seed), defence) for seed in seeds}
    jobs = [Job(chosen.id, each) for columns in planned.values() for each in columns.values()]
    done = sweep(jobs, workers=1 if arguments.seeds == 1 else None)
    runs = {
        seed: {column: done[Job(chosen.id, columns[column])] for column in COLUMNS} for seed, columns in planned.items()
    }
    verdict = scenarios.judge(chosen, setting, runs)
    if arguments.json:
        _print_json(verdict.to_json())
    else:
        print(f"{chosen.id}  {chosen.title} ({chosen.section})")
        print(f"{_where(setting)}; the attacker is {chosen.attacker}")
        for name, value in setting.numbers:
            if name in chosen.counted:
                print(f"{name} {value:g}: {chosen.counted[name]}")
        print()
        _print_verdict(chosen, verdict, runs[setting.seed], defence or chosen.defence)
    return HOLDS if verdict.holds else FAILS


def _defence(name: str) -> str:
    """A defence may be named by its title as well, as verdicts do; KeyError comes later, with what is known."""
    said = " ".join(name.lower().replace("_", " ").replace("-", " ").split())
    names = {each.name.replace("-", " "): each.name for each in CATALOGUE}
    return names.get(said) or {each.title.lower().replace("-", " "): each.name for each in CATALOGUE}.get(said, name)


def _where(setting: Setting) -> str:
    kind = "TLS" if demo.links(setting) == "tls" else "plain"
    peers = labels.peers(setting.peers)
    return f"{setting.base} base, {setting.routing} routing, {peers}, {kind} links, seed {setting.seed}"


def _print_verdict(chosen: Scenario, verdict: Verdict, first: Mapping[str, Outcome], defence: tuple[str, ...]) -> None:
    heads = (
        ("baseline", "no attack"),
        ("attacked", "attacked"),
        ("defended", f"defended: {titles(defence)}"),
        ("decoy", f"decoy: {titles(chosen.decoys[:1])}"),
    )
    width = max(len(title) for _, title in heads)
    print(f"{labels.measured(chosen.metric)}:")
    for column, title in heads:
        figure = verdict.figure(column)
        facts = first[column].facts if column in first and len(verdict.seeds) == 1 else ()
        rest = "".join(f"   {name}: {fact}" for name, fact in zip(chosen.rows, facts, strict=False))
        said = word(chosen, figure.mean)
        print(f"  {title:{width}}  {figure!s:>5}  {said:{len(Word.ROLLED_BACK)}}{rest}".rstrip())
    price = ", ".join(priced(verdict.costs)) or "nothing"
    print(f"honest service {verdict.honest_baseline:.0%}, defended {verdict.honest_defended:.0%}; price: {price}")
    print(f"{service(verdict.served_attacked)}, defended {verdict.served_defended:.0%}")
    for column, title in (*heads, ("honest", "defended, no attack")):
        if numbers := verdict.measures.get(column):
            print(f"  {title:{width}}  {measured(numbers)}")
    print(f"The verdict {_standing(verdict)}, digest {verdict.digest[:16]}")
    if verdict.close:
        print(f"It is {near(verdict.near)}: the 95 % interval crosses it.")
    if verdict.standing is Standing.HOLDS and verdict.served_defended < SERVED_ENOUGH:
        print(f"{SERVICE_LOST}: {service(verdict.served_defended)}.")
    if chosen.bounds.reason:
        print(f"Its bounds are not the usual ones: {chosen.bounds.reason}.")
    if verdict.quick:
        command = f"{PROGRAM} run {chosen.id}" if chosen is demo.DEMO else ""  # the demonstration takes one seed only
        print(headings.quick_look(len(verdict.seeds), SEEDS, command))
    if verdict.routing not in chosen.routing:
        print(f"The draft names this threat for {' and '.join(chosen.routing)} routing only.")


def _standing(verdict: Verdict) -> str:
    match verdict.standing:
        case Standing.HOLDS:
            return "holds"
        case Standing.DAMPENED | Standing.OPEN:
            return f"is {verdict.standing}: {verdict.share_left:.0%} of the harm is left"
        case Standing.FAILS:
            return "does NOT hold"


# --- matrix -----------------------------------------------------------------------------------------------------------


def _matrix(arguments: argparse.Namespace) -> int:
    chosen = [scenarios.scenario(name) for name in arguments.ids] or list(scenarios.SCENARIOS.values())
    seeds = range(1, arguments.seeds + 1)
    others = range(1, (arguments.seeds if arguments.others is None else arguments.others) + 1)
    folder: Path = arguments.out
    folder.mkdir(parents=True, exist_ok=True)
    jobs = list(matrix.jobs(chosen, seeds, others))
    done = sweep(jobs, workers=arguments.workers, journal=folder / "runs.jsonl", progress=_bar)
    rows = matrix.assemble(chosen, seeds, others, done)
    document = matrix.to_json(rows, seeds, others)
    _write(folder / "matrix.json", json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    _write(folder / "matrix.html", report.page(document))
    _write(folder / "coverage.html", report.coverage_page(document))
    failed = [row.verdict for row in rows if not row.verdict.holds]
    for verdict in failed:
        print(f"{verdict.id} on the {verdict.base} base, {verdict.routing}: does not hold", file=sys.stderr)
    print(f"{len(rows)} rows, {len(failed)} do not hold: {folder / 'matrix.html'}, {folder / 'matrix.json'}")
    return FAILS if failed else HOLDS


BAR = 40


def _bar(done: int, total: int) -> None:
    """One line that grows on a terminal; elsewhere nothing but its end."""
    if not sys.stderr.isatty() and done < total:
        return
    full = BAR * done // total if total else BAR
    end = "\n" if done == total else ""
    print(f"\r[{'#' * full}{'.' * (BAR - full)}] {done}/{total} runs", end=end, file=sys.stderr, flush=True)


def _write(path: Path, content: str) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torn = path.with_name(path.name + ".part")
    torn.write_text(content, encoding="utf-8")
    os.replace(torn, path)


# --- requirements -----------------------------------------------------------------------------------------------------


def _plain(name: str) -> str:
    return re.sub(r"[ .]", "", name.lower())


def _requirements(arguments: argparse.Namespace) -> int:
    known = {_plain(each.id): each for each in requirements.REQUIREMENTS}
    if unknown := [name for name in arguments.ids if _plain(name) not in known]:
        names = ", ".join(each.id for each in requirements.REQUIREMENTS)
        raise LookupError(f"no requirement {unknown[0]!r}; known: {names}")
    chosen = [known[_plain(name)] for name in arguments.ids] or list(requirements.REQUIREMENTS)
    seeds = range(1, arguments.seeds + 1)
    done = sweep(requirements.jobs(chosen, seeds), workers=arguments.workers, progress=_bar)
    scores = [requirements.score(each, seeds, done.__getitem__) for each in chosen]
    if arguments.json:
        _print_json([each.to_json() for each in scores])
    else:
        for each in scores:
            print(f"{each.id:8} {each.status.upper():8} {each.title} (draft {each.section})")
            for figure in each.figures:
                print(f"{'':17} {'✓' if figure.met else '×'} {figure.name}: {figure.value:g}, wanted {figure.wanted}")
            for reason in each.left:
                print(f"{'':17} open: {reason}")
        if arguments.seeds < SEEDS:
            print(headings.quick_look(arguments.seeds, SEEDS))
    return FAILS if any(each.status is Grade.NOT_MET for each in scores) else HOLDS


# --- check ------------------------------------------------------------------------------------------------------------


def _check(arguments: argparse.Namespace) -> int:
    chosen = [playlists.playlist(name) for name in arguments.names] or list(playlists.PLAYLISTS.values())
    arguments.out.mkdir(parents=True, exist_ok=True)  # what cannot be written is said before minutes are spent
    good = True
    for each in chosen:
        print(f"{each.title}, {each.minutes} minutes")
        rehearsals = []
        for shown in each.demos:
            rehearsal = preflight.rehearse(shown)
            rehearsals.append(rehearsal)
            good = good and rehearsal.good
            times = f"story {rehearsal.story:4.1f} s, verdict {rehearsal.verdict:4.1f} s"
            print(f"  {'✓' if rehearsal.good else '×'} {shown.threat:6} {times}  {rehearsal.problem or rehearsal.card}")
        path = arguments.out / f"{each.name}.html"
        _write(path, preflight.page(each, rehearsals))
        print(f"  {path}")
    return HOLDS if good else FAILS


# --- progress ---------------------------------------------------------------------------------------------------------


def _progress(arguments: argparse.Namespace) -> int:
    for path in arguments.files:
        if not path.is_file():
            raise LookupError(f"{path} is a folder; files are wanted" if path.is_dir() else f"there is no file {path}")
    print(class_csv((path.stem, Progress.load(path)) for path in arguments.files), end="")
    return HOLDS


# --- show -------------------------------------------------------------------------------------------------------------


def _show(arguments: argparse.Namespace) -> int:
    session = Session.from_card(arguments.card)
    try:
        print(export_files.words(session), end="")
        if arguments.export is not None:
            for path in export_files.save(session, arguments.export, *arguments.only):
                print(path)
    finally:
        session.close()
    return HOLDS


# --- pcap and soak ----------------------------------------------------------------------------------------------------


def _pcap(arguments: argparse.Namespace) -> int:
    chosen = scenarios.scenario(arguments.threat or "?")
    setting = scenarios.setting(
        chosen,
        base=arguments.base,
        routing=arguments.routing,
        peers=arguments.peers,
        links=arguments.links,
        seed=arguments.seed,
    )
    stage = chosen.stage(chosen, setting)
    try:
        stage.overlay.run(stage.story())
        addresses: dict[bytes, Address] = {node.node_id: node.address for node in stage.overlay.nodes.values()}
        count = export(stage.trace, arguments.out, addresses, EPOCH)
    finally:
        stage.overlay.close()
    print(f"{count} packets in {arguments.out}: {chosen.id} attacked, as the secured links carried it, decrypted")
    return HOLDS


def _soak(arguments: argparse.Namespace) -> int:
    return soak.main(arguments.first_seed, arguments.seeds)


if __name__ == "__main__":
    sys.exit(main())
