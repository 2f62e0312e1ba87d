"""Every word of the panel's own: headings, labels, buttons, notes; with ``lab.text`` and ``lab.contrast``, all there
is to translate.
"""

from __future__ import annotations

from collections.abc import Mapping

from lab.text import byte_count, version

# --- the pictures -----------------------------------------------------------------------------------------------


def node_label(name: str, person: str, kind: str, role: str, held: int, hostile_: bool, state: str) -> str:
    """A node for the pointer and for screen readers."""
    parts = [name if not person else f"{person}, {name}", kind]
    if hostile_:
        parts.append("hostile")
    if role:
        parts.append(f"{role}, holds {version(held)}")
    if state != "up":
        parts.append(state)
    return ", ".join(parts)


def hostile(name: str) -> str:
    """The second line of a hostile node's label."""
    return f"{name}, hostile" if name else "hostile"


def until(name: str, t: float) -> str:
    """A client's earlier place."""
    return f"{name} until {t:.0f} s"


TIME = "time, s"
TIME_SHORT = "t, s"
MESSAGE = "message"
HOLDERS = "holders of the record"
OTHERS, MORE = "others", "more"
HOP, COPY = "hop", "copy"
IN_FLIGHT = "in flight"
STEP = "step"
SHORT_OUTCOMES = {"refused": "REFUSED", "dropped": "DROPPED", "lost": "LOST"}


def earlier_rows(number: int) -> str:
    """What the lanes leave out."""
    return f"{number} earlier messages are in the table below"


def folded(rows: int, transactions: int) -> str:
    """What stands where equal transactions were folded."""
    many = f"{rows} messages like earlier ones" if rows != 1 else "1 message like an earlier one"
    return f"{many}, of {transactions} transaction{'s' if transactions != 1 else ''}"


def peers(number: int) -> str:
    """How many peers."""
    return f"{number} peer{'s' if number != 1 else ''}"


def past_the_end(card: str, steps: int) -> str:
    """A card's moment that its run does not have."""
    return f"{card!r} names a step that is not there: this run has {steps} steps"


def nothing_found(find: str) -> str:
    """A search without a match."""
    return f"no message has “{find}”"


def count(number: int) -> str:
    """How many nodes share a lane."""
    return f"+{number}"


def hop_count(number: int) -> str:
    """How far an answer came."""
    return f"{number} hops"


def row_label(number: int, t: float, name: str, sender: str, outcome: str) -> str:
    """A row for screen readers."""
    return f"message {number}, {t:.2f} s, {name} from {sender}, {outcome}"


def step_text(cursor: int, length: int, t: float, word: str) -> str:
    """The timeline's place for screen readers."""
    return f"step {cursor} of {length}, {t:.2f} s, {word}"


def held(node: str, number: int, again_: bool) -> str:
    """A bar under the timeline."""
    label = f"{node} holds {version(number)}" if node else version(number)
    return f"{label} again: rolled back" if again_ else label


# --- the panel --------------------------------------------------------------------------------------------------

CARD = "card"
RING, RING_NOTE = "Ring", "order by Node-ID, equal spacing"


def so_many_hostile(note: str, number: int) -> str:
    """The ring's note, where more are hostile than have names on it."""
    return f"{number} are hostile; {note}"


def thinned(every: int) -> str:
    """The note of a ring with too many peers to draw all."""
    return f"by Node-ID; 1 of {every} idle peers drawn"


MESSAGES = "Messages"
NO_MESSAGES = "No message has been sent yet."
OTHER_EVENTS = "What has happened so far is not between nodes of the overlay; the caption tells it."
VERDICT, VERDICT_NOTE = "Verdict", "one run each, same seed; only the named thing differs"
VERDICT_ROW = "verdict"
NO_VERDICT = "This overlay has no attack to judge. Choose a threat to compare runs."
PRICE_LATER = "shown with the result"
NO_PRICE = "none"
STORAGE = "Storage"
NOTHING_STORED = "No peer holds a record yet."
STORAGE_COLUMNS = ("holder", "version", "value", "signer", "age, s", "status")
UNKNOWN = "unknown"
BYTES_TITLE = "Bytes"
SELECT_A_MESSAGE = "Select a message, and its bytes open here."
SENT = "sent"
UNDERLINED = "Underlined bytes"
UNDERLINED_NOTE = "are what the record's signature covers."
SIGNATURE_VALID, SIGNATURE_WRONG = "signature valid", "signature wrong"
SIGNATURE_OPEN, UNSIGNED = "not checked", "unsigned"
TLS_RECORD = "TLS record around it"
PLAIN_LINK = "No TLS record around it: on this link everybody on the way reads these bytes, and can change them."
FRAME_MEANING = "data, sequence number, length (RFC 6940 §6.6.1)"
MESSAGE_BELOW = "everything below"
TAG_MEANING = "content type and authentication tag: with one bit turned on the wire the link ends"


