"""Find it, fix it: which defence stops an attack? The pool is the named one, its rivals and the decoys.

Whatever is chosen is run, so that the answer is what the overlay does; every choice has its explanation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random

from lab.catalogue import threat
from lab.scenarios import SCENARIOS, Scenario, run, scenario, setting, titles
from lab.strips import word
from lab.text import Word
from p2psip_min.defences import CATALOGUE, entry

POOL = 4
"""How many there are to choose from."""

WHY: Mapping[tuple[str, str], str] = {
    ("RP-2", "time-stamp"): "The resend is younger than the window. A window that no replay fits into turns honest "
    "users with slow clocks away.",
    ("RP-2", "version-counter"): "The copy names the version of its own time. It fitted once, and never will again.",
    ("TR-1", "message-signature"): "A signature says who wrote it and that it is unchanged. Everybody can still "
    "read it.",
    ("TR-1", "tls"): "Only the two ends of the hop can read it now.",
    ("TR-4", "tls"): "The line is private, and mallory is at its end. Nobody compared the Node-ID in her messages with "
    "the one in her certificate.",
    ("TR-4", "tls + link-auth"): "The Node-ID of the other end comes from its certificate, and enrollment gave it out.",
    ("TR-5", "overlay-password"): "The client told the password to whoever was at the other end. Now he has it.",
    ("TR-5", "tls + link-auth"): "Both ends show a certificate, and each looks whose it is: nobody stands in between.",
    ("ST-1", "client-read-check"): "The check runs in the reader's own program. Mallory's program has none.",
    ("ST-1", "readers-list"): "The peer that holds the record looks at the owner's list before it answers.",
    ("ST-2", "record-signature"): "Mallory signs what she writes, and her signature is good. The question is whose "
    "name the record bears.",
    ("ST-2", "access-control"): "The record's place follows from the owner's name, and mallory's certificate names "
    "somebody else.",
    ("ST-3", "log-in-removal"): "Mallory has logged in. That says who she is, not whose record she removes.",
    ("ST-3", "signed-tombstone"): "A removal is a record like any other: signed by the owner, younger than what it "
    "removes.",
    ("ST-6", "record-signature"): "False entries, truly signed, by somebody with a genuine certificate.",
    ("ST-6", "access-control"): "Under a name only the one writes who bears it. That does not make him truthful about "
    "himself, but others can't add to it.",
    ("ST-7", "record-signature"): "The record is mallory's own, and she signs it. It is no forgery; it points at "
    "somebody who was not asked.",
    ("ST-7", "access-control"): "Mallory writes under her own name, as she may. What the record says about bob is "
    "another matter.",
    ("ST-7", "contact-consent"): "Before a record leads to bob's phone, bob's phone is asked.",
    ("ST-8", "peer-quota"): "Mallory's names are spread over all peers, and each sees only a few of them.",
    ("ST-8", "publication-account"): "One account for one publisher, wherever her objects go.",
    ("KB-1", "message-signature"): "What is swallowed has no signature to check.",
    ("KB-1", "path-diagnosis"): "The sender follows its request from peer to peer, and finds where it ended.",
    ("KB-4", "short-ttl"): "A message that goes astray dies sooner. It still does not arrive.",
    ("KB-4", "progress-check"): "Each hop must be nearer to the key than the last; the next try goes around the liar.",
    (
        "KB-9",
        "message-signature",
    ): "It shows who sent the answer, and the peer on the way signs it anew, in its own name.",
    ("KB-9", "holder-signature"): "Any holder’s signature would do, and mallory has a certificate, too.",
    (
        "KB-9",
        "record-signature + access-control",
    ): "The value is signed by the owner of its place. Mallory can sign, but not in that name.",
    ("KB-9", "path-diagnosis"): "An answer did come. Nothing is missing that one could follow up.",
    ("KB-10", "true-root"): "Bob refuses whoever only says that he is responsible. Then the answer is passed on by "
    "mallory, and the object in it is hers: nothing signs that.",
    ("RM-1", "tls"): "Mallory has a certificate and a good line. What she tells on it is false.",
    ("RM-1", "verified-entries"): "Whoever is to enter the table is asked himself, under his own certificate.",
    ("RP-1", "record-signature"): "The old PUT is its owner's, signature and all. What came later it can't say.",
    ("RP-1", "rising-time + reader-memory"): "A value gives way to a younger one only, and who has read the younger "
    "one does not go back.",
    ("RP-3", "transaction-memory"): "What was held back has never been seen before. There is nothing to remember.",
    ("RP-3", "record-signature + time-stamp + rising-time"): "The owner signed when it was made. That was too long "
    "ago.",
    ("ST-11", "replicas"): "The copies are made by the peer that is responsible, and it makes none.",
    ("ST-11", "write-quorum + read-quorum"): "The owner looks whether the others have it, brings it to those who do "
    "not, and readers ask more than one.",
    ("ST-12", "replicas"): "There are true copies two peers further on. Nobody asks for them.",
    ("ST-12", "record-signature"): "Whoever changes a value breaks the owner's signature on it.",
    ("ST-14", "record-signature"): "An old value is as well signed as a new one.",
    ("ST-14", "record-signature + replicas + read-quorum"): "Three holders are asked, and the youngest value that its "
    "owner signed is taken.",
    ("ST-15", "read-quorum"): "Three are asked, and all three are mallory's: the copies lie side by side.",
    ("ST-15", "rising-time + salted-places"): "The other two places lie where mallory is nobody, and what she brings "
    "there is older than what is held.",
    ("ST-16", "value-encryption"): "Mallory can't read what she holds. She need not, to say that there is nothing.",
    ("ST-16", "server-node-ids + salted-places"): "Nobody gets the Node-IDs that he asks for, and chance gives one "
    "place, not three.",
    ("ST-17", "central-backup"): "There is a copy of everything, and it helps while the server is up. It is down, too.",
    ("ST-17", "replicas"): "The next peers hold copies, and make new ones when somebody is gone.",
    ("ST-17", "strong-identity"): "It says who enrolled. It keeps nothing for anybody.",
    ("ST-17", "message-signature"): "A record that is gone needs no signature.",
    ("DT-1", "majority-vote"): "Mallory has more names than those whom she harms, and every name has a vote.",
    ("DT-1", "answer-receipts + checkable-evidence"): "The liar's own signed answer is shown to the server. It needs "
    "no votes.",
    ("DT-2", "first-complaint"): "The machine is mended, and nobody lets it in again.",
    ("DT-2", "answer-receipts + graduated-exclusion"): "The faulty machine is kept out for a while, and comes back "
    "when it is mended.",
    ("DT-3", "complaint-count"): "Three who agree can say what they like.",
    ("DT-3", "answer-receipts + checkable-evidence"): "A word is not heard. What the accused really said proves "
    "nothing against them.",
    (
        "TR-4",
        "offline-certificates",
    ): "Her certificate is good, and can be checked without asking. It is hers, and nobody "
    "compares it with what she says.",
    ("TR-4", "replicas"): "Copies keep records from being lost. Nothing is lost here: somebody is taken for another.",
    (
        "TR-5",
        "signed-grants",
    ): "A grant says who may write to whose record. The two have not even introduced themselves.",
    (
        "TR-5",
        "record-signature",
    ): "Records are safe then, but the link is his: he decides what goes over it, and to whom.",
    (
        "ST-2",
        "enrollment-reputation",
    ): "It keeps those out who were caught before. Mallory is a member, and nobody complained.",
    ("ST-2", "strict-parser"): "Her store is well formed, to the last byte.",
    ("ST-7", "responder-check"): "The right peers answer, and what they hold is the attack.",
    ("ST-8", "transaction-memory"): "It knows a request that comes twice. Each of these comes once.",
    (
        "ST-8",
        "revocation",
    ): "It takes effect when somebody has found her out and told the server. Until then all is stored.",
    ("KB-1", "bound-node-id"): "Mallory keeps her Node-ID, and with it her place on the way.",
    ("KB-1", "enrollment-tls"): "Enrollment went as it should. She swallows what comes long after it.",
    ("KB-4", "readers-list"): "It decides who may read, once a request has arrived. These do not.",
    ("KB-4", "key-possession"): "She enrolled honestly, with her own key.",
    ("KB-10", "renewal"): "Her certificate will be renewed, for nobody has complained.",
    ("KB-10", "signed-grants"): "Grants are about writing. She writes nothing, she answers.",
    (
        "KB-10",
        "true-root + record-signature + access-control",
    ): "Who is not responsible is not believed, and what the owner of the place has not signed is not taken.",
    ("RM-1", "replicas"): "More copies, found through the same false table.",
    ("RM-1", "renewal"): "A new certificate for the same mallory, with the same false table.",
    ("RP-2", "readers-list"): "Mallory does not read. She sends what she once passed on.",
    ("RP-2", "tls"): "Mallory is one of the two ends of the hop, when she keeps it and when she resends it.",
    ("ST-13", "record-signature"): "A signature shows that a value is true. There is no value to show.",
}
"""What to say of a choice, by threat and the defences' names; the catalogue's words serve for the others."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A set of defences that one may choose."""

    names: tuple[str, ...]
    title: str
    checks: str


