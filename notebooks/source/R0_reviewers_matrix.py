# %% [markdown]
# # R0 · Reviewer's matrix
#
# | | |
# |---|---|
# | Duration | 45 minutes |
# | Difficulty | for people who know the draft |
# | You should know | notebook [00](00_overlay_in_a_box.ipynb); the draft itself |
# | Draft | all of it: sections 4 to 7 and 11 |
#
# Afterwards you can
#
# 1. say which sentences of the draft this lab covers, and which it does not,
# 2. open any verdict of the matrix as a run, and repeat it to the same digest,
# 3. add an attacker of your own to the matrix, and see who stops him.

# %%
from lab import review, tell
from lab.app import open_lab, predict
from lab.cards import BeginAgain, FixIt
from lab.grid import Grid
from lab.ready import ready
from lab.told import told

# %%
ready()

# %% [markdown]
# ## 1 · Coverage, gaps first (5 min)
#
# Each sentence that names a threat is tied to the runs that show it. The draft itself is not copied here: the index
# knows a sentence by its place and its digest, and says in our words what is in it.

# %%
covered = review.covered(review.standings())
covered

# %%
sentences = review.sentences(review.standings())
assert len(sentences.rows) > 100
sentences

# %% [markdown]
# What is missing is missing here, not elsewhere: there is no row without a scenario.
#
# ## 2 · One seed, one run (2 min)
#
# Everything follows from a setting and a seed. Two runs, one digest:

# %%
assert review.repeats("RP-2")
review.card("RP-2")

# %% [markdown]
# That last line is a card. It says which run this is and at which moment, with check digits from its
# [trace](glossary.ipynb#Trace); `open_lab(card)` opens it, here or anywhere else, and refuses when versions differ.

# %%
panel = open_lab(review.card("RP-2"))
panel

# %% [markdown]
# ## 3 · One attack, opened (6 min)
#
# **Your turn.** Predict, and look at the message that is changed: a row of the panel's messages, then its bytes.

# %%
card = predict("KB-8", lambda: open_lab("KB-8", defences=("tls",)))
card

# %%
forged = told("KB-8", defence=("tls",))
assert forged.outcome.figure == 1
print(card.result())

# %% [markdown]
# All of the attacker is one part that stands where an honest one would. This is the whole of what it decides:

# %%
attack = review.heart("tampering", "_PutTampering")
assert attack.lines < 30
attack

# %% [markdown]
# Each defence is a switch of its own. Alone, together, and everything at once; the last column are honest users when
# nobody attacks:

# %%
alone = review.alone_and_together("KB-8")
assert alone.column("verdict")[0].endswith("FORGED")
assert alone.column("verdict")[-1] == "✓ HOLDS"
assert set(alone.column("honest users served")) == {"100%"}
alone

# %% [markdown]
# ## 4 · The matrix (7 min)
#
# One row for each threat: no attack, attacked, with the named defence, with the [decoy](glossary.ipynb#Decoy). Press
# any cell: its run opens below, with its card, and its digest is compared with the published one.

# %%
grid = Grid()
grid

# %% [markdown]
# The same as a table, with a card for each row. A verdict is a mean over 20 seeds, in pairs; a quick look says that it
# is one. `python -m lab matrix --seeds 20` makes the whole of it on your machine, and `--seeds 200` more than that.

# %%
matrix = review.matrix()
assert all(len(digest) == 12 for digest in matrix.column("digest"))
assert all(card.count("-") >= 5 for card in matrix.column("card"))
matrix

# %%
{
    standing: matrix.column("standing").count(standing)
    for standing in sorted(set(matrix.column("standing")))
}

# %% [markdown]
# ## 5 · The scorecard (5 min)
#
# Sixteen numbered requirements, five of users, and four that are only in the text. Each is computed from runs.
# `review.scorecard()` takes them all, about two minutes a seed; four of them as a sample:

# %%
score = review.scorecard("Req. 4", "Req. 13", "U3", "U4")
assert "not met" not in score.column("status")
score

# %% [markdown]
# ## 6 · Where we differ (4 min)
#
# The [overlay](glossary.ipynb#Overlay) is RFC 6940's, apart from this:

# %%
deviations = review.deviations()
assert len(deviations.rows) > 20
deviations

# %% [markdown]
# ## 7 · About the draft (5 min)
#
# What a close reading shows, before any run. The last column has the sentences on which a finding rests, by section,
# paragraph and sentence.

# %%
findings = review.findings()
assert "drift" in findings.column("kind")
findings

# %% [markdown]
# ## 8 · Your own attacker (9 min)
#
# An attacker is an ordinary [peer](glossary.ipynb#Peer) with one part replaced. It knows what such a peer would know:
# its own parts, and what passes it. This one drops half of what it should forward, always the same half, so that
# sending again does not help. Change it.

# %%
from dataclasses import replace

from p2psip_min.errors import DropReason
from p2psip_min.routing.forwarding import Drop, Forward


# %%
class Choosy:
    def __init__(self, inner):
        self.inner = inner

    def decide(self, envelope, previous_hop, now):
        decision = self.inner.decide(envelope, previous_hop, now)
        passing = previous_hop is not None and isinstance(decision, Forward)
        return Drop(DropReason.DISCARDED) if passing and envelope.transaction_id % 2 else decision


# %%
def equip(parts, coalition):
    return replace(parts, forwarding=Choosy(parts.forwarding))


# %% [markdown]
# Now it needs a story and a measure. Take those of a threat whose attacker stands in the same place: here KB-1, a peer
# on the way of eight lookups. Which defence should help, and which one only looks so?

# %%
mine = review.attacker(
    equip,
    title="drops half of what passes",
    on="KB-1",
    defence=("disjoint-paths",),
    decoy="message-signature",
)
review.against(mine, ("message-signature",), ("other-way",), ("disjoint-paths",), ("hop-watch",))

# %% [markdown]
# The same as a question for somebody else:

# %%
FixIt(mine)

# %% [markdown]
# And it is a row of the matrix, judged by the same bounds as all others:

# %%
verdict = review.judged(mine, seeds=(7, 8, 9))
assert verdict.attacked > verdict.baseline
assert verdict.quick
Grid(verdict)

# %%
with_mine = review.matrix(verdict, quick=("KB-1",))
assert with_mine.column("threat")[0] == "OWN-1"
print(verdict.standing, verdict.figure("attacked"))
with_mine

# %% [markdown]
# Three seeds are a quick look, and its interval is wide. Give it 20.
#
# ## 9 · Take it along (2 min)
#
# What all of this was made with; the first two lines decide what a run does.

# %%
review.environment()

# %% [markdown]
# `python -m lab matrix --help` and `python -m lab requirements --help` say how to get the whole as HTML, JSON and CSV;
# the panel's **Export** writes figures, trace, capture and verdict of a run. A card brings it back, for anybody:

# %%
print(review.card("KB-8"))

# %%
tell.calibrated()

# %%
BeginAgain()
