# %% [markdown]
# # 05 · Untrusted base
#
# | | |
# |---|---|
# | Duration | 60 minutes |
# | Difficulty | medium to hard |
# | You should know | notebooks [01](01_client_server.ipynb) and [04](04_trusted_base.ipynb) |
# | Draft | sections 5.2, 6.2, Figure 6, 11.2; threats KB-1, KB-4, KB-10, RM-1 |
#
# Afterwards you can
#
# 1. say what a hostile peer adds to what clients can do, and why a certificate does not help against it,
# 2. find the peer that lets requests disappear, with few questions, and say how sure one may be,
# 3. tell who is responsible for a key from what several peers say, when some of them lie.

# %%
from lab import exercises, tell
from lab.app import open_lab, predict
from lab.cards import BeginAgain, FixIt, Hints, Rows
from lab.checks import summary
from lab.playlists import FIGURE_6
from lab.ready import ready
from lab.told import told
from p2psip_min import Overlay, ResourceID, procedures

# %%
ready()

# %% [markdown]
# ## 1 · Nobody has chosen them (8 min)
#
# On an [untrusted base](glossary.ipynb#Untrusted-base) the users' own machines are the [peers](glossary.ipynb#Peer).
# All of them have genuine [certificates](glossary.ipynb#Certificate), and any may be hostile: an
# [insider](glossary.ipynb#Insider). Everything of Figure 4 still happens there. Figure 6 lists what is added, in our
# words:

# %%
figure = tell.figure_rows(FIGURE_6)
assert len(figure.rows) == 8
figure

# %% [markdown]
# In the draft every row of that figure carries a question mark: it names directions, not solutions (section 6.2).
#
# Make one hostile. Bob's phone asks for alice's place; the first peer on the way begins to swallow what it should pass
# on:

# %%
from p2psip_min.attacks.discarding import RequestDiscard

overlay = Overlay(peers=32, clients=("bob",), base="untrusted", defences="none", seed=7)
alice = ResourceID.of(overlay.aor("alice"))
way = [node.name for node in overlay.route("bob", alice)]
overlay.make_hostile(way[1], RequestDiscard().equip, "swallows requests")
" → ".join(way)

# %%
from p2psip_min.errors import RemoteFault

try:
    overlay.run(procedures.ping(overlay.node("bob").peer, alice))
    heard = "an answer"
except RemoteFault as fault:
    heard = str(fault)
overlay.close()
heard

# %% [markdown]
# The same by hand. Eight peers look for alice's place, and nobody is hostile yet: click a peer, choose **Make
# hostile**, and press **End**. Which peers do most damage, and why?

# %%
panel = open_lab("KB-1", attack=False)
panel

# %% [markdown]
# ## 2 · It does not arrive (8 min)
#
# Figure 6, row 2: a peer on the way drops requests (section 5.2, third issue). Much depends on what the sender notices.
#
# **Your turn.** Predict first.

# %%
card = predict("KB-1", lambda: open_lab("KB-1", defences=("message-signature",)))
card

# %% jupyter={"source_hidden": true}
lost = told("KB-1", defence=("message-signature",))
assert lost.outcome.figure == 1.0
print(f"{lost.outcome.figure:.0%} of the lookups without an answer")
print(card.result())

# %%
FixIt("KB-1")

# %% jupyter={"source_hidden": true}
dropped = tell.runs("KB-1", ("message-signature",), ("path-diagnosis",), ("disjoint-paths",))
assert dropped.said() == ["LOST", "LOST", "HOLDS", "HOLDS"]
dropped

# %% [markdown]
# Two ways lead out. Go around, by sending the request over several ways at once; or find out who it is. The first one
# costs messages always, the second one time, and only when something is lost.
#
# ## 3 · A walk that finds the place (11 min)
#
# The draft hopes for diagnosis, and names a proposal for an ECHO among peers. RFC 7851 has the tool:
# [PathTrack](glossary.ipynb#PathTrack) asks a peer who would be next, and the requester walks on by itself. Here is a
# way on which one peer swallows requests:

# %%
ground = exercises.Wayside(seed=30, place=3)
walk = tell.walk(ground)
walk

# %%
assert walk.column("says")[-1].startswith("suspected")
assert walk.column("peer")[-1] == ground.bad

# %% [markdown]
# The walk by itself finds nothing: the bad peer answers every question about the way, and truly. It is only found by
# giving the *same request* to peers on the way, straight, and looking which ones come through. Try some:

# %%
{name: ground.probe(name) for name in ground.way[:2]}

# %% [markdown]
# **Your turn.** `way` lists the peers in order. `probe(name)` gives the request to one of them and says whether an
# answer came. Return the name of the bad one. You have **three** probes, ways are up to seven peers long, and there is
# always exactly one. It may be the first or the last.


# %%
def locate(way, probe):
    ### BEGIN SOLUTION
    low, high = 0, len(way) - 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (low, middle - 1) if probe(way[middle]) else (middle, high)
    return way[low]
    ### END SOLUTION


exercises.locate(locate)

# %%
Hints("locate(way, probe)")

# %%
ground.close()

