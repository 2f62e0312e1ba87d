"""The hints of the exercises, in the order in which they are opened."""

from __future__ import annotations

from collections.abc import Mapping

HINTS: Mapping[str, tuple[str, ...]] = {
    "Who stores alice?": (
        "The key stands in the table above, between two peers.",
        "Clockwise means down the table; the first peer at or after the key is responsible.",
    ),
    "How many hops?": (
        "The first hop is from the phone to the peer that serves it. Its table is above.",
        "From there it goes to whom that peer knows nearest before the key. overlay.node(name) has the next table.",
        "tell.node_tables(overlay, name) shows anybody's table: follow it by hand to the responsible peer.",
    ),
    "Same seed, same digest": (
        "overlay.register and overlay.call are the calls of the section before; here the overlay is called small.",
        "The last line of the function returns small.digest().",
    ),
    "Read a card": (
        'card.split("-") takes it apart: the second piece is U or T, the third R or I, the fifth the seed.',
        "The seed is a whole number: int(...). U is untrusted and T trusted, R is recursive and I iterative.",
    ),
    "Figure 1, filled in": (
        "Left is client/server. How many links did the call cross there, and who was believed?",
        "Right is the overlay. Who has to be protected from whom, if anybody may be on the way?",
    ),
    "Who can alter the call?": (
        "With a server, signatures on records play no part: nobody asks for them.",
        "A change on the way breaks a signature. What is left to count then?",
    ),
    "Beat the time stamp": (
        "A resend of v1 does harm only when v2 has been stored, at about 30 s.",
        "Bob reads at 41 s, and the capture was at about 2 s: between which two delays does it have to lie?",
    ),
    "Who could have captured it?": (
        "Look at one event first: list(run.trace.select(MessageForwarded, code=7))[0].",
        "A set comprehension over these events, with run.names[event.node], is all.",
    ),
    "fresh(nonce, issued, used, now)": (
        "Three things can be wrong with a nonce: never made here, used already, too old.",
        "issued[nonce] fails for a nonce that was never made: ask for that first.",
    ),
    "accept(new, held, now)": (
        "What does the peer compare a PUT with when it has nothing yet?",
        "Try a rule on age, and read what the check says about it.",
        "Both fields of held lead to a rule of one line.",
    ),
    "quota(offer, here, everywhere)": (
        "Try a limit on here, and read where the spam lay that got in.",
        "A limit on everywhere counts the whole overlay. How many notices may an honest user have?",
        "Two kinds of objects need no count: those at one's own place, and those that are there already.",
    ),
    "locate(way, probe)": (
        "A request that is given to the last peer of the way passes nobody else. What does it mean when it is lost?",
        "If it comes through from the middle, everybody after the middle is good, and the middle, too.",
        "So halve the way until one is left: seven peers take three probes.",
    ),
    "enters(entry, table)": (
        "Try return True first, and read what came in. Then return False.",
        "Every link is TLS, so its other end has shown a certificate. Whose?",
        "The enrollment server wrote a Node-ID into it. Compare the two numbers of entry.",
    ),
    "true_root(key, heard, named)": (
        "A name that nobody answers under counts for nothing.",
        "Clockwise from the key means: by how much is a node after it? Below the key that is nearly a whole turn.",
        "(node - key) % 2**128 is that distance, and the smallest one wins.",
    ),
}
"""By the exercise's name."""
