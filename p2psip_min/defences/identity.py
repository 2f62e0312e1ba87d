"""Protections of identities and enrollment (draft 7.2.6, 7.2.7, 7.2.10, 11.7)."""

from __future__ import annotations

from dataclasses import dataclass

from p2psip_min.defences.base import DRAFT, RELOAD, Defence
from p2psip_min.enrollment.assignment import HashOfKey, NodeIdAssignment, SelfChosen, ServerRandom
from p2psip_min.enrollment.policy import EnrollmentPolicy


@dataclass(frozen=True, kw_only=True)
class IdentityDefences:
    """What protects who somebody is."""

    node_id_assignment: NodeIdAssignment = SelfChosen()

    def enrollment(self) -> EnrollmentPolicy:
        """What an enrollment server allows under these defences."""
        return EnrollmentPolicy(assignment=self.node_id_assignment)


IDENTITY: tuple[Defence, ...] = (
    Defence(
        name="server-node-ids",
        title="Node-IDs drawn by the server",
        field="node_id_assignment",
        on=ServerRandom(),
        off=SelfChosen(),
        checks="a new Node-ID is the enrollment server's draw",
        stops="choosing one's place in the overlay",
        cost="no bytes",
        section="RFC 6940 §11.3",
        presets=(DRAFT, RELOAD),
    ),
    Defence(
        name="hashed-node-ids",
        title="Node-IDs from the key",
        field="node_id_assignment",
        on=HashOfKey(),
        off=SelfChosen(),
        checks="a new Node-ID is the digest of the enrolled key",
        stops="naming a place, but not trying keys until one falls there",
        cost="no bytes",
        section="RFC 6940 §11.3.1",
        decoy=True,
    ),
)
