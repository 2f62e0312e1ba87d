# %% [markdown]
# # 04 · Trusted base
#
# | | |
# |---|---|
# | Duration | 50 minutes |
# | Difficulty | medium |
# | You should know | notebooks [00](00_overlay_in_a_box.ipynb) and [01](01_client_server.ipynb) |
# | Draft | sections 3.4, 5.1, 5.3, 6.1, Figure 4; threats TR-1, TR-4, TR-5, ST-1 to ST-3, ST-6 to ST-8 |
#
# Afterwards you can
#
# 1. say what an operator's own peers take off the list of threats, and what clients can still do,
# 2. choose for each row of the draft's Figure 4 what stops it, and tell what only looks as if it did,
# 3. write a quota that stops spam and that honest users do not feel.

# %%
from lab import exercises, tell
from lab.app import open_lab, predict
from lab.cards import BeginAgain, FixIt, Hints, Rows
from lab.checks import summary
from lab.playlists import FIGURE_4
from lab.ready import ready
from lab.told import told
from p2psip_min.deployments import public_provider

# %%
ready()

# %% [markdown]
# ## 1 · What is trusted (5 min)
#
# On a **[trusted base](glossary.ipynb#Trusted-base)** all [peers](glossary.ipynb#Peer) belong to one operator, and
# users have [clients](glossary.ipynb#Client) only (section 3.4). So whatever a hostile peer would do is off the list:
# nobody on the way drops, changes or invents. Ask the [overlay](glossary.ipynb#Overlay) to make one of its peers
# hostile, and it refuses:

# %%
from p2psip_min.attacks.forwarding import WrongHop
from p2psip_min.errors import TrustedBase

with public_provider(peers=8, seed=7) as overlay:
    try:
        overlay.turn("p03", WrongHop().equip, "sends requests back")
    except TrustedBase as refusal:
        answer = str(refusal)
answer

# %% [markdown]
# What is left are outsiders on the wire, and users with a genuine [certificate](glossary.ipynb#Certificate) and bad
# intentions. The draft lists their attacks in its Figure 4. These are its rows in our words:

# %%
figure = tell.figure_rows(FIGURE_4)
assert len(figure.rows) == 9
assert sum("question mark" in cell for cell in figure.column("the draft names")) == 3
figure

# %% [markdown]
# Question marks are the draft's own: for rows 4 and 5 it does not claim to know.
#
# ## 2 · Row by row (10 min)
#
# Pick a row. Before you press **End**, answer the question above the panel for yourself. Then **Run all four**.

# %%
rows = Rows("figure4")
rows

# %% [markdown]
# Two of the rows are about the line. Row 1 has two attacks, and one tool, [TLS](glossary.ipynb#TLS), stands against
# both. Is it the same tool?

# %%
reading = tell.runs("TR-1", ("message-signature",), ("tls",), base="trusted")
assert reading.said() == ["READ", "READ", "HOLDS"]
reading

# %%
FixIt("TR-4", base="trusted")

# %% jupyter={"source_hidden": true}
speaking = tell.runs("TR-4", ("tls",), ("tls", "link-auth"), base="trusted")
assert speaking.said() == ["FORGED", "FORGED", "HOLDS"]
speaking

# %% [markdown]
# TLS makes the hop private. *Who* is at its other end is another question, and it is answered only if somebody compares
# the [Node-ID](glossary.ipynb#Node-ID) in the messages with the one in the certificate (section 7.2.5).
#
# Row 3 is the same question, asked while the two introduce themselves. The password is right, the line is encrypted:

# %%
FixIt("TR-5", base="trusted")

# %% jupyter={"source_hidden": true}
between = tell.runs("TR-5", ("overlay-password",), ("tls", "link-auth"), base="trusted")
assert between.said() == ["FORGED", "FORGED", "HOLDS"]

# %% [markdown]
# ## 3 · Whose record is it? (8 min)
#
# Row 2: reading, changing and removing what others have stored (section 5.3). The draft names certificates. Mallory has
# one. So what exactly should a storing peer compare?

# %%
FixIt("ST-2", base="trusted")

# %% jupyter={"source_hidden": true}
writing = tell.runs("ST-2", ("record-signature",), ("access-control",), base="trusted")
assert writing.said() == ["FORGED", "FORGED", "HOLDS"]
writing