# %% [markdown]
# How sure may one be? A link may be broken exactly where it points, and who knows that it is being tried can behave for
# a while. So it is a suspicion: good enough to go around somebody, not good enough to accuse him to others.
#
# ## 4 · It goes astray (6 min)
#
# Row 2 again: the request is not dropped but sent back, away from its key. It is lost as well, and it keeps others busy
# until its TTL is used up.

# %%
FixIt("KB-4")

# %% jupyter={"source_hidden": true}
astray = tell.runs("KB-4", ("short-ttl",), ("progress-check",))
assert astray.said() == ["FAILED", "FAILED", "HOLDS"]
astray

# %% [markdown]
# A smaller TTL makes the damage cheaper, and helps nobody to an answer. What helps is that distance can be computed:
# each hop has to bring a request nearer to its key, and whoever receives one can check that.
#
# ## 5 · Who may answer? (12 min)
#
# Row 1: a peer on the way does not pass the question on. It answers (section 5.2, second issue).
#
# **Your turn.** Predict first.

# %%
invented = predict("KB-10")
invented

# %% jupyter={"source_hidden": true}
believed = told("KB-10")
assert believed.outcome.figure == 1.0
print(invented.result())

# %%
FixIt("KB-10")

# %% jupyter={"source_hidden": true}
sets = [("true-root",), ("record-signature", "access-control"), ("true-root", "message-signature")]
answered = tell.runs("KB-10", *sets)
assert answered.said() == ["FORGED", "FORGED", "HOLDS", "HOLDS"]
answered

# %% [markdown]
# Proving who is responsible for a key, the [root](glossary.ipynb#Root), is half of an answer: without
# [signatures](glossary.ipynb#Signature) the liar speaks in the true root's name. The owner's signature is the other
# half: it shows that the [record](glossary.ipynb#Record) is true, whoever hands it over. It can't show that there is
# none, or that there is a newer one; for that one needs to know who is responsible.
#
# **Your turn.** Write that rule. A reader has gone around the key and asked whom he met, each over a link of his own.
# `heard` are the [Node-IDs](glossary.ipynb#Node-ID) of those who answered, `named` those that anybody spoke of. All are
# whole numbers from 0 to 2**128 - 1, `key` as well. Responsible is the first peer at or after the key, going clockwise;
# after the highest number comes 0. Return one Node-ID.
#
# Your rule decides whom readers believe. In the [overlays](glossary.ipynb#Overlay) that you have not seen, liars stand
# before the keys.


# %%
def true_root(key, heard, named):
    ### BEGIN SOLUTION
    return min(heard, key=lambda node: (node - key) % 2**128)
    ### END SOLUTION


exercises.true_root(true_root)

# %%
Hints("true_root(key, heard, named)")

# %% [markdown]
# A liar can leave names out, and those stand in its [neighbors](glossary.ipynb#Neighbor)' statements. It can invent
# names, and nobody answers under them. What it can't do is keep an honest peer from being heard, unless all who know
# that peer lie together.
#
# ## 6 · The table itself (9 min)
#
# Row 4 comes before all that: if neighbors fill your table with nodes that do not exist, every later request goes wrong
# by itself (section 5.2, first issue).

# %%
FixIt("RM-1")

# %% jupyter={"source_hidden": true}
tables = tell.runs("RM-1", ("tls",), ("verified-entries",))
assert tables.said() == ["FORGED", "FORGED", "HOLDS"]
tables

# %% [markdown]
# A secure line to a liar is a secure line to a liar. The rule that helps is the oldest one: do not believe what you are
# told about somebody, ask him.
#
# **Your turn.** Write what stands at the door of every table. An invented node does announce itself, over a
# [TLS](glossary.ipynb#TLS) link of its own: mallory has more ports than one. `entry.says` is the Node-ID under which
# somebody wants to enter, `entry.certificate` the one in the certificate that the other end of its link has shown,
# `table` are those who are in already; all are whole numbers. Return True to let it in. It is judged by the tables of
# mallory's neighbors, and by peers who join honestly.


# %%
def enters(entry, table):
    ### BEGIN SOLUTION
    return entry.certificate == entry.says
    ### END SOLUTION


exercises.enters(enters)

# %%
Hints("enters(entry, table)")

# %% [markdown]
# ## 7 · All rows (4 min)
#
# Pick a row of Figure 6, switch on what you would bet on, and fork at a moment of your choice.

# %%
rows = Rows("figure6")
rows

# %% [markdown]
# ## 8 · What is left (2 min)
#
# - Each of these checks asks more than one peer, and hopes that not all lie together. How many may lie is a question of
#   how Node-IDs are given out: rows 1, 1 and 1, 2 of Figure 6.
# - [Replay](glossary.ipynb#Replay) is row 3, with a notebook of its own: [06](06_replay.ipynb).
# - On a [trusted base](glossary.ipynb#Trusted-base) none of this is needed. That is what it costs to do without an
#   operator.

# %%
tell.choices("KB-1", "KB-4", "KB-10", "RM-1")

# %%
tell.calibrated()

# %%
summary(*exercises.NOTEBOOK_05)

# %%
BeginAgain()
