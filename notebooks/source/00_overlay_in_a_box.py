# %% [markdown]
# # 00 · Overlay in a box
#
# | | |
# |---|---|
# | Duration | 20 minutes |
# | Difficulty | first steps |
# | You should know | what SIP is for; a little Python |
# | Draft | sections 2, 3.2 to 3.4 and 5 (Figure 2) |
#
# Afterwards you can
#
# 1. start an overlay of 32 peers in one line and look into any of them,
# 2. say which peer stores a user's address, and how a message finds it,
# 3. find a run in its trace, bring it back with a card, and show that somebody else has the same one.
#
# Run a cell with Shift+Enter. Cells marked *Your turn* wait for an answer; the others run as they are. Folded cells
# check what the text says, and give answers away: open them last.

# %%
from lab import exercises, tell
from lab.app import open_lab, predict
from lab.cards import BeginAgain, FixIt, Hints
from lab.checks import summary
from lab.ready import ready
from lab.told import told
from p2psip_min import Overlay, ResourceID

# %%
ready()

# %% [markdown]
# ## 1 · One line (2 min)
#
# SIP phones usually find each other through a server. Here they do without one: the nodes themselves keep the
# addresses, each a part of them. The draft calls all the [peers](glossary.ipynb#Peer) together the **[overlay
# base](glossary.ipynb#Overlay-base)**; peers store and forward, [clients](glossary.ipynb#Client) only use what peers
# offer (section 3.4). An [enrollment server](glossary.ipynb#Enrollment-server) stands beside it. It hands out
# identities, and then nobody needs it for calls (section 3.3).

# %%
overlay = Overlay(peers=32, clients=("alice", "bob"), seed=7)
tell.overview(overlay)

# %% [markdown]
# That took no port, no second process and no waiting. The network and its clock are simulated, everything else is real:
# each node has an X.509 [certificate](glossary.ipynb#Certificate) and speaks [TLS](glossary.ipynb#TLS) 1.3, the
# messages are RELOAD (RFC 6940), and Wireshark opens them. The [overlay](glossary.ipynb#Overlay) is *untrusted* unless
# you say otherwise: some of its peers may turn out to be hostile. Not today.

# %%
assert len(overlay.peers()) == 32
assert overlay.overview()["clients"] == ["alice", "bob"]
assert "tls" in overlay.overview()["defences"]

# %% [markdown]
# ## 2 · A node and its tables (2 min)
#
# Every node got a random 128-bit [Node-ID](glossary.ipynb#Node-ID) when it enrolled. Sorted by it, the peers form a
# ring, and the lab names them clockwise: p00 to p31. A peer knows three [neighbors](glossary.ipynb#Neighbor) on each
# side, and some [fingers](glossary.ipynb#Finger) across the ring: one about half-way round, one a quarter, one an
# eighth, and so on. That is all it knows.

# %%
tell.node_tables(overlay, "p00")

# %%
table = overlay.node("p00").peer.topology.table()
assert len(table) < 12  # of 31 others

# %% [markdown]
# The boxes of the draft's Figure 2 are the folders of `p2psip_min`: `enrollment`, `transport`, `routing`, `storage`,
# `application`. Each lower box makes the one above it possible, and a threat is best met in the box where it arises
# (section 5).
#
# ## 3 · Who stores alice? (2 min)
#
# Hash a user's address and you get a [Resource-ID](glossary.ipynb#Resource-ID), a place on the same ring. The peer
# responsible for it is the first one at or after that place, clockwise (RFC 6940, sections 10.1 and 10.2). Two
# successors keep copies.

# %%
key = ResourceID.of("alice@overlay.example.org")
tell.around(overlay, key)

# %% [markdown]
# **Your turn.** Which peer stores alice? Write its name in quotes.

# %%
answer = None
### BEGIN SOLUTION
answer = overlay.root(key).name
### END SOLUTION
exercises.who_stores(overlay, "alice", answer)

# %%
Hints("Who stores alice?")

# %% [markdown]
# ## 4 · How far is it? (3 min)
#
# Bob's phone does not know that peer. It asks the peer that serves it, and from there each peer passes the message to
# whomever it knows nearest before the key. With fingers every hop about halves the way that is left, so a lookup takes
# about log2(32) = 5 hops at worst, and often fewer.

# %%
serving = overlay.node("bob").peer.topology.next_hop(key)
tell.node_tables(overlay, overlay.nodes[serving].name)

# %% [markdown]
# **Your turn.** How many hops will bob's lookup take, from his phone to the peer that stores alice? The table above is
# that of the first peer on the way. Predict a number, then run the cell: it makes the lookup and reads the
# [trace](glossary.ipynb#Trace).

# %%
answer = None
### BEGIN SOLUTION
answer = len(overlay.route("bob", key))
### END SOLUTION
exercises.predicted_hops(overlay, "bob", "alice", answer)

