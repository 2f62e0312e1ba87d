"""Every word that people read about a run; with ``lab.labels``, all there is to translate."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping, Sequence

from p2psip_min.storage.replication import GIVE_UP, HAND_OVER


class Word(enum.StrEnum):
    """One word per fact, the same word everywhere."""

    HOLDS = "HOLDS"
    NEWEST = "NEWEST"
    REFUSED = "REFUSED"
    ROLLED_BACK = "ROLLED BACK"
    FORGED = "FORGED"
    LOST = "LOST"
    READ = "READ"
    INVALID = "INVALID"
    FLOODED = "FLOODED"
    TAKEN = "TAKEN"
    EXCEEDED = "EXCEEDED"
    FAILED = "FAILED"
    STOLEN = "STOLEN"
    LATE = "LATE"
    OVERRUN = "OVERRUN"
    MOVED = "MOVED"
    STALE = "STALE"
    REMOVED = "REMOVED"
    KEPT_COPY = "KEPT COPY"
    NOT_RUN = "NOT RUN"
    RUNNING = "RUNNING"


class Tone(enum.StrEnum):
    """The colour family of a word; never its only sign."""

    GOOD = "good"
    BAD = "bad"
    WARN = "warn"
    MUTE = "mute"


TONES: dict[Word, Tone] = {
    Word.HOLDS: Tone.GOOD,
    Word.NEWEST: Tone.GOOD,
    Word.REFUSED: Tone.GOOD,
    Word.ROLLED_BACK: Tone.BAD,
    Word.FORGED: Tone.BAD,
    Word.LOST: Tone.BAD,
    Word.READ: Tone.BAD,
    Word.INVALID: Tone.BAD,
    Word.FLOODED: Tone.BAD,
    Word.TAKEN: Tone.BAD,
    Word.EXCEEDED: Tone.BAD,
    Word.FAILED: Tone.BAD,
    Word.STOLEN: Tone.BAD,
    Word.LATE: Tone.BAD,
    Word.OVERRUN: Tone.BAD,
    Word.MOVED: Tone.BAD,
    Word.STALE: Tone.WARN,
    Word.REMOVED: Tone.MUTE,
    Word.KEPT_COPY: Tone.MUTE,
    Word.NOT_RUN: Tone.MUTE,
    Word.RUNNING: Tone.MUTE,
}


def version(number: int) -> str:
    """The label of a version; empty for none."""
    return f"v{number}" if number else ""


def series(items: Sequence[str]) -> str:
    """ "a, b and c"."""
    return f"{', '.join(items[:-1])} and {items[-1]}" if len(items) > 1 else "".join(items)


# --- clauses: what a node does at a moment; the node's name stands before them ---------------------------------

PURPOSES = {7: "PUT", 9: "GET", 13: "find", 15: "join", 17: "leave", 23: "lookup", 25: "stat", 29: "call"}
"""What a request is for, by message code (RFC 6940 §14.9), in the timeline."""

MOMENTS = {
    "NodeCrashed": "crash",
    "NodeLeft": "leaves",
    "NodeJoined": "joins",
    "CallFailed": "call fails",
    "CallSetUp": "connected",
}
"""What a moment without a message of its own is called in the timeline, by event."""

NO_ANSWER = "gives up: no answer came"
KEEPS_COPY = "keeps a copy"
THE_VALUE = "the value"
VIA, AT = "via ", "at "


def sends(method: str, carried: str, towards: str) -> str:
    """A request at its origin."""
    return f"sends {method}{f' with {carried}' if carried else ''}{f' towards {towards}' if towards else ''}"


def resends(owner: str, carried: str, receiver: str) -> str:
    """Somebody else's store, sent again."""
    return f"resends {owner}’s {carried or 'store'} to {receiver}"


def copies(carried: str, receivers: Sequence[str]) -> str:
    """Stores to replicas."""
    return f"copies {carried or 'the value'} to {series(receivers)}"


def answers(method: str, carried: str, requester: str) -> str:
    """An answer at its origin."""
    return f"answers {requester} with {method}{f' and {carried}' if carried else ''}"


def answers_error(error: str, requester: str) -> str:
    """An error answer at its origin."""
    return f"answers {requester} with the error {error}"


def forwards(method: str, requester: str, receiver: str) -> str:
    """A request on its way."""
    return f"forwards {requester}’s {method} to {receiver}"


def returns(method: str, requester: str, receiver: str) -> str:
    """An answer on its way back."""
    if requester == receiver:
        return f"passes the {method} back to {requester}"
    return f"passes {requester}’s {method} back to {receiver}"


def receives(method: str, answer: bool) -> str:
    """A message at its end, with nothing else to say about it."""
    return f"has the {method}" if answer else f"takes the {method}"


def drops(method: str, reason: str) -> str:
    """A message that ended on the way."""
    return f"drops the {method}: {reason}"


def stores(carried: str, replica: int) -> str:
    """A first value."""
    return f"stores {carried}{f' as replica {replica}' if replica else ''}"


def replaces(carried: str, replaced: str, older: bool) -> str:
    """A value in another's place."""
    return f"puts {carried} over {replaced}" if older else f"replaces {replaced} by {carried}"


