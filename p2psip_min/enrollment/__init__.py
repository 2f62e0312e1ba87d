"""The Enrollment Server's box of the draft's Figure 2: who belongs to the overlay, and how everybody can check it.

Reading order: keys, certificates and authority (what an identity is), policy and registrar (who gets one), markup,
schema and configuration (what all agree on), revocation (what no longer counts), http, server and client (all of it
over the network), provider (the operator's side of one overlay).
"""