@dataclass(frozen=True, slots=True)
class Tried:
    """What a choice came to: the word of the run, its figure, whether honest users were served, and why."""

    candidate: Candidate
    word: Word
    figure: float
    honest: float
    right: bool
    why: str


def candidates(which: str | Scenario) -> tuple[Candidate, ...]:
    """What there is to choose from, in an order that gives nothing away and is always the same."""
    chosen = scenario(which) if isinstance(which, str) else which
    pool = [chosen.defence, *((name,) for name in chosen.decoys)]
    # Fill up with single defences of the same layer's part of the catalogue that nobody claims to help.
    claimed = {name for names in (chosen.defence, *chosen.claims) for name in names}
    fields = {entry(name).field for name in (*chosen.defence, *chosen.decoys)}
    near = [each for each in CATALOGUE if each.presets and each.name not in claimed and each.field not in fields]
    dice = Random(f"fix:{chosen.id}")
    while len(pool) < POOL and near:
        pool.append((near.pop(int(dice.random() * len(near))).name,))
    pool = [pool[0], *(names for names in dict.fromkeys(pool[1:]) if names != pool[0])][:POOL]
    shuffled = [pool.pop(int(dice.random() * len(pool))) for _ in range(len(pool))]
    return tuple(
        Candidate(names, titles(names)[:1].upper() + titles(names)[1:], "; ".join(entry(name).checks for name in names))
        for names in shuffled
    )


