# %% [markdown]
# # 06 · Replay
#
# | | |
# |---|---|
# | Duration | 75 minutes |
# | Difficulty | medium |
# | You should know | notebook [00](00_overlay_in_a_box.ipynb); what a digital signature proves |
# | Draft | appendix 11.1, section 7.2.7, requirement 9, Figure 6; threats RP-1 to RP-3, EN-4 |
#
# Afterwards you can
#
# 1. say what a signature proves about a record, and what it does not,
# 2. tell four ways to stop a replay apart, with what each costs and where it ends,
# 3. write the rule that a storing peer needs, and say who could have kept a message in either routing style.

# %%
from lab import exercises, review, tell
from lab.app import open_lab, predict
from lab.cards import BeginAgain, FixIt, Hints
from lab.checks import summary
from lab.ready import ready
from lab.told import told
from p2psip_min import Overlay, preset

# %%
ready()

# %% [markdown]
# ## 1 · The story (5 min)
#
# [Replay](glossary.ipynb#Replay) means that something valid is sent again, or later (draft 11.1). Nothing is forged,
# nothing is decrypted. In an [overlay](glossary.ipynb#Overlay) with [recursive](glossary.ipynb#Recursive-routing)
# routing a PUT passes through [peers](glossary.ipynb#Peer) that nobody has chosen, and any of them may keep a copy.
#
# Alice registers, and one of the peers on the way is mallory. Alice moves and registers again. Then mallory sends the
# first PUT once more. Much is on already, the panel's preset *draft*: [TLS](glossary.ipynb#TLS) on every hop,
# [certificates](glossary.ipynb#Certificate) at both ends, signed messages, signed [records](glossary.ipynb#Record), two
# [replicas](glossary.ipynb#Replica).
#
# **Your turn.** Answer first; the panel opens when you have. Being wrong here is worth more than not having said
# anything.

# %%
card = predict("RP-2")
card

# %% [markdown]
# When the panel is there: press **Step** a few times, then **End**, the button after **Message**. What does the word at
# the top say? In the storage table, who holds which version? Then go on. The story can also be told without a panel:

# %%
attacked = told("RP-2")
print(
    f"copies rolled back: {attacked.outcome.figure:.0f} of 3, bob reads {attacked.outcome.facts[0]}"
)
assert attacked.outcome.figure == 3
assert attacked.outcome.facts[0] == "v1"

# %%
calm = told("RP-2", attack=False)
assert calm.outcome.figure == 0
assert calm.outcome.facts[0] == "v2"
print(card.result())

# %% [markdown]
# ## 2 · Open the resent message (8 min)
#
# Find the resend in the panel: a dashed arrow, and a row marked *resent*. Click it and its bytes open. Purple lines
# mark what alice's [signature](glossary.ipynb#Signature) covers. Is it valid? The same from the
# [trace](glossary.ipynb#Trace):

# %%
resent = tell.open_resent(attacked)
resent

# %%
assert resent.same_contents
assert resent.record_signature
assert resent.message_signature
assert (resent.owner, resent.sender) == ("alice", "mallory")

# %% [markdown]
# Both signatures hold. That is no bug: alice did sign exactly these bytes. A signature says *who* wrote something and
# that it is *unchanged*. It does not say that this is the last thing she wrote.
#
# TLS did not help either. It keeps strangers out of a hop, and even has its own protection against replays, but only
# between the two ends of that hop. Mallory is one of the ends (section 5.1 says that transport security alone is not
# enough; here is why).
#
# ## 3 · Four candidates (11 min)
#
# In the panel, under **Defences**, switch on one at a time, look, and switch it off again:
#
# - **Time stamp window**: the storing peer takes nothing older than 60 s (a question mark in the draft's Figure 6),
# - **Transaction memory**: it remembers the requests of the last 15 s and answers them as before (RFC 6940, 6.2.1),
# - **Version counter**: a PUT names the version that it replaces (draft 11.1; the counter is in RFC 6940, 7.4.1),
# - **Rising storage time**: a value gives way to a younger one only (RFC 6940, 7.4.1.1).
#
# Which one would you bet on? Your choice is run at once.

# %%
FixIt("RP-2")

# %% [markdown]
# Then compare all four, one run each:

# %%
fixes = tell.try_fixes("time-stamp", "transaction-memory", "version-counter", "rising-time")
fixes

# %% jupyter={"source_hidden": true}
assert fixes.said() == ["ROLLED BACK", "ROLLED BACK", "ROLLED BACK", "HOLDS", "HOLDS"]

