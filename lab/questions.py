"""Questions that are asked before a run: a prediction that was made is remembered, right or missed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lab.text import Word

SURE = ("a guess", "fairly sure", "certain")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, what happens in the run step by step, the answers to choose from, which is right (from 0), why.

    ``word`` is what the panel says at the end of the run that is meant, with nothing switched.
    """

    text: str
    steps: tuple[str, ...]
    answers: tuple[str, ...]
    right: int
    why: str
    word: Word

    def judged(self, answer: int | None, sure: str) -> str:
        """What to tell somebody who answered so, once the run is over."""
        if answer is None:
            return "? Not predicted yet: answer the question, look at the run, and come back."
        truth = f"The run: {self.answers[self.right]}. {self.why}"
        sign = "✓ right" if answer == self.right else "× missed"
        return f"{sign}. You: {self.answers[answer]}, {sure}. {truth}"


QUESTIONS: Mapping[str, Question] = {
    "RP-2": Question(
        text="Mallory resends alice’s first PUT. What will bob read?",
        steps=(
            "Alice stores her contact, v1. The PUT passes through mallory, who keeps a copy.",
            "Alice moves and stores v2. That PUT takes another way.",
            "8 s later mallory sends the copy of v1 to the same peer. Alice’s signature on it is untouched.",
            "Bob asks the overlay for alice’s contact.",
        ),
        answers=(
            "v1, the old contact",
            "v2, the new contact",
            "both, and bob has to choose",
            "an error: the resend is refused",
        ),
        right=0,
        why="The signature proves who wrote v1. TLS protects each hop, and mallory is a hop. "
        "Nothing told the storing peer which of the two is newer.",
        word=Word.ROLLED_BACK,
    ),
    "KB-9": Question(
        text="A peer on the way changes the answers that pass. What will bob read?",
        steps=(
            "Every link is up, and every peer on it has a certificate.",
            "Bob asks the overlay for records that others have stored.",
            "One peer on the way back changes what it passes on. Signatures are off.",
        ),
        answers=(
            "what the owners stored",
            "what the peer on the way wrote",
            "an error: the answer does not fit",
            "nothing: the link breaks",
        ),
        right=1,
        why="A link protects a hop, and the peer on the way is its end. Without a signature of the owner's nothing in "
        "the answer can be checked.",
        word=Word.FORGED,
    ),
}
"""By threat."""
