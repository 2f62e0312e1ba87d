# %% [markdown]
# # 01 · Client-server against peer-to-peer
#
# | | |
# |---|---|
# | Duration | 25 minutes |
# | Difficulty | easy |
# | You should know | notebook [00](00_overlay_in_a_box.ipynb) |
# | Draft | section 4, Figure 1; section 3.4; section 5.1 |
#
# Afterwards you can
#
# 1. say what changes for security when the server goes, row by row of the draft's Figure 1,
# 2. name who can read a call on its way, and who can change it without being found out,
# 3. tell what protects a hop from what protects a message, and why an overlay needs both.

# %%
from lab import exercises, tell
from lab.app import open_lab, predict
from lab.cards import BeginAgain, FixIt, Hints
from lab.checks import summary
from lab.ready import ready
from lab.told import told
from lab.tryouts import SameCall
from p2psip_min.deployments import ClientServer, measure_call, open_global, public_provider

# %%
ready()

# %% [markdown]
# ## 1 · The same call, twice (5 min)
#
# A phone company runs one **registrar-proxy**. Phones find it in the DNS, which the draft takes as trusted, and speak
# [TLS](glossary.ipynb#TLS) with it (section 4). Alice tells it where she is; bob's INVITE goes through it.

# %%
with ClientServer(seed=7) as provider:
    provider.register("alice")
    provider.register("bob")
    server = measure_call(provider, "bob", "alice")
tell.calls(server)

# %% [markdown]
# Now without a server. The users' own phones are the [peers](glossary.ipynb#Peer) of an
# [overlay](glossary.ipynb#Overlay), and everybody keeps a part of the addresses:

# %%
with open_global(peers=16, seed=7) as overlay:
    overlay.register("alice")
    peers = measure_call(overlay, "bob", "alice")
tell.calls(server, peers)

# %% [markdown]
# The call is the same: alice's phone answers, and the voice flows between the two phones. What differs is the way.

# %%
assert server.hops == 2
assert peers.hops > server.hops
assert len(server.readers) == 1
assert len(peers.readers) > 1

# %% [markdown]
# **hops** are the links that bob's requests crossed. **readers** had them in their hands. **alterers** could have
# changed what came of them and nobody would have noticed.
#
# ## 2 · Who has to be trusted? (5 min)
#
# With a server the answer is short: the server. It reads every call, and what it says is true because it says so. TLS
# protects the way to it, and then most of the work is done (section 4). A third kind of deployment stands between the
# two: an overlay whose peers all belong to one company, a [trusted base](glossary.ipynb#Trusted-base) (section 3.4).

# %%
with public_provider(peers=16, seed=7) as overlay:
    overlay.register("alice")
    company = measure_call(overlay, "bob", "alice")
tell.calls(server, company, peers)

# %% [markdown]
# In the open overlay nobody has been chosen. Any of these peers may be hostile, and each has the message in clear: TLS
# ends where a peer begins. One switch makes the same call in each place; take the
# [signatures](glossary.ipynb#Signature) away, and look at who could change it unnoticed.

# %%
SameCall()

# %% [markdown]
# ## 3 · One bad peer in between (7 min)
#
# Signatures off, one peer on bob's way is hostile: it changes the answer that bob waits for.
#
# **Your turn.** Predict first.

# %%
card = predict("KB-9")
card

# %% jupyter={"source_hidden": true}
changed = told("KB-9")
assert changed.outcome.figure > 0
calm = told("KB-9", attack=False)
assert calm.outcome.figure == 0
print(card.result())

# %% [markdown]
# Every link was up, every peer had a [certificate](glossary.ipynb#Certificate). What would have told bob?

# %%
FixIt("KB-9")

# %% jupyter={"source_hidden": true}
signed = tell.runs("KB-9", ("record-signature",), tell.named("KB-9"))
assert signed.said() == ["FORGED", "FORGED", "HOLDS"]
signed

# %% [markdown]
# A signature alone is not enough: the peer on the way signs what it has written, in its own name. Bob also has to
# compare the name in the certificate with the name that the [record](glossary.ipynb#Record)'s place is made from. With
# client/server there was nothing to refuse: who answers is the one who decides.
#
# Turn peers by hand: nobody is hostile here yet. Click one, **Make hostile**, **End**. Whom do you have to turn so that
# readers are deceived? The **base** decides what is possible at all: on a trusted one the button stays locked, and says
# why.

# %%
panel = open_lab("KB-9", attack=False)
panel

# %% [markdown]
# ## 4 · Figure 1, filled in (4 min)
#
# The draft's Figure 1 compares the two in rows. These are its rows, and for each two phrases; which belongs where
# follows from what you have measured.

# %%
tell.figure_1_rows()

# %% [markdown]
# **Your turn.** Left client/server, right the overlay.

# %%
figure = {"transport": (..., ...), "routing": (..., ...), "storage": (..., ...)}
### BEGIN SOLUTION
figure = {
    "transport": ("client and server", "every pair of linked nodes"),
    "routing": ("one hop", "hop by hop"),
    "storage": ("the server is trusted", "the record has to prove itself"),
}
### END SOLUTION
exercises.figure_1(figure)

# %%
Hints("Figure 1, filled in")

# %% [markdown]
# The figure has a fourth row, *application*: the draft leaves it out on both sides, and so do we.
#
# ## 5 · Count them (4 min)
#
# **Your turn.** How many could change this call without being found out? `call` is a measurement as above, `signed`
# says whether messages and records carry signatures. Use `call.deployment` and `call.readers`.


# %%
def count(call, signed):
    ### BEGIN SOLUTION
    if call.deployment == "client-server" or not signed:
        return len(call.readers)
    return 0
    ### END SOLUTION


exercises.who_can_alter(count)

# %%
Hints("Who can alter the call?")

# %% [markdown]
# ## What is left
#
# - Signatures keep the *content* true. They do not bring a message to its end: a peer on the way can still drop it
#   (notebook [05](05_untrusted_base.ipynb)), or keep it and send it again (notebook [06](06_replay.ipynb)).
# - The draft says that section 4's third point is the deepest: a peer cannot know what to believe. A server need not be
#   believed less, it is only one.

# %%
tell.calibrated()

# %%
tell.choices("KB-9")

# %%
summary(*exercises.NOTEBOOK_01)

# %%
BeginAgain()
