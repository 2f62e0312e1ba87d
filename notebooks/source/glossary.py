# %% [markdown]
# # Glossary
#
# The words of the course, in ours. In brackets is where they come from. Back to notebook
# [00](00_overlay_in_a_box.ipynb).
#
# ### Overlay
#
# Nodes that find each other by themselves, on top of a network that only carries packets (draft 3.2).
#
# ### Overlay base
#
# All the peers of an overlay together (draft 3.4).
#
# ### Peer
#
# A node of the overlay base: it stores records and forwards messages for others (draft 3.4).
#
# ### Client
#
# A node that only uses what peers offer, over a link with one of them (draft 3.4).
#
# ### Trusted base
#
# An overlay base in which all peers belong to somebody whom the users trust (draft 3.4, 6.1).
#
# ### Untrusted base
#
# An overlay base in which any peer may be hostile (draft 3.4, 6.2).
#
# ### Enrollment server
#
# Hands out identities, once for each node, and is not needed for calls (draft 3.3).
#
# ### Certificate
#
# What the enrollment server signs: this key belongs to this user and to this Node-ID (RFC 6940 §11.3).
#
# ### Node-ID
#
# 128 bits that name a node; they also say where it stands in the overlay (RFC 6940 §2).
#
# ### Resource-ID
#
# The place of a record, made from its name; the peer nearest to it stores it (RFC 6940 §2).
#
# ### Root
#
# The peer that is responsible for a Resource-ID (RFC 6940 §5.1.2).
#
# ### Replica
#
# A copy of a record with another peer, in case the root fails (RFC 6940 §7.4.1.1).
#
# ### Record
#
# What is stored under a Resource-ID, of some Kind: a user's registration, for instance (RFC 6940 §7).
#
# ### Recursive routing
#
# The message itself goes from peer to peer until it is there (RFC 6940 §6.2).
#
# ### Iterative routing
#
# The requester asks each peer who is next, and sends its message straight to the last one (draft 11.1).
#
# ### Finger
#
# A peer across the ring that one knows, so that ways are short (RFC 6940 §10).
#
# ### Neighbor
#
# A peer next to one on the ring (RFC 6940 §10).
#
# ### TLS
#
# What makes one hop private and unchanged. It ends where a peer begins (RFC 8446; draft 5.1).
#
# ### Signature
#
# Shows who wrote something and that it is unchanged; not that it is recent, or true (draft 11.1).
#
# ### Replay
#
# Sending something valid again, or later (draft 11.1).
#
# ### Insider
#
# An attacker with a genuine certificate: a hostile peer, or a client (draft 11.5).
#
# ### PathTrack
#
# Asking a peer who would be next on the way to somewhere; a walk of such questions finds where messages get lost
# (RFC 7851 §4.3; the draft speaks of ECHO).
#
# ### Decoy
#
# Here: a protection that looks right and fails.
#
# ### Trace
#
# Everything that happened in a run, in order. Its digest is the same wherever the run is repeated.
#
# ### Trace card
#
# A few characters that bring a run back, at the same moment.