# %% [markdown]
# ## 4 · Why the time stamp fails (9 min)
#
# The time stamp asks "is it old?". The resend was 36 s old, and 60 s are allowed. A shorter window does not settle it:
# alice may move again after 5 s, and phones' clocks are wrong by more than that. Too short a window turns honest users
# away, any other leaves mallory time.
#
# **Your turn.** Beat the time stamp. Mallory captures v1 at about 2 s, alice stores v2 at about 30 s, bob reads at 41
# s, the window is 60 s. How many seconds after the capture should mallory resend? Find a delay that works, and then the
# shortest and the longest that do.

# %%
delay = None
### BEGIN SOLUTION
delay = 32
### END SOLUTION
exercises.beats_time_stamp(delay)

# %%
Hints("Beat the time stamp")

# %%
tried = ((10, 60), (32, 60), (32, 25))  # mallory's delay, the window
outcomes = {
    each: told(delay=each[0], window=each[1], defence=("time-stamp",)).outcome.figure
    for each in tried
}
assert outcomes == {(10, 60): 0, (32, 60): 3, (32, 25): 0}
outcomes

# %%
from lab.tryouts import Patience

Patience()

# %% [markdown]
# Move the two sliders. After 10 s the resend does no harm, because v1 is still the newest. After 32 s it does. With a
# window of 25 s the same resend is refused, and so is an honest phone whose clock is half a minute slow. Between the
# two lies everything that mallory needs.
#
# ## 5 · Why the version counter works, and its price (7 min)
#
# Every time the storing peer takes a PUT, it counts one up, and tells the writer. The next PUT has to name that count.
# Mallory's copy names the count of its own time. It fitted once and never will again, however fast mallory is.

# %%
from p2psip_min.storage.policies import GenerationCounter

counter = GenerationCounter()
assert counter.verdict(1, 1) is None  # alice's second PUT: replaces version 1, which is held
print("mallory's copy of the first one:", counter.verdict(0, 2))

# %% [markdown]
# The price is not in bytes: the field is always there. A writer that does not know the count has to ask for it. Alice's
# new phone is told no, fetches, and tries again:

# %%
versions = preset("draft").having("version-counter")
with Overlay(peers=32, clients=("alice",), defences=versions, seed=7) as overlay:
    overlay.register("alice")
    overlay.node("alice").peer.generations.clear()  # a new phone knows no count
    since = len(overlay.trace)
    overlay.register("alice")
    requests = tell.asked(overlay, "alice", since)

# %%
print(" → ".join(requests))
assert requests == ("StoreReq", "FetchReq", "StoreReq")
assert tell.price("version-counter") == {"hops": 0, "signatures": 0, "seconds": 0.0}

# %% [markdown]
# ## 6 · Rising storage time (4 min)
#
# RFC 6940 takes another way. Every value carries the time at which its owner wrote it, under the owner's signature. The
# storing peer does not ask whether that is *recent*, only whether it is *later than what it holds*. No clock of its own
# takes part, so slow clocks do no harm, as long as one owner's clock goes forward.

# %%
from p2psip_min.storage.policies import RisingStorageTime

order = RisingStorageTime()
assert order.too_old(new=2_000, held=30_000)  # mallory's copy
assert not order.too_old(new=30_000, held=2_000)  # alice's second PUT
assert order.too_old(new=25_000, held=30_000)  # alice's other phone, whose clock is 10 s slow

# %% [markdown]
# The last line is its price: two phones of one owner have to agree on the time, or the slower one is refused. And both
# fixes have the same limit: they compare with what is *held*. A peer that has never seen v2, or has lost it, takes v1
# from mallory. That is why replicas and readers who remember belong to the answer, too.
#
# In the panel, choose the preset **reload**: rising storage time is part of what RFC 6940 demands. Who refuses, and
# with which error?

# %%
refused = told("RP-2", defence=("rising-time",))
reasons = {
    event.reason for event in refused.trace.events if type(event).__name__ == "StoreRejected"
}
assert len(reasons) == 1
reasons

# %% [markdown]
# ## 7 · Write the rule (12 min)
#
# **Your turn.** `accept` stands in front of the store of every peer. `new` is the PUT that came: `new.written` is its
# time stamp in seconds by the owner's clock, `new.replaces` the version that its writer believes is held. `held` is
# what the peer has, with `held.written` and `held.version`, or None. `now` is the peer's own clock. Return True to take
# the PUT.
#
# It is judged by what it does: in overlays that you have not seen, alice wants her PUTs stored, her clock may be slow,
# and mallory's patience varies.


