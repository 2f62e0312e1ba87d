"""Write the data of this folder, and a manifest for each file: ``python datasets/generate.py`` (or ``make datasets``).

Rules
1. Draws come from ``Random(seed).random()`` alone, and arithmetic is addition, multiplication and comparison: no
   function of the C library takes part, so that every platform writes the same bytes.
2. Figures that somebody published are cited in the manifest; the others are ours, and it says so.
3. ``threats.csv`` and ``draft.csv`` are written by hand, ``matrix.json`` is what runs came to (``publish.py``). Their
   manifests are made here: digests follow the files.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random
from typing import Any

HERE = Path(__file__).resolve().parent
VERSION = 1

STUTZBACH = "D. Stutzbach, R. Rejaie: Understanding Churn in Peer-to-Peer Networks, IMC 2006"
KING = (
    "K. P. Gummadi, S. Saroiu, S. D. Gribble: King: Estimating Latency between Arbitrary Internet End Hosts, IMW 2002"
)
VIVALDI = "F. Dabek, R. Cox, F. Kaashoek, R. Morris: Vivaldi: A Decentralized Network Coordinate System, SIGCOMM 2004"
FORD = "B. Ford, P. Srisuresh, D. Kegel: Peer-to-Peer Communication Across Network Address Translators, USENIX 2005"
RFC4787 = "F. Audet, C. Jennings: NAT Behavioral Requirements for Unicast UDP, RFC 4787 §4"

GIVEN_NAMES = """
alice bob carol dave erin frank grace heidi ivan judy mallory niaj olivia peggy rupert sybil trent victor
walter wendy adam amina anders anita arjun beatriz boris chiara chen clara daniel diana dmitri elena emil esra
fatima felix gita gustav hanna hugo ines jakub jana kaito karin lars leila luca mei milan nadia noor oscar
pablo petra rosa sami tara yusuf zoe otto
""".split()
DOMAINS = ("example.org", "example.net", "example.com")


def exponential(rng: Random) -> float:
    """An exponential draw of mean 1, by von Neumann's comparisons (1951), which need no logarithm."""
    whole = 0
    while True:
        first = last = rng.random()
        falling = 1
        while (draw := rng.random()) < last:
            last = draw
            falling += 1
        if falling % 2:
            return whole + first
        whole += 1


def normal(rng: Random) -> float:
    """A nearly normal draw of mean 0 and variance 1: twelve uniform ones added up."""
    total = -6.0
    for _ in range(12):  # not sum(), which rounds differently from Python 3.12 on
        total += rng.random()
    return total


def choice(rng: Random, shares: Sequence[tuple[str, float]]) -> str:
    """One of the names, by its share; the shares add up to 1."""
    draw = rng.random()
    for name, share in shares:
        if draw < share:
            return name
        draw -= share
    return shares[-1][0]


def subscribers(rng: Random) -> Iterable[Sequence[object]]:
    """Users of three domains: device, NAT and how often they call."""
    devices = (("desk phone", 0.35), ("softphone", 0.35), ("mobile", 0.3))
    nats = (("none", 0.2), ("endpoint-independent", 0.8 * 0.82), ("address-and-port-dependent", 0.8 * 0.18))
    for domain in DOMAINS:
        for name in GIVEN_NAMES:
            calls = 1.5 * exponential(rng)
            yield name, domain, choice(rng, devices), choice(rng, nats), f"{calls:.3f}"


def coordinates(rng: Random) -> Iterable[Sequence[object]]:
    """A thousand places on a plane whose distance is one-way delay in microseconds."""
    regions = (("america", 0.4), ("europe", 0.4), ("asia", 0.2))
    centres = {"america": (25_000, 30_000), "europe": (65_000, 25_000), "asia": (55_000, 95_000)}
    for node in range(1000):
        region = choice(rng, regions)
        x, y = centres[region]
        yield node, region, max(0, x + round(6_000 * normal(rng))), max(0, y + round(6_000 * normal(rng)))