# %%
Hints("How many hops?")

# %% [markdown]
# ## 5 · Watch it, and fork it (4 min)
#
# The panel plays a small story on an overlay of its own: alice registers, bob looks her up, bob calls. Press **Step**
# and follow one message from hop to hop, or **Play**; the button after **Message** is **End**. Below the ring you find
# who holds what; click a row of the messages to open its bytes. Point at a node to see its fingers.
#
# Then fork it once. Click the time line between her registration and the call, and press **Crash a peer**: the one that
# stores her [record](glossary.ipynb#Record) stops there, and a second run begins with the same seed. Does bob still
# reach her? **Compare** puts the two runs side by side.

# %%
panel = open_lab()
panel

# %% [markdown]
# ## 6 · Register, call (1 min)
#
# The same from Python. Alice's phone stores how it is reached: through the peer that serves it.

# %%
overlay.register("alice")
overlay.advance(5)  # seconds of virtual time, for the copies
tell.holders(overlay, "alice")

# %%
answered = overlay.call("bob", "alice")
assert answered == overlay.node("alice").node_id
assert tell.holders(overlay, "alice").column("as") == ("root", "replica 1", "replica 2")

# %% [markdown]
# Bob's phone fetched the record, checked alice's [signature](glossary.ipynb#Signature) on it, asked her phone for an
# address through the overlay, and sent the INVITE straight there. The overlay finds people; it does not carry the call.
#
# ## 7 · When many fail (3 min)
#
# Bob reached alice although her peer was gone: two others had copies. What if nobody made any?
#
# **Your turn.** Predict first; the panel opens when you have.

# %%
card = predict("ST-17")
card

# %% jupyter={"source_hidden": true}
gone = told("ST-17")
assert gone.outcome.figure == 1
print(card.result())

# %% [markdown]
# What would have kept them? Each choice is run.

# %%
FixIt("ST-17")

# %% jupyter={"source_hidden": true}
kept = tell.runs("ST-17", ("central-backup",), ("replicas",))
assert kept.said() == ["LOST", "LOST", "HOLDS"]

# %% [markdown]
# ## 8 · The trace (2 min)
#
# Whatever happens leaves an event, in order. Captions, verdicts, tests and the panel read this list and nothing else.

# %%
overlay.trace.counts()

# %%
digest = overlay.digest()
print(f"{overlay.now:.3f} s of virtual time, {len(overlay.trace)} events, digest {digest[:16]}…")
assert len(digest) == 64

# %% [markdown]
# The **digest** is a fingerprint of the whole trace, down to the bytes of each message. Every random draw in an overlay
# follows from its seed, so two people who run the same story with the same seed have the same digest, on any machine.
#
# **Your turn.** Complete the function: alice registers, bob calls her, and the digest comes back. The check runs it
# with seeds of its own.


# %%
def story(seed):
    with Overlay(peers=16, clients=("alice", "bob"), seed=seed) as small:
        ### BEGIN SOLUTION
        small.register("alice")
        small.call("bob", "alice")
        return small.digest()
        ### END SOLUTION


exercises.same_seed(story)

# %%
Hints("Same seed, same digest")

# %% [markdown]
# ## 9 · A card (1 min)
#
# At the top of the panel stands a **card**: a few characters that hold the story, its switches, the seed and the
# moment. Whoever opens it sees the same thing, and is told so if his version of the lab plays it differently.
# `RP2-U-R-D-7-A887@37` is threat RP-2 on an [untrusted base](glossary.ipynb#Untrusted-base),
# [recursive](glossary.ipynb#Recursive-routing) routing, preset *draft*, seed 7, four check digits, moment 37.

# %%
first = open_lab().session
first.run()
again = open_lab(first.card).session
assert again.frame().caption == first.frame().caption
print(f"{first.card}\n{again.frame().caption}")

# %% [markdown]
# **Your turn.** Read a card: return its base, its routing style and its seed, such as `("untrusted", "recursive", 7)`.


# %%
def read(card):
    ### BEGIN SOLUTION
    _, base, routing, _, seed, *_ = card.split("-")
    bases, styles = {"U": "untrusted", "T": "trusted"}, {"R": "recursive", "I": "iterative"}
    return bases[base], styles[routing], int(seed)
    ### END SOLUTION


exercises.read_card(read)

# %%
Hints("Read a card")

# %% [markdown]
# ## How far have you come?

# %%
tell.calibrated()

# %%
tell.choices("ST-17")

# %%
summary(*exercises.NOTEBOOK_00)

# %%
BeginAgain()

# %%
overlay.close()

# %% [markdown]
# Nobody was hostile here. Notebook [01](01_client_server.ipynb) compares this with a server, and in [06 ·
# Replay](06_replay.ipynb) one peer on the way keeps what alice sends. All words are in the [glossary](glossary.ipynb).