def removes(replaced: str) -> str:
    """A tombstone."""
    return f"removes {replaced}"


def expires(carried: str) -> str:
    """A lifetime's end."""
    return f"lets {carried} expire"


def hands_over() -> str:
    """A holder that no longer is one."""
    return "hands its copy over"


def discards() -> str:
    """A holder that let go of what it should keep."""
    return "throws its copy away"


def misses() -> str:
    """An owner whose record is not where it should be."""
    return "does not find its record"


def refuses(reason: str) -> str:
    """A store that a rule stopped."""
    return f"refuses the store: {reason}"


def acknowledged(replicas: Sequence[str]) -> str:
    """The end of a store."""
    return f"knows that it is stored{f', with copies at {series(replicas)}' if replicas else ''}"


def reads(carried: str, exists: bool) -> str:
    """A value taken as true."""
    return f"reads {carried}" if exists else "reads that nothing is there"


def distrusts(carried: str, reason: str) -> str:
    """A value not taken."""
    return f"does not believe {carried}: {reason}"


def found(responder: str, hops: int) -> str:
    """A lookup's end."""
    return f"learns that {responder} answers, {hops} {'hop' if hops == 1 else 'hops'} away"


def no_root(responder: str, reason: str) -> str:
    """An answer from who is not responsible."""
    return f"does not believe that {responder} may answer: {reason}"


def again(attempt: int) -> str:
    """A retransmission."""
    return f"asks again, attempt {attempt}"


def fails(error: str) -> str:
    """A request that an error answered."""
    return f"is told no: {error}"


def joins(admitting: str) -> str:
    """A new peer."""
    return f"joins the overlay{f' through {admitting}' if admitting else ''}"


def not_let_in(reason: str) -> str:
    """A refused join."""
    return f"is not let in: {reason}"


def attaches(peer: str) -> str:
    """A client at its peer."""
    return f"attaches to {peer} as a client"


def moves(client: str, peer: str) -> str:
    """A client that changed its peer, as a note between messages."""
    return f"{client} moves to {peer}"


def waits(seconds: float) -> str:
    """A pause between messages, as a note."""
    return f"{seconds:.0f} s pass" if seconds >= 10 else f"{seconds:.1f} s pass"


LEAVES = "leaves and hands its data over"
CRASHES = "crashes without a word"


def gives_up(neighbor: str) -> str:
    """A neighbor taken for dead."""
    return f"gives {neighbor} up as dead"


def refuses_link(remote: str, reason: str) -> str:
    """A link that was not made."""
    return f"refuses the link with {remote}: {reason}"


def server(number: int, count: int) -> str:
    """An enrollment server, which has no name of its own."""
    return "enrollment server" if count == 1 else f"enrollment server {number}"


def certifies(user: str) -> str:
    """The enrollment server's yes."""
    return f"issues a certificate to {user}"


def refuses_enrollment(user: str, reason: str) -> str:
    """The enrollment server's no."""
    return f"refuses {user}: {reason}"


def judges(reporter: str, accused: str, outcome: str) -> str:
    """A report that the server heard."""
    return f"hears {reporter or 'somebody'} about {accused or 'somebody'}: {outcome}"


def excludes(node: str, seconds_: float) -> str:
    """A sentence; 0 s: for good."""
    return f"excludes {node} for {seconds_:.0f} s" if seconds_ else f"excludes {node} for good"


def _reached(contact: str) -> str:
    return contact if contact.startswith(VIA) else AT + contact


def registered(aor: str, contact: str) -> str:
    """A registration done."""
    return f"has registered {aor}, reached {_reached(contact)}"


def resolved(aor: str, contact: str) -> str:
    """What a caller believes."""
    return (
        f"believes that {aor} is reached {contact if contact.startswith(VIA) else AT + contact}"
        if contact
        else f"finds no contact of {aor}"
    )


def calls(aor: str, remote: str) -> str:
    """A call answered."""
    return f"is connected with {aor} at {remote}"


def without_ids(reason: str) -> str:
    """A reason without the Resource-ID at its end: the sentence has named whose it is."""
    return re.sub(r" at ResourceID\([^)]*\)$", " there", reason)


def call_fails(aor: str, reason: str) -> str:
    """A call that came to nothing."""
    return f"cannot reach {aor}: {reason}"


def lost_packet(remote: str, reason: str) -> str:
    """A packet that did not arrive."""
    return f"loses a packet to {remote}: {reason}"


# --- captions ---------------------------------------------------------------------------------------------------


def caption_before(peers: int) -> str:
    """Before the first moment."""
    up = "1 peer is" if peers == 1 else f"{peers} peers are"
    return f"{up} up. Nothing has happened yet: press Play (space) or Step (.)."


def times(count: int) -> str:
    """How often, where it is more than once."""
    return "" if count == 1 else " twice" if count == 2 else f" {count} times"


def together(clauses: Sequence[str]) -> str:
    """Clauses in a row; a comma before "and" where a clause has one of its own."""
    if len(clauses) > 1 and any(" and " in clause for clause in clauses):
        return f"{', '.join(clauses[:-1])}, and {clauses[-1]}"
    return series(clauses)