SESSION_SCALE = 1800.0
DOWNTIME = 600.0
CRASHES = 0.25
CHURN_NODES = 64
CHURN_SECONDS = 7200.0


def churn(rng: Random) -> Iterable[Sequence[object]]:
    """Two hours of joins, leaves and crashes, in the steady state from the start.

    A Weibull session of shape 1/2 is ``scale`` times the square of an exponential draw, so its mean is twice the scale.
    A session that is under way at time 0 is longer than most: by its length, hence three draws in place of one.
    """
    up = 2 * SESSION_SCALE / (2 * SESSION_SCALE + DOWNTIME)
    events: list[tuple[int, int, str]] = []
    for node in range(CHURN_NODES):
        if rng.random() < up:
            events.append((0, node, "join"))
            whole = exponential(rng) + exponential(rng) + exponential(rng)
            now = rng.random() * SESSION_SCALE * whole * whole
        else:
            now = DOWNTIME * exponential(rng)
            events.append((round(now * 1000), node, "join"))
            now += session(rng)
        while now < CHURN_SECONDS:
            events.append((round(now * 1000), node, "crash" if rng.random() < CRASHES else "leave"))
            now += DOWNTIME * exponential(rng)
            events.append((round(now * 1000), node, "join"))
            now += session(rng)
    return sorted(event for event in events if event[0] < CHURN_SECONDS * 1000)


