"""The adversaries, one module for each attacked layer; each knows what its constructor and its node's view give it.

An attack from inside has a method ``equip(parts, coalition) -> PeerParts``; an outsider acts on the network.
"""