# %% [markdown]
# A good [signature](glossary.ipynb#Signature) by *anybody* is the [decoy](glossary.ipynb#Decoy). The place of a
# [record](glossary.ipynb#Record) is made from its owner's name, and the certificate says whose name the writer bears:
# only if the two agree is it his to write. Removing is writing, too:

# %%
removing = tell.runs("ST-3", ("log-in-removal",), ("signed-tombstone",), base="trusted")
assert removing.said() == ["LOST", "LOST", "HOLDS"]
removing

# %% [markdown]
# ## 4 · The victim is not asked (10 min)
#
# Row 4, second attack. Nothing in it is forged, and it needs no other machine than one phone.
#
# **Your turn.** Predict first.

# %%
card = predict("ST-7", lambda: open_lab("ST-7", base="trusted", defences=("access-control",)))
card

# %% jupyter={"source_hidden": true}
flooded = told("ST-7", base="trusted", defence=("access-control",))
assert flooded.outcome.figure == 6
print(card.result())
tell.meter(flooded, "bob")

# %% [markdown]
# Bob's phone gets all calls that were meant for a hotline. The six callers have done nothing wrong, and neither has the
# storing peer by its rules. So which rule is missing, and who has to be asked?

# %%
FixIt("ST-7", base="trusted")

# %% jupyter={"source_hidden": true}
asked = told("ST-7", base="trusted", defence=("contact-consent",))
assert asked.outcome.figure == 0
assert asked.outcome.facts[1] == "1 of 1"
print("honest forwarding accepted:", asked.outcome.facts[1])

# %% [markdown]
# Alice's calls may lead to bob, for he agreed to that. The draft speaks of a check and of a black list here, both with
# a question mark. A black list would have to know mallory; consent needs to know only bob.
#
# ## 5 · How much is too much? (4 min)
#
# Row 5 is spam: objects that are allowed one by one, and too many of them. A limit then, but on what?

# %%
spread = predict("ST-8", lambda: open_lab("ST-8", base="trusted", defences=("peer-quota",)))
spread

# %%
FixIt("ST-8", base="trusted")

# %% jupyter={"source_hidden": true}
spam = tell.runs("ST-8", ("peer-quota",), ("publication-account",), base="trusted")
assert spam.said() == ["FLOODED", "FLOODED", "HOLDS"]
print(spread.result())
spam

# %% [markdown]
# ## 6 · Write the quota (10 min)
#
# **Your turn.** `quota` stands in front of the store of every peer. `offer.own` says that the object lies at the place
# of its publisher's own name, `offer.again` that he has it there already and refreshes it. `here` is how many objects
# of his this peer holds, `everywhere` how many the overlay holds of his, apart from his own places. Return True to take
# it.
#
# It is judged in overlays that you have not seen. Honest users register and publish; the busiest has 14 notices, and
# all refresh what they have. Of mallory's spam, at most a fifth may get in, wherever she puts it.


# %%
def quota(offer, here, everywhere):
    ### BEGIN SOLUTION
    return offer.own or offer.again or everywhere < 16
    ### END SOLUTION


exercises.quota(quota)

# %%
Hints("quota(offer, here, everywhere)")

# %% [markdown]
# `everywhere` has its price. No peer sees the whole overlay, so each publisher keeps an account at his own place, and a
# storing peer looks there. What does that cost the honest?

# %%
account = tell.price("publication-account", "ST-8")
assert account["hops"] > 0
account

# %% [markdown]
# ## 7 · What is left (3 min)
#
# - An identity is counted here, and identities are what enrollment gives out. Who has twenty of them has twenty
#   accounts. That is the next door to close, and it is not on the storing peer's side.
# - The operator himself reads and changes what he likes. A trusted base does not say that he is good, only that
#   everybody has agreed to trust him.
# - The same nine attacks work on an [untrusted base](glossary.ipynb#Untrusted-base), and there they are the smaller
#   part: notebook [05](05_untrusted_base.ipynb).

# %%
tell.choices("TR-4", "TR-5", "ST-2", "ST-7", "ST-8")

# %%
tell.calibrated()

# %%
summary(*exercises.NOTEBOOK_04)

# %%
BeginAgain()