def proof(record: bool, signer: str, valid: bool | None, signed: bool) -> str:
    """What a signature says, and what it does not."""
    what = "record" if record else "message"
    if not signed:
        return f"Nobody signed this {what}: it proves nothing about who made it."
    if valid is None:
        return f"The certificate of who signed this {what} is not in the message; its reader has it from elsewhere."
    if not valid:
        return f"It names {signer}’s certificate, but these are not the bytes that {signer} signed."
    if record:
        return f"{signer} signed this record. That says who wrote it, not that no newer one exists."
    return f"{signer} made this message. That says nothing about the record in it, nor about who passed it on."


def record_note(size: int) -> str:
    """What the record is, on its closed group."""
    return f"{byte_count(size)} on the wire; an outsider sees their number, and nothing of what they say"


def record_header(length: int) -> str:
    """What of it is in clear."""
    return f"application data, {byte_count(length)} follow (RFC 8446 §5.2)"


def hidden(size: int) -> str:
    """Bytes that are encrypted."""
    return f"▒▒ ▒▒ ▒▒ … {byte_count(size)}, encrypted"


TABLE = "Table of the messages"
TABLE_COLUMNS = ("#", "time, s", "from", "to", "message", "version", "outcome")
REPLICAS = "replicas"
DEFENCES = "Defences"
DEFENCES_NOTE = "a switch changes one thing and runs the same seed again"
DEFENCE_COLUMNS = ("switch", "defence", "what it checks", "price", "section", "last try")
NOT_TRIED, ON_IN_THIS_RUN = "not tried", "on in this run"
ON, OFF = "on", "off"
KEYS = (("space", "play or pause"), (".", "step"), ("←", "back"), ("Home", "start"), ("End", "end"))
KEYS_LABEL = "keys:"
SIMULATED = "simulated network and time"
UNCHANGED = "The picture is unchanged."
BACK, PLAY, PAUSE, STEP_ON, TO_END = "Back", "Play", "Pause", "Step", "End"
NEXT_MESSAGE = "Message"
STEP_HELP, MESSAGE_HELP = "one moment on (.)", "on to the next message that is sent (m)"
RESET, JUDGE = "Reset", "Run all four"
JUDGE_HELP = "Runs the scenario once for each column: without attack, attacked, defended, with the decoy"
OVER_SEEDS = "Over 20 seeds"
OVER_SEEDS_HELP = "Runs every column on the seeds 1 to 20, as the matrix does; can be stopped"
STOP = "Stop"
SPEED = "speed"
SEED = "seed"
WAITING = "Ready. Nothing has run yet."
FIND = "find"
FIND_DEFENCE = "find a defence"
ALL_DEFENCES = "All other defences"


def done_so_far(what: str, done: int, total: int) -> str:
    """How far long work is."""
    return f"{what}: {done} of {total} runs"


def stopped_at(what: str, done: int, total: int) -> str:
    """Long work that somebody stopped."""
    return f"{what}: stopped after {done} of {total} runs. What was run is kept; the same button goes on."


def over_seeds(seeds: int, wanted: int) -> str:
    """The row of means in the verdict's table."""
    return f"mean of {seeds} seeds" + ("" if seeds >= wanted else f" (a verdict takes {wanted})")


def interval(mean: float, low: float, high: float, unit: str = "") -> str:
    """A mean with what it may be, with 95 % certainty."""
    return f"{mean:.3g}{unit}" if low == high else f"{mean:.3g}{unit} ({low:.3g} to {high:.3g})"


def per_cent(figure: float) -> str:
    """A share."""
    return f"{100 * figure:.3g} %"


def in_per_cent(metric: str) -> str:
    """What a share is a share of, for figures in per cent: "reads spoiled, of 1" without its last words."""
    return metric.replace(", of 1 that", ", of those that").replace(", of 1", "")


def measured(metric: str) -> str:
    """A metric beside figures as they are: those of a share lie between 0 and 1."""
    return f"{in_per_cent(metric)} (0: none, 1: all)" if ", of 1" in metric else metric


def no_number(what: str) -> str:
    """Why a number was not taken."""
    return f"{what} is a whole number"


