"""The Enrollment Server's box of the draft's Figure 2: who belongs to the overlay, and how everybody can check it.

Reading order: keys, der, certificates, authority and trust (what an identity is, and who believes it); ledger, pkcs10
and policy (who gets one), with a module for each kind of rule: freshness (not twice, not late), assignment (whose
choice a Node-ID is), holdings (how many, how long), applicants and vouching (who may); registrar, which carries it out.
Then markup, schema and configuration (what all agree on), revocation and standing (what no longer counts, and whom to
ask). Last, all of it over the network: http, answers, puzzles and doors, desk, server, session and client, archive; and
provider, the operator's side of one overlay.
"""
