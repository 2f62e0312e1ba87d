"""The exercises of the notebooks: each takes an answer and judges what it does, on seeds that the student has not seen.

A module a notebook. None, ``...``, or a function that returns one of them, means that nobody has begun.
"""

from __future__ import annotations

from lab.exercises.box import NOTEBOOK_00, predicted_hops, read_card, same_seed, who_stores
from lab.exercises.comparison import NOTEBOOK_01, figure_1, who_can_alter
from lab.exercises.hints import HINTS
from lab.exercises.replay import NOTEBOOK_06, Held, Put, accepts, beats_time_stamp, captured, fresh_nonces
from lab.exercises.tables import Entry, enters
from lab.exercises.trusted import NOTEBOOK_04, Offer, quota
from lab.exercises.untrusted import NOTEBOOK_05, Wayside, locate, true_root

__all__ = [
    "HINTS",
    "NOTEBOOK_00",
    "NOTEBOOK_01",
    "NOTEBOOK_04",
    "NOTEBOOK_05",
    "NOTEBOOK_06",
    "Entry",
    "Held",
    "Offer",
    "Put",
    "Wayside",
    "accepts",
    "beats_time_stamp",
    "captured",
    "enters",
    "figure_1",
    "fresh_nonces",
    "locate",
    "predicted_hops",
    "quota",
    "read_card",
    "same_seed",
    "true_root",
    "who_can_alter",
    "who_stores",
]
