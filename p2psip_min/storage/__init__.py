"""Distributed storage: who may store what where, what a node holds, where copies belong, and what a reader believes.

Reading order: ``policies`` and ``redundancy`` (the defences as values), ``access`` (who may write) and ``rights`` (what
that makes of a value), ``values`` and ``validation`` (the checklist of RFC 6940 §7.4.1.1), ``store`` (what one node
holds), ``replication`` (where copies belong), ``reader`` (what to believe). One question each: ``delegation`` (who may
write for others), ``removal``, ``readership`` (who may read), ``consent`` (where records may lead), ``quota``.
Nothing here waits, sends or reads a clock: the moment is an argument, and what happened comes back as trace events.
"""
