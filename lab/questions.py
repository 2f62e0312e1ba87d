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
    "ST-7": Question(
        text="Mallory’s own name leads to bob’s phone. Certificates for all: who gets the calls?",
        steps=(
            "Everybody has a certificate, and every peer belongs to the operator.",
            "Mallory’s name is popular: she runs a hotline. She reads bob’s contact, as anybody can.",
            "She stores it under her own name and signs it, as she may.",
            "Six callers call the hotline, again and again.",
        ),
        answers=(
            "mallory: the record bears her signature",
            "bob: his phone rings for all of them",
            "nobody: the store is refused, for bob’s contact is not hers",
            "nobody: the callers see that the contact is another’s",
        ),
        right=1,
        why="Nothing is forged. The name is hers, the signature is hers, the contact is a true one. "
        "Only bob could have said that he does not want it, and nobody asked him.",
        word=Word.FLOODED,
    ),
    "ST-8": Question(
        text="Each peer takes at most 16 objects from one publisher. Mallory has 192. How many get in?",
        steps=(
            "The overlay has 32 peers. Where an object lies follows from its name.",
            "Mallory has a certificate, and publishes the same text under 192 names.",
            "Each peer counts what it holds of hers, and refuses the 17th.",
        ),
        answers=("16", "about half of them", "nearly all", "none: 192 is too many"),
        right=2,
        why="192 names over 32 peers are six for each on the average. A peer sees its own share, and that says little.",
        word=Word.FLOODED,
    ),
    "KB-1": Question(
        text="Every message is signed. The peer on the way swallows requests. What does the sender notice?",
        steps=(
            "Eight peers look for alice’s place. Their requests all pass mallory.",
            "Mallory swallows them. She acknowledges each, as the link demands.",
            "Every message that there is carries its sender’s signature.",
        ),
        answers=(
            "a bad signature",
            "that no answer comes, and nothing else",
            "an error from mallory",
            "nothing: the requests arrive over another way",
        ),
        right=1,
        why="A signature shows what became of a message that arrives. This one does not, and whoever waits can’t "
        "tell a hostile peer from a broken link.",
        word=Word.LOST,
    ),
    "KB-10": Question(
        text="Bob asks for a record; mallory, on the way, answers in her own name. What does bob believe?",
        steps=(
            "Owners have stored their records with the peers that are responsible.",
            "A GET for one of them passes mallory.",
            "She does not pass it on. She answers herself, with a record that she has made up.",
        ),
        answers=(
            "nothing: the answer comes from the wrong peer",
            "the owner’s record, from a replica",
            "what mallory made up",
            "an error",
        ),
        right=2,
        why="In an overlay anybody may be responsible for a key: the peer’s address tells nothing. "
        "What would tell is a proof of responsibility, or the owner’s signature.",
        word=Word.FORGED,
    ),
    "ST-17": Question(
        text="Eight of 32 peers lose power at once. Where are the records that they held?",
        steps=(
            "Owners have stored eight records with the peers that are responsible for them.",
            "Those peers stop, all in the same moment, without a word to anybody.",
            "Their neighbors notice, close the ring again, and take over what the others were responsible for.",
            "Readers ask for the eight records.",
        ),
        answers=(
            "with the neighbors who took over",
            "lost, until their owners store them again",
            "on the readers’ phones",
            "half of them are left",
        ),
        right=1,
        why="Whoever takes over a place takes over the duty, not what was kept there. A record that exists once is "
        "gone with its holder; this run has no replicas.",
        word=Word.LOST,
    ),
    "KB-8": Question(
        text="TLS protects every hop. A peer on the way changes a PUT. What is stored?",
        steps=(
            "Every link is TLS 1.3, with a certificate at both ends.",
            "Owners store their records; each PUT passes mallory on its way.",
            "She changes the value, and passes the PUT on over her own, protected link.",
        ),
        answers=(
            "what the owner wrote",
            "what mallory wrote",
            "nothing: the link notices the change",
            "nothing: the storing peer refuses it",
        ),
        right=1,
        why="TLS protects what is between two neighbors. Mallory is not between them, she is one of them.",
        word=Word.FORGED,
    ),
}
"""By threat."""
