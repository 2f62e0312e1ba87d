"""Protections of the way in: bootstrap and join control (draft 5.2, 11.3, 11.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from p2psip_min.defences.base import DRAFT, RELOAD, Defence
from p2psip_min.enrollment.introduction import AnyAuthority, IntroductionPolicy, NoIntroduction, OverlayAuthority
from p2psip_min.enrollment.joincontrol import (
    BlackList,
    BlackListPolicy,
    JoinControl,
    JoinControlPolicy,
    NoBlackList,
    NoJoinControl,
    Place,
    Probation,
)
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


@dataclass(frozen=True, slots=True)
class UpdateInterval:
    """How often neighbors exchange their tables, in seconds (RFC 6940 §10.7.4, chord-update-interval)."""

    seconds: float = 600.0


@dataclass(frozen=True, kw_only=True)
class AdmissionDefences:
    """What protects the way in."""

    join_control: JoinControlPolicy = NoJoinControl()
    probation: Probation = Probation()
    black_list: BlackListPolicy = NoBlackList()
    update_interval: UpdateInterval = UpdateInterval()
    introduction: IntroductionPolicy = NoIntroduction()
    entrance: EntrancePolicy = InTurn()
    density: DensityPolicy = NoDensityTest()
    known_peers: KnownPeers = KnownPeers(0)


def _join_control(name: str, title: str, place: Place, checks: str, cost: str, **more: Any) -> Defence:
    """The same rule at one of the places that the draft names, and at one more."""
    return Defence(
        name=name,
        title=title,
        field="join_control",
        on=JoinControl(place),
        off=NoJoinControl(),
        checks=f"who came twice in a minute is a client for the next five; {checks}",
        stops="nodes that join and leave over and over; not one that has a new Node-ID each time",
        cost=cost,
        section="draft 5.2",
        number=lambda joins: JoinControl(place, int(joins)),
        **more,
    )


ADMISSION: tuple[Defence, ...] = (
    _join_control(
        "join-control-server",
        "Join control at the enrollment server",
        Place.ENROLLMENT_SERVER,
        "the enrollment server counts by customer and signs permits",
        "an enrollment server that is up at every join, one request to it, two signatures",
    ),
    _join_control(
        "join-control-neighbors",
        "Join control by the neighbors",
        Place.NEIGHBORS,
        "neighbors count who has gone, and need no permits",
        "no bytes",
    ),
    _join_control(
        "join-control-bootstrap",
        "Join control at a bootstrap server",
        Place.BOOTSTRAP_SERVER,
        "one bootstrap node counts by Node-ID and signs permits",
        "one request to the one bootstrap node, one signature a join",
    ),
    _join_control(
        "join-control",
        "Join control at the bootstrap peers",
        Place.BOOTSTRAP_PEER,
        "the bootstrap peer nearest to its Node-ID counts and signs permits",
        "one request to a bootstrap peer, one signature a join",
        presets=(DRAFT,),
    ),
    Defence(
        name="probation",
        title="Probation",
        field="probation",
        on=Probation(60.0),
        off=Probation(),
        checks="who asks to join for the first time is a client for a minute before he may be a peer",
        stops="a fresh Node-ID that works at once; not the patient",
        cost="a minute before a newcomer serves others",
        section="draft 7.2.6",
        number=Probation,
    ),
    Defence(
        name="black-list",
        title="Black list",
        field="black_list",
        on=BlackList(),
        off=NoBlackList(),
        checks="whom the configuration names as a bad node is not let in again",
        stops="a node that was found out; not its owner under another Node-ID",
        cost="sixteen bytes of configuration a node",
        section="draft Figure 4",
        presets=(DRAFT, RELOAD),
    ),
    Defence(
        name="fast-stabilisation",
        title="Faster stabilisation",
        field="update_interval",
        on=UpdateInterval(30.0),
        off=UpdateInterval(),
        checks="neighbors exchange their tables every 30 s in place of every 600 s",
        stops="tables that stay wrong for long; not what makes them wrong",
        cost="twenty times the periodic Updates",
        section="RFC 6940 §10.7.4",
        number=UpdateInterval,
        decoy=True,
    ),
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
