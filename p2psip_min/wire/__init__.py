"""RELOAD 1.0 on the wire (RFC 6940): bytes in, values out, and nothing but Malformed when they are wrong.

Reading order: header (what forwarders touch), framing (one link), codec (the engine), messages (every method),
data and kinds (stored values), security (signatures), message (the whole), fragments, options, pcap.
"""