# %%
def accept(new, held, now):
    ### BEGIN SOLUTION
    return held is None or new.written > held.written
    ### END SOLUTION


exercises.accepts(accept)

# %%
Hints("accept(new, held, now)")

# %% [markdown]
# ## 8 · Who could have kept it? (6 min)
#
# With recursive routing the PUT itself travels from peer to peer. With [iterative](glossary.ipynb#Iterative-routing)
# routing the phone asks each peer only who is next, and then sends the PUT straight to the last one. The draft says
# that replays matter most with the first style (11.1). Try the switch *routing* in the panel.

# %% jupyter={"source_hidden": true}
iterative = told("RP-2", routing="iterative")
assert iterative.outcome.figure == 0
print("recursive:", tell.passed_by(attacked), " iterative:", tell.passed_by(iterative))
print("hops:", attacked.outcome.costs.hops, "and", iterative.outcome.costs.hops)

# %%
assert "mallory" in tell.passed_by(attacked)
assert not tell.passed_by(iterative)
assert iterative.outcome.costs.hops > attacked.outcome.costs.hops

# %% [markdown]
# Nobody in between sees the PUT, and the price is more messages and more links. The peer that stores the record still
# has the PUT, of course, and nothing keeps *it* from being hostile.
#
# **Your turn.** Name everybody who could have kept a PUT. `run.trace.select(MessageForwarded, code=7)` gives the events
# in which a node passed a StoreReq on, `run.names[event.node]` is a node's name. Return a set.

# %%
from p2psip_min.trace import MessageForwarded


def could_have_kept(run):
    ### BEGIN SOLUTION
    return {run.names[event.node] for event in run.trace.select(MessageForwarded, code=7)}
    ### END SOLUTION


exercises.captured(could_have_kept)

# %%
Hints("Who could have captured it?")

# %% [markdown]
# ## 9 · Replaying an enrollment (6 min)
#
# Section 7.2.7 speaks of enrollment as well. A request to enroll is signed with the key that it is for. Without
# anything else, the same bytes work again years later, for instance with the key of a phone that was lost since:

# %%
without = tell.enrollment_replay(nonce=False)
without

# %% [markdown]
# So the server first hands out a **nonce**, a number used once, and the request has to carry it under its signature:

# %%
with_nonce = tell.enrollment_replay(nonce=True)
assert without.column("answer").count("certificate") == 3
assert with_nonce.column("answer").count("certificate") == 1
with_nonce

# %% [markdown]
# **Your turn.** Write the server's rule. `issued` maps each nonce that the server made to the second when it did,
# `used` is the set of those that have served, `now` is the time in seconds. A nonce is good for 60 s.


# %%
def fresh(nonce, issued, used, now):
    ### BEGIN SOLUTION
    return nonce in issued and nonce not in used and now < issued[nonce] + 60
    ### END SOLUTION


exercises.fresh_nonces(fresh)

# %%
Hints("fresh(nonce, issued, used, now)")

# %% [markdown]
# ## 10 · Four pictures (4 min)
#
# The same story ends in four ways. Read it from the pictures alone.

# %%
from lab.quiz import Quiz

Quiz("06")

# %% [markdown]
# ## 11 · Keep the moment (1 min)
#
# Your [trace card](glossary.ipynb#Trace-card) is at the top of the panel. Whoever opens it sees the second that you are
# looking at, with your switches and what you did by hand. Until you have a panel open, this is the run as it was told:

# %%
kept = card.moment() or review.card("RP-2")
again = open_lab(kept)
assert again.session.threat == "RP-2"
print(kept)
print(again.session.frame().caption)

# %% [markdown]
# ## 12 · What is left (2 min)
#
# - A PUT that is *held back* instead of copied (RP-3) is new when it arrives: no counter notices. The owner does,
#   because no answer comes.
# - The four runs of the verdict differ in one thing each. In the panel press **Run all four**, and read the table from
#   left to right: no attack, attacked, and the two that claim to help.
# - The draft asks in the text that replays *should not* be possible (7.2.7), and in the list that they *must not* be
#   (requirement 9). Which one does your rule meet, and for whom?

# %%
tell.calibrated()

# %%
tell.choices("RP-2")

# %%
done = summary(*exercises.NOTEBOOK_06)
done

# %%
BeginAgain()