def more_defences(count: int, on: int) -> str:
    """What the closed list holds."""
    return f"{count} more{f', {on} of them on' if on else ''}"


def contact_at(resource: str, t: float) -> str:
    """The storage table's note."""
    return f"{resource} at {t:.2f} s"


def shown(number: int) -> str:
    """The lanes' note."""
    return f"{number} sent so far; select a row to open its bytes" if number else ""


def bytes_title(number: int) -> str:
    """The inspector's heading."""
    return f"Bytes of message {number}"


def bytes_note(name: str, verb: str, who: str, t: float, size: int) -> str:
    """The inspector's note."""
    return f"{name}, {verb} by {who} at {t:.2f} s, {byte_count(size)}"


def outcome(word: str, reason: str) -> str:
    """A message's end in the table."""
    return f"{word}: {reason}" if reason else word


def table_note(total: int, drawn: int) -> str:
    """The table's note."""
    rows = f"{total} rows" if total != 1 else "1 row"
    return f"same content as the pictures; {rows}" + (f", here the last {drawn}" if drawn < total else "")


def ready(cursor: int, length: int, finished: bool) -> str:
    """The status line at rest."""
    if not length:
        return WAITING
    return f"Ready. Step {cursor} of {length}{'' if finished else ', more to come'}."


def playing(speed: str, cursor: int, length: int) -> str:
    """The status line while playing."""
    return f"Playing, {speed}. Step {cursor} of {length}."


def working(what: str) -> str:
    """The status line during a run that takes a moment."""
    return f"Running: {what} …"


def begun(words: str) -> str:
    """Words that begin a sentence: with a capital letter, but "p07" is a name as it is."""
    return words if words[:1] == "p" and words[1:2].isdigit() else words[:1].upper() + words[1:]


def stopped(why: str) -> str:
    """An error's reason as a sentence."""
    return f"{begun(why).rstrip('.')}."


def failed(what: str) -> str:
    """The start of an error."""
    return f"{what[:1].upper()}{what[1:]} failed."


LEGEND_PEER, LEGEND_CLIENT, LEGEND_HOSTILE, LEGEND_BOOTSTRAP = "peer", "client", "hostile", "bootstrap"
LEGEND_SERVER = "enrollment server"
LEGEND_HOLDS, LEGEND_CURRENT, LEGEND_AHEAD = "holds the record", "current message", "still to go"
LEGEND_RESENT, LEGEND_FINGERS = "resent", "fingers (on hover)"
AGAIN = "rolled back"

# --- hands on a message -----------------------------------------------------------------------------------------

INSIDE, ON_THE_WIRE = "inside the sender", "on the wire"
BIT, SECONDS = "bit", "seconds"
DEEDS = {
    "flip": "Flip a bit",
    "drop": "Drop",
    "delay": "Delay",
    "duplicate": "Duplicate",
    "resend": "Resend",
}
DEEDS_HELP = {
    "flip": "turns one bit of this message; the bit proposed lies in the middle of what is signed",
    "drop": "this message is not sent",
    "delay": "this message is sent so many seconds later",
    "duplicate": "this message is sent twice at once",
    "resend": "this message is sent again so many seconds later",
}


def hands_on(number: int, name: str) -> str:
    """Which message the buttons are about."""
    return f"{name} {number}"


# --- a node -----------------------------------------------------------------------------------------------------

MAKE_HOSTILE, CRASH, CLOSE = "Make hostile", "Crash", "Close"
NEIGHBORS, OTHER_ENTRIES, SERVED_BY = "neighbor table", "other entries", "served by"
RECORD_COLUMNS = ("resource", "kind", "value", "signer", "role", "age, s")
TOMBSTONE = "removed"
NO_TABLES = "A server has no routing table and stores nothing."
NO_PEER = "a server is the operator’s own, and no node of the overlay"
ONE_MORE, ONE_MORE_HELP = "One more mallory", "another peer does what mallory does from now on"
SWALLOWS = "swallows requests"
SWALLOWS_HELP = "in this story no peer attacks: from now on this one swallows the requests that it should pass on"
NO_MORE_PEERS = "no peer is left that could turn"
IS_DOWN = ", down"


def hostile_already(name: str) -> str:
    """Why a node can't be made hostile."""
    return f"{name} is hostile already"


def forwards_for_nobody(name: str) -> str:
    """Why a client can't be made hostile."""
    return f"{name} forwards for nobody: choose a peer"


def holds_nothing(name: str) -> str:
    """An empty store."""
    return f"{name} holds no record."


def as_of(t: float) -> str:
    """Tables are those of the run's end, not of the moment shown."""
    return f"as the run stands at {t:.2f} s"


