"""Protections of the way in: bootstrap and join control (draft 5.2, 11.3, 11.5)."""

from __future__ import annotations

from dataclasses import dataclass

from p2psip_min.defences.base import DRAFT, RELOAD, Defence
from p2psip_min.enrollment.introduction import AnyAuthority, IntroductionPolicy, NoIntroduction, OverlayAuthority
from p2psip_min.routing.entrance import (
    Compared,
    DensityPolicy,
    DensityTest,
    EntrancePolicy,
    InTurn,
    KnownPeers,
    NoDensityTest,
    SameAgain,
)


@dataclass(frozen=True, kw_only=True)
class AdmissionDefences:
    """What protects the way in."""

    introduction: IntroductionPolicy = NoIntroduction()
    entrance: EntrancePolicy = InTurn()
    density: DensityPolicy = NoDensityTest()
    known_peers: KnownPeers = KnownPeers(0)


ADMISSION: tuple[Defence, ...] = (
    Defence(
        name="overlay-authority",
        title="Certificate of the overlay's own authority",
        field="introduction",
        on=OverlayAuthority(),
        off=NoIntroduction(),
        checks="whoever a joining node attaches to signs with a certificate of the authority that it knew beforehand",
        stops="another overlay under the same name; not a bad corner of the right one",
        cost="one signature and one certificate an Attach",
        section="draft 11.3",
        presets=(DRAFT, RELOAD),
    ),
    Defence(
        name="any-certificate",
        title="Any valid certificate",
        field="introduction",
        on=AnyAuthority(),
        off=NoIntroduction(),
        checks="whoever a joining node attaches to signs with a valid certificate for the overlay's name",
        stops="nodes without a certificate; not those who issue their own",
        cost="one signature and one certificate an Attach",
        section="draft 11.3",
        decoy=True,
    ),
    Defence(
        name="compared-bootstraps",
        title="Bootstrap nodes compared",
        field="entrance",
        on=Compared(3),
        off=InTurn(),
        checks="three bootstrap nodes are asked who admits us, and the one with the best claim does",
        stops="one bootstrap node that leads astray",
        cost="three lookups a join",
        section="draft 11.5",
        number=lambda count: Compared(int(count)),
    ),
    Defence(
        name="disjoint-ways",
        title="Peers met on several ways",
        field="entrance",
        on=Compared(3, 2),
        off=InTurn(),
        checks="a joining node learns its place from the tables of six peers that chance leads to",
        stops="a bootstrap node and its accomplices, also where they sit on the way",
        cost="nine lookups, six Attaches and an Attach with each near peer a join",
        section="draft 11.3",
    ),
    Defence(
        name="retry",
        title="Same bootstrap node again",
        field="entrance",
        on=SameAgain(),
        off=InTurn(),
        checks="a join that failed is tried again where it failed",
        stops="a bootstrap node that was busy; not one that lies",
        cost="the time of each try",
        section="draft 11.5",
        decoy=True,
    ),
    Defence(
        name="density-test",
        title="Crowded enough",
        field="density",
        on=DensityTest(),
        off=NoDensityTest(),
        checks="peers lie as close together where we are led to as around the bootstrap nodes, within a factor of 3",
        stops="a corner of the overlay that few peers pretend to be all of",
        cost="an Attach and an Update with each of three bootstrap nodes a join",
        section="draft 11.3",
        number=DensityTest,
    ),
    Defence(
        name="known-peers",
        title="Peers known from before",
        field="known_peers",
        on=KnownPeers(3),
        off=KnownPeers(0),
        checks="who comes back tries three peers that it knew before the bootstrap nodes",
        stops="bootstrap nodes that lead astray whoever was there before; not newcomers",
        cost="no bytes",
        section="RFC 6940 §11.4",
        number=lambda count: KnownPeers(int(count)),
    ),
)
