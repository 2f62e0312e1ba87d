# %% [markdown]
# # I0 · Instructor's console
#
# | | |
# |---|---|
# | Duration | 50 minutes in class, 10 minutes the day before |
# | Difficulty | for those who teach |
# | You should know | notebooks [04](04_trusted_base.ipynb) and [06](06_replay.ipynb) |
# | Draft | Figures 1, 4 and 6 |
#
# Afterwards you can
#
# 1. give one lesson by the minute, or show every row of Figures 4 and 6 as a run,
# 2. know the day before that each demonstration works on your machine,
# 3. see where a class stands, and what it got wrong.

# %%
from lab import progress, review, tell
from lab.app import open_lab, predict
from lab.cards import BeginAgain, FixIt, Rows
from lab.playlists import FIGURE_4, FIGURE_6, LESSON
from lab.preflight import rehearse
from lab.ready import ready
from lab.tryouts import SameCall

# %%
ready()

# %% [markdown]
# ## 1 · The day before
#
# Every demonstration is run without a screen, timed, and checked: the attack has to do harm, the defence has to stop
# it. On the command line, `python -m lab check` does this for both figures, and writes a page of each that needs no
# kernel and no network, for the day on which the projector's machine has neither.

# %%
tonight = FIGURE_4
rehearsals = [rehearse(demo) for demo in tonight.demos]
review.rehearsed(rehearsals)

# %%
assert len(rehearsals) == len(tonight.demos)
assert all(each.word.value not in ("HOLDS", "NOT RUN") for each in rehearsals)
print("all attacks do harm, all defences are judged")

# %% [markdown]
# The cards in the last column open the same moment anywhere: keep them as a fallback. `make console` shows this
# notebook without its cells, in Voilà: for the room, not for preparing.
#
# ## 2 · Keys
#
# Click the panel once, so that it has the focus. A presenter's remote works, too.

# %%
review.keys()

# %% [markdown]
# ## 3 · Fifty minutes
#
# One lesson, by the minute:

# %%
plan = review.lesson()
minutes = [int(minute.rstrip("'")) for minute in plan.column("minute")]
assert minutes == sorted(minutes)
assert minutes[-1] < 50
plan

# %% [markdown]
# Minute 3. One switch; the room says each time who could read the call, and who could change it.

# %%
SameCall()

# %% [markdown]
# Minute 10. Hands up for each answer, then for how sure; lock in what most say.

# %%
card = predict("ST-7", lambda: open_lab("ST-7", base="trusted"))
card

# %% [markdown]
# Minutes 14 to 46. Ask the question that stands above the panel, press `2` for the attack, let the room choose, and
# press `3` and `4` for the two that claim to help.

# %%
lesson = Rows(LESSON)
lesson

# %% [markdown]
# If there is time left, the room looks for the fix by itself. Every choice is run, and says why it is right or wrong.

# %%
FixIt("ST-7", base="trusted")

# %% [markdown]
# ## 4 · Figure 4, a trusted base
#
# The minutes are what it takes with a question to the room first, a show of hands, and the answer by running it.

# %%
assert FIGURE_4.minutes <= 40
review.plan(FIGURE_4)

# %%
trusted = Rows(FIGURE_4)
trusted

# %% [markdown]
# For each row: ask, press **End**, read the word aloud, then **Run all four**. Rows 4, 2 and 5 are those in which the
# right answer surprises most.
#
# ## 5 · Figure 6, an untrusted base

# %%
assert FIGURE_6.minutes <= 40
review.plan(FIGURE_6)

# %%
untrusted = Rows(FIGURE_6)
untrusted

# %% [markdown]
# “What if two work together?” Go back to a moment before the attack, click a second [peer](glossary.ipynb#Peer), make
# it hostile: that forks the run, and the two can be compared.
#
# ## 6 · Where the class stands
#
# Everybody's progress is a plain file, `progress.json`, beside the notebooks. Collect them under names of your choice;
# `python -m lab progress *.json` makes one table, with what most got wrong at its end. So it looks, with two students
# who are made up:

# %%
ann, ben = progress.Progress(), progress.Progress()
ann.predicted("ST-7", "nobody: the store is refused", "certain", right=False)
ben.predicted("ST-7", "nobody: the store is refused", "a guess", right=False)
ben.chose("ST-8", "peer-quota", right=False)
sheet = progress.class_csv([("ann", ann), ("ben", ben)])

# %%
lines = sheet.splitlines()
assert lines[-2:] == [
    "misconception,,ST-7,,,,nobody: the store is refused,,,2",
    "misconception,,ST-8,,,,peer-quota,,,1",
]
print(sheet)

# %% [markdown]
# Who was certain and wrong should hear the reason from another student. Who was right with a guess should explain it.
# The room's own guesses, made in this notebook:

# %%
tell.calibrated()

# %% [markdown]
# ## 7 · Reset the room
#
# Each panel has a **Reset**. What was predicted and chosen here is forgotten with this card, one by one or all at once;
# students have the same card at the end of each notebook.

# %%
BeginAgain()