# --- the share of hostile peers ---------------------------------------------------------------------------------

SHARE, AS_CAST = "hostile %", "as the story casts"
NOBODY_ATTACKS = "nobody attacks on the tour"
ALL_TRUSTED = "on a trusted base every peer is the operator's, and none is hostile"
ATTACK_IS_OFF = "nobody is hostile while the attack is off"
NOBODY = "nobody: "


def no_peer_attacks(attacker: str) -> str:
    """Why a share can't be chosen where nobody, or somebody from outside, does the harm."""
    if attacker.startswith(NOBODY):
        return f"nobody is hostile in this story; the harm comes from {attacker.removeprefix(NOBODY)}"
    return f"the attacker of this story is none of the peers that are there, but {attacker.split(':')[0]}"


def cast_by_the_story(attacker: str) -> str:
    """Why a share can't be chosen where the attackers have parts of their own."""
    return f"this story casts its attackers itself ({attacker}), and another peer would have no part in it"


def down_already(name: str) -> str:
    """Why a node can't crash."""
    return f"{name} is down already"


def places_for(threat: str, wanted: int, most: int, peers: int) -> str:
    """Why a share is too large."""
    return f"{threat} has room for {most} hostile peer{'s' if most != 1 else ''} of {peers}, not for {wanted}"


def needs_a_hostile_peer(threat: str) -> str:
    """Why an insider's threat is not played on a trusted base."""
    return f"{threat} needs a hostile peer; on a trusted base all are the operator's"


def share_between(most: int) -> str:
    """Which shares there are."""
    return f"the share of hostile peers is a number of per cent from 1 to {most}, or 0 for as many as the story casts"


# --- search, export, presenting ---------------------------------------------------------------------------------

FIND_MESSAGE = "find: method, node, outcome"
FOLD = "Fold equal"
FOLD_HELP = "leave out transactions and hops that look like earlier ones"
EXPORT, PRESENT, LEAVE_PRESENTER, ALL_KEYS = "Export", "Present", "Leave", "Keys"
EXPORT_HELP = "writes pictures, the moment in words, trace, capture and verdict into a folder"
PRESENT_HELP = "large type for a room; p leaves"
PANEL_KEYS = (
    ("space", "play or pause; in presenter mode one step"),
    (". →", "one step"),
    ("m", "on to the next message"),
    ("←", "one step back"),
    ("Home End", "to the start, to the end of the story"),
    ("f", "fork here: do by hand what the first button does"),
    ("1 2 3 4", "play the run without attack, attacked, defended, with the decoy"),
    ("c", "compare with the run before"),
    ("n N", "in a comparison, to the next difference and to the one before; steps move both runs"),
    ("p", "presenter mode; there Page down and Page up step too"),
    ("?", "these keys"),
    ("Esc", "close what is open"),
    ("Tab Enter", "to every button, picture and node that takes part, and press it"),
    ("↑ ↓", "from message to message, and from peer to peer around the ring"),
)


def gesture(content: Mapping[str, str]) -> str:
    """What somebody did to a picture, for an error's first words."""
    return f"key {content.get('id', '')}" if content.get("act") == "key" else "click"


NOTHING_BY_HAND = "there is nothing to do by hand in this story now"


def exported(folder: str, count: int) -> str:
    """What was written."""
    return f"{count} files in {folder}"


def presenter_note(base: str, routing: str, seed: str) -> str:
    """The settings, in one line."""
    return " · ".join(
        part for part in (f"{base} base" if base else "", routing, f"seed {seed}" if seed else "") if part
    )


# --- the verdict's columns --------------------------------------------------------------------------------------

NO_ATTACK, ATTACKED, DEFENDED, DECOY = "No attack", "Attacked", "Defended", "Decoy"
FIRST_TRY, SECOND_TRY = "First try", "Second try"
THIS_RUN = "This run"
PRICED = "price, over the whole story"


def plays(title: str, word: str) -> str:
    """A run of the verdict's strip, for the pointer and for screen readers."""
    return f"{title}: {word}; play it"


def tried(heading: str, defences: str) -> str:
    """A column with defences on."""
    return f"{heading}: {defences}"


# --- what is written down ---------------------------------------------------------------------------------------


def made_by(card: str, digest: str) -> str:
    """What stands under everything that is exported."""
    return f"Card {card} · digest {digest[:16]} · simulated network and time"


IN_WORDS = "In words"
FALLBACK_ABOUT = "For the day when the kernel does not start: each story at its end, with its verdict."