def session(rng: Random) -> float:
    """Seconds that a node stays."""
    draw = exponential(rng)
    return SESSION_SCALE * draw * draw


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """The rows as CSV, lines ended by a line feed on every platform."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue().encode()


GENERATED: dict[str, dict[str, Any]] = {
    "subscribers.csv": {
        "title": "Subscribers of three domains",
        "rows": subscribers,
        "seed": "p2psip-lab subscribers 1",
        "columns": {
            "name": "user part of the address of record",
            "domain": "its domain, reserved for examples (RFC 2606)",
            "device": "desk phone, softphone or mobile",
            "nat": "none, or the mapping behaviour of the NAT in front of the device",
            "calls_per_hour": "mean calls started an hour; calls arrive as a Poisson process",
        },
        "sources": [
            f"{FORD}: 82 % of the NATs tested support UDP hole punching; here these map independently of the endpoint",
            f"{RFC4787}: names of the mapping behaviours",
        ],
        "ours": "that 80 % are behind a NAT; the devices' shares; call rates exponential over users, mean 1.5 an hour",
    },
    "coordinates.csv": {
        "title": "Places of a thousand nodes",
        "rows": coordinates,
        "seed": "p2psip-lab coordinates 1",
        "columns": {
            "node": "number from 0",
            "region": "cluster that the node belongs to",
            "x_us": "one-way delay along the first axis, microseconds",
            "y_us": "one-way delay along the second axis, microseconds",
        },
        "sources": [
            f"{VIVALDI}: a plane predicts delays between Internet hosts well",
            f"{KING}: how the delays behind that result were measured",
        ],
        "ours": "the clusters' places, sizes and spread (6 ms), chosen for distances of up to about 100 ms one way",
    },
    "churn.csv": {
        "title": "Two hours of joins, leaves and crashes of 64 nodes",
        "rows": churn,
        "seed": "p2psip-lab churn 1",
        "columns": {
            "time_ms": "milliseconds of virtual time from the start",
            "node": "number from 0",
            "event": "join, leave (announced) or crash (silent); a join at 0 is a node that is there at the start",
        },
        "sources": [
            f"{STUTZBACH}: sessions are not exponential; a Weibull distribution of shape below 1 fits: at any moment "
            "most nodes stay long, and the others come and go"
        ],
        "ours": "shape 1/2, mean session 1 hour; absences exponential, mean 10 minutes; one departure in four silent",
    },
}


def manifest(name: str, content: bytes, about: dict[str, Any]) -> bytes:
    """What the file is, where it comes from, and its digest, as JSON."""
    entry = {
        "file": name,
        "title": about["title"],
        "version": VERSION,
        "seed": about["seed"],
        "generator": "datasets/generate.py" if about["seed"] else None,
        "license": "BSD-3-Clause",
        "rows": content.count(b"\n") - about.get("frame", 1),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "columns": about["columns"],
        "sources": about["sources"],
        "ours": about["ours"],
    }
    return (json.dumps(entry, indent=2, ensure_ascii=False) + "\n").encode()


DRAFT = (
    "H. Song, X. Jiang, M. Matuszewski, J-E. Ekberg, P. Laitinen: Security requirements in Peer-to-Peer Session "
    "Initiation Protocol (P2PSIP), draft-matuszewski-p2psip-security-requirements-03, July 2008"
)

WRITTEN: dict[str, dict[str, Any]] = {
    "threats.csv": {
        "title": "Every threat that draft-matuszewski-p2psip-security-requirements-03 names",
        "seed": None,
        "columns": {
            "id": "family and number",
            "sections": "places in the draft: section with bullet or paragraph, row of a figure, requirement",
            "action": "what the attacker does",
            "metric": "what is measured",
            "named": "defences that the draft names",
            "required": "numbers of the requirements that imply one",
            "ours": "mechanisms that this project adds",
            "decoy": "a defence that looks right and fails",
            "bases": "where the attack is possible: trusted, untrusted",
            "base_note": "what limits it there",
            "layers": "layers attacked, in the order of attack",
            "routing": "routing styles under which it differs or exists; empty where routing plays no part",
            "notebooks": "notebooks that teach it",
            "standing": "what a verdict is expected to say, fixed before the runs: holds, dampened or open",
            "bounds": "other bounds than the usual ones: shares of harm, defence, decoy, honest, fixed before the runs",
            "reason": "why standing or bounds are not the usual ones",
            "status": "ready (launched, measured, defended) or planned",
        },
        "sources": [DRAFT],
        "ours": "the wording, the metrics, the decoys and the mechanisms of the column of that name",
    },
    "draft.csv": {
        "title": "The sentences of that draft's sections 4 to 7 and 11, by place and digest, and the threats they name",
        "seed": None,
        "columns": {
            "section": "section of the draft",
            "paragraph": "number in the section; a bullet counts as one, and so does a table",
            "sentence": "number in the paragraph; the row of a table counts as one",
            "sha256": "of the sentence in UTF-8, with its white space folded, the cells of a row joined by ' | '",
            "says": "threat, measure (a defence, or a question about one), requirement, or context",
            "threats": "ids of the catalogue that it names or concerns",
            "words": "what it says, in our words",
        },
        "sources": [DRAFT],
        "ours": "the words, and which threats a sentence names",
    },
    "matrix.json": {
        "title": "Every threat against every defence that claims it, every decoy and every preset, over 20 seeds",
        "seed": None,
        "frame": 2,
        "columns": {
            "format, versions, seeds, other_seeds": "what it was made with; other_seeds are those of a threat's other "
            "bases and routing styles",
            "rows": "a threat on one base with one routing style: the verdict as `p2psip-lab run --json` prints it",
            "cells": "of its own base and style: role, names of the defences, whether all was calm, the figure and the "
            "share of honest operations served (mean, and its 95 % interval), what the figure means, digest",
            "runs": "the first 8 hex digits of each run's digest, in the order of the seeds",
        },
        "sources": ["p2psip-lab matrix --seeds 20, of the versions that the file names"],
        "ours": "all of it",
    },
}


def build() -> dict[str, bytes]:
    """Every file that this script writes, by name."""
    files: dict[str, bytes] = {}
    for name, about in GENERATED.items():
        content = table(tuple(about["columns"]), about["rows"](Random(about["seed"])))
        files[name] = content
        files[f"{Path(name).stem}.manifest.json"] = manifest(name, content, about)
    for name, about in WRITTEN.items():
        files[f"{Path(name).stem}.manifest.json"] = manifest(name, (HERE / name).read_bytes(), about)
    return files


if __name__ == "__main__":
    for filename, data in build().items():
        (HERE / filename).write_bytes(data)
        print(f"{filename:28} {len(data):7} bytes")
