"""Exercises of 00, overlay in a box: who stores whom, how far it is, one seed is one run, and what a card says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab import choices
from lab.checks import Check, State, note
from lab.exercises.answers import full, number, raised, untouched
from p2psip_min import trace as events
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Overlay

WHO_STORES = "Who stores alice?"
HOPS = "How many hops?"
SAME_SEED = "Same seed, same digest"
READ_CARD = "Read a card"

NOTEBOOK_00 = (WHO_STORES, HOPS, SAME_SEED, READ_CARD)


def who_stores(overlay: Overlay, user: str, answer: str | None) -> Check:
    """Whether ``answer`` names the peer that is responsible for the user's registration."""
    if answer is None:
        return note(WHO_STORES, State.OPEN, 'Give the name of a peer, such as answer = "p05".')
    known = [node.name for node in overlay.peers()]
    if answer not in known:
        return note(WHO_STORES, State.FAILED, f"No peer is called {answer!r}; they are {known[0]} to {known[-1]}.")
    root = overlay.root(ResourceID.of(overlay.aor(user)))
    if answer == root.name:
        return note(WHO_STORES, State.PASSED, f"{answer} is the first peer at or after the key, going clockwise.")
    before = overlay.node(answer).node_id < ResourceID.of(overlay.aor(user))
    hint = "lies before the key" if before else "is not the nearest one at or after the key"
    return note(WHO_STORES, State.FAILED, f"{answer} {hint}. Go clockwise from the key to the first peer.")


def predicted_hops(overlay: Overlay, start: str, user: str, answer: int | None) -> Check:
    """Whether a lookup, made now, takes as many hops as ``answer`` says."""
    if answer is None:
        return note(HOPS, State.OPEN, "Give a number, such as answer = 5.")
    if not number(answer):
        return note(HOPS, State.FAILED, f"Give a number, such as answer = 5, and not {answer!r}.")
    since = len(overlay.trace)
    overlay.lookup(start, ResourceID.of(overlay.aor(user)))
    (found,) = list(full(overlay).select(events.LookupCompleted, since=since))[-1:]
    names = [overlay.nodes[node].name for node in full(overlay).path(found.transaction_id)]
    way = " → ".join(names)
    if answer == found.hops:
        return note(HOPS, State.PASSED, f"{found.hops} hops: {way}.")
    return note(HOPS, State.FAILED, f"The trace says something else than {answer}. The request began {names[0]} → …")


def same_seed(run_story: Callable[[int], Any]) -> Check:
    """Whether ``run_story(seed)`` gives one digest for one seed and another for another."""
    digests: list[str] = []
    for seed in (31, 31, 32):
        try:
            digest = run_story(seed)
        except Exception as error:  # a student's function may raise anything
            return note(SAME_SEED, State.FAILED, raised(error))
        if untouched(digest):
            return note(SAME_SEED, State.OPEN, "The function returns nothing yet: return overlay.digest().")
        digests.append(digest)
    if not all(isinstance(digest, str) and len(digest) == 64 for digest in digests):
        return note(SAME_SEED, State.FAILED, "A digest is text of 64 hexadecimal digits: overlay.digest() gives it.")
    if digests[0] != digests[1]:
        return note(SAME_SEED, State.FAILED, "Two runs of one seed differ. Does it use anything but the overlay?")
    if digests[0] == digests[2]:
        return note(SAME_SEED, State.FAILED, "Another seed gave the same digest. Is the seed handed to the overlay?")
    return note(SAME_SEED, State.PASSED, f"One seed, one run: {digests[0][:16]}… twice, and another seed differs.")


_CARDS = ("RP2-U-R-D-7-A887@37", "TOUR-T-I-R-12-0000", "ST7-T-R-N-345-0000.p16.calm@31")


def read_card(read: Callable[[str], Any]) -> Check:
    """Whether ``read(card)`` gives a card's base, its routing style and its seed."""
    for card in _CARDS:
        said = choices.parse(card).choices
        wanted = (said.base, said.routing, said.seed)
        try:
            answer = read(card)
        except Exception as error:  # a student's function may raise anything
            return note(READ_CARD, State.FAILED, raised(error))
        if untouched(answer):
            return note(READ_CARD, State.OPEN, "The function returns nothing yet: return base, routing, seed.")
        if not isinstance(answer, tuple) or len(answer) != 3:
            return note(READ_CARD, State.FAILED, f"Return three values, base, routing and seed, and not {answer!r}.")
        for name, given, right in zip(("base", "routing style", "seed"), answer, wanted, strict=True):
            if given != right or isinstance(given, bool):
                return note(
                    READ_CARD, State.FAILED, f"The {name} of a card is not {given!r}. Look at its letters again."
                )
    return note(READ_CARD, State.PASSED, "Threat, base, routing, preset, seed; what follows tells runs apart.")