def attempt(
    which: str | Scenario, candidate: Candidate, *, base: str | None = None, peers: int = 32, seed: int = 7
) -> Tried:
    """Run the attack against the choice; it is right when the attack comes to nothing and honest users are served."""
    chosen = scenario(which) if isinstance(which, str) else which
    ground = setting(chosen, base=base, peers=peers, seed=seed)
    defended = ground.with_defences(candidate.names)
    outcome = run(chosen, defended)
    said = word(chosen, outcome.figure)
    before, after = (run(chosen, replace(each, attack=False)).honest for each in (ground, defended))
    served = after >= before * (1 - chosen.bounds.honest)
    return Tried(
        candidate=candidate,
        word=said,
        figure=outcome.figure,
        honest=after,
        right=said is Word.HOLDS and served,
        why=_why(chosen, candidate, said, served),
    )


def _why(chosen: Scenario, candidate: Candidate, said: Word, served: bool) -> str:
    if known := WHY.get((chosen.id, " + ".join(candidate.names))):
        return known
    checks = candidate.checks[:1].upper() + candidate.checks[1:]
    if said is Word.HOLDS and not served:
        return f"{checks}: the attack is gone, and so are honest users. That is no defence."
    if said is Word.HOLDS:
        return (
            f"{checks}. {entry(candidate.names[0]).stops[:1].upper()}{entry(candidate.names[0]).stops[1:]}: this too."
        )
    if candidate.names[0] in chosen.decoys:
        looks = f"It looks right: {threat(chosen.id).decoy}. " if chosen.id in SCENARIOS else ""
        return f"{checks}. {looks}The run says {said}."
    return f"{checks}. That is another question: against this attack the run says {said}."
