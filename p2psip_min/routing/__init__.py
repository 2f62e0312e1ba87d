"""Key-based routing: whose a key is, and what becomes of a message on the way there (draft 5.2, RFC 6940 §6, §10).

Reading order: ``topology.base`` (what an overlay algorithm decides), ``topology.chord`` (the ring), ``forwarding``
(deliver, forward or drop), ``iterative`` (asking each step oneself), ``topology.client`` (who routes for nobody).
Against bad peers on the way: ``ways`` (other next hops than the best), ``policies`` (retries, several ways at once,
several names), ``watch`` (next hops over which no answer comes back), ``returns`` (answers that come straight),
``diagnosis`` (who lost a request).

Nothing here waits, sends or reads a clock.
"""