def sentence(t: float, who: str, clauses: Sequence[str]) -> str:
    """One moment."""
    return f"At {t:.2f} s {who} {together(clauses)}."


def rolled_back(t: float, who: str, owner: str, holders: Sequence[str], old: str, new: str) -> str:
    """What a replay achieved so far."""
    return f"At {t:.2f} s {who} resent {owner}’s {old}, and {series(holders)} put {old} over {new}."


def resend_refused(t: float, who: str, owner: str, old: str, holder: str, reason: str) -> str:
    """What a replay did not achieve."""
    return f"At {t:.2f} s {who} resent {owner}’s {old}, and {holder} refused it: {reason}."


def now(who: str, clauses: Sequence[str]) -> str:
    """The moment itself after a standing sentence."""
    return f"Now {who} {together(clauses)}."


def role(replica: int, several: bool = True) -> str:
    """A holder's role, or how the record came to it."""
    if replica in (GIVE_UP, HAND_OVER):
        return "handed over"
    return "root" if replica == 0 else f"replica {replica}" if several else "replica"


ROLE_OWNER, ROLE_READER, ROLE_HOLDER = "owner", "read it", "holds it"
NOBODY = "nobody"
RESENT = "resent"


def key_of(resource: str) -> str:
    """The mark on the ring."""
    return f"key of {resource.removeprefix('sip:').split('@', 1)[0]}"


# --- the inspector ----------------------------------------------------------------------------------------------

HEADER = "forwarding header"
STORED = "StoredData"
STORED_NOTE = "the record itself"
SIGNATURE = "Signature"
SIGNATURE_NOTE = "of the record, over the underlined bytes"
SECURITY = "security block"
EXTENSIONS = "extensions"
MALFORMED = "not a message"
UNREADABLE = "unreadable"
BYTES, NONE, EMPTY = "bytes", "none", "empty"
WHOLE = "not split"
TOKEN = "RELO, first bit set"
HASHES = {0: "none", 2: "SHA-1", 4: "SHA-256", 5: "SHA-384", 6: "SHA-512"}
ALGORITHMS = {0: "unsigned", 1: "RSA", 3: "ECDSA"}


def byte_count(size: int) -> str:
    """A length."""
    return f"{size} byte{'' if size == 1 else 's'}"


def seconds(value: int) -> str:
    """A lifetime."""
    return f"{value} s"


def header_note(size: int) -> str:
    """Why the header is not signed."""
    return f"{size} bytes: hops rewrite it, so no signature covers it"


def security_note(count: int, size: int) -> str:
    """What ends a message."""
    return f"{certificates(count, 0)} and message signature, {size} bytes" if count else f"{size} bytes"


def certificates(count: int, size: int) -> str:
    """How many certificates come along."""
    return f"{count} certificate{'' if count == 1 else 's'}" + (f", {size} bytes" if size else "")


def hops_left(ttl: int) -> str:
    """A ttl."""
    return f"{ttl} hops left"


def hashed(resource: str) -> str:
    """A Resource-ID whose name is known."""
    return f"H({resource})"


def opaque(raw: str) -> str:
    """An opaque destination."""
    return f"opaque {raw}"


def via(hops: Sequence[str]) -> str:
    """A contact that is a route."""
    return VIA + ", ".join(hops)


def host(address: str, port: int) -> str:
    """Where a server listens."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def yes(value: bool) -> str:
    """A Boolean of the wire."""
    return "true" if value else "false: a tombstone"


def more(count: int) -> str:
    """What a list leaves out."""
    return f" and {count} more" if count > 0 else ""


def stamp(t: float, now_: float) -> str:
    """A storage time in virtual seconds, and how long ago that was."""
    return f"{t:.3f} s, {now_ - t:.1f} s ago"


def algorithm(hash_: int, signature: int) -> str:
    """A pair of TLS's algorithm numbers."""
    if not signature:
        return ALGORITHMS[0]
    return f"{ALGORITHMS.get(signature, str(signature))}, {HASHES.get(hash_, str(hash_))}"


def identity(kind: int, digest: str) -> str:
    """Who signed, as the message says it."""
    return "nobody" if kind == 3 else f"certificate {digest}…"


# --- under a verdict -------------------------------------------------------------------------------------------------

SERVED_ENOUGH = 0.99
"""Less than this share of honest operations is told beside a verdict, wherever it stands."""
SERVICE = "honest operations that work"
SERVICE_LOST = "The defence keeps what the metric counts, but not all of the service"
"""Stands under a verdict whose defence holds while honest operations fail."""


def service(share: float) -> str:
    """The share of honest operations that work while somebody attacks."""
    return f"honest service under attack {share:.0%}"


def near(bounds: Sequence[str]) -> str:
    """Which bounds a verdict is near, in the words of the bounds."""
    return f"near its bound on {' and '.join(bounds)}"


def measured(numbers: Mapping[str, float]) -> str:
    """Numbers beside the metric."""
    return ", ".join(f"{name} {value:.3g}" for name, value in numbers.items())
