"""How nodes find out who is who when they connect, and who gets past that (draft 5.1, 7.2.5, 11.3, Req. 12)."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import ClassVar

from cryptography import x509

from lab.scenarios.base import Stage, declare
from lab.text import Word
from p2psip_min import procedures
from p2psip_min import trace as events
from p2psip_min.attacks.pairing import Claimant, Impostor, Intruder, PairingMitm
from p2psip_min.attacks.transport import Hijacker
from p2psip_min.enrollment.certificates import Credential, build, pem, self_signed
from p2psip_min.enrollment.keys import derive_key, key_pem
from p2psip_min.enrollment.provider import Provider
from p2psip_min.ids import ResourceID, overlay_hash
from p2psip_min.overlay import Node
from p2psip_min.transport.tls import TlsIdentity
from p2psip_min.wire.messages import PingReq

CONNECTS, REGISTERS, STRIKES, CALLS = 2.0, 5.0, 8.0, 9.0
"""Virtual seconds of the stories."""

DAY = 86_400.0


class PairingStage(Stage):
    """What the stories of connecting share."""

    def cast(self) -> None:
        """Alice's record is the subject."""
        overlay = self.overlay
        self.owner = "alice"
        resource = ResourceID.of(overlay.aor("alice"))
        self.subject, self.resources = resource, {resource: overlay.aor("alice")}

    async def register_and_call(self) -> None:
        """Alice and bob register, and bob calls alice."""
        alice, bob = self.overlay.phone("alice"), self.overlay.phone("bob")
        await self.perform("register", alice.register())
        await self.perform("register", bob.register())
        await self.perform("call", bob.call(self.overlay.aor("alice")))


REQUESTS = 4


class ImpostorStage(PairingStage):
    """Mallory, a client with a certificate of her own, connects under alice's Node-ID and sends requests."""

    users: ClassVar[tuple[str, ...]] = ("alice", "bob", "mallory")
    mid_story: ClassVar[bool] = True

    def cast(self) -> None:
        """Mallory is served by another peer than alice, where there is one."""
        super().cast()
        overlay = self.overlay
        alice, mallory = overlay.node("alice"), overlay.node("mallory")
        self.people[mallory.node_id] = "mallory"
        others = [node for node in overlay.peers() if node.node_id not in alice.peer.topology.table()]
        chosen = others[int(overlay.rng("cast").random() * len(others))]
        overlay.attach_client("mallory", chosen.name)
        self.impostor = Impostor(alice.node_id, [((chosen.node_id,), PingReq())] * REQUESTS)

    def attackers(self) -> tuple[Node, ...]:
        """Mallory."""
        return (self.overlay.node("mallory"),)

    def attack(self) -> None:
        """Mallory goes, and comes back as alice."""
        self.overlay.turn("mallory", self.impostor.equip, "speaks as alice")

    async def story(self) -> None:
        """Mallory connects under alice's name, while alice and bob do what they do."""
        await self.until(CONNECTS)
        if self.setting.attack:
            self.attack()
        await self.until(REGISTERS)
        await self.register_and_call()
        await self.until(CONNECTS + REQUESTS * 20.0)

    def believed(self) -> list[float]:
        """When requests counted as alice's that alice had not sent, each once."""
        alice = self.overlay.node("alice").node_id
        sent = {event.transaction_id for event in self.trace.select(events.MessageSent, node=alice)}
        found: dict[int, float] = {}
        for event in self.trace.select(events.MessageDelivered, since=self.start, signer=alice):
            if event.code & 1 and event.transaction_id not in sent:
                found.setdefault(event.transaction_id, event.t)
        return sorted(found.values())

    def figure(self) -> float:
        """The share of mallory's requests that were taken as alice's."""
        return min(1.0, len(self.believed()) / REQUESTS)

    def harmed_since(self) -> float | None:
        """When the first one was."""
        return next(iter(self.believed()), None)

    def facts(self) -> tuple[str, ...]:
        """How many requests were taken as alice's."""
        return (f"{len(self.believed())} of {REQUESTS}",)


class MitmStage(PairingStage):
    """Four clients go to another peer each, and somebody stands between every one of them and the peer."""

    users: ClassVar[tuple[str, ...]] = ("alice", "bob", "carol", "dave")

    def cast(self) -> None:
        """Find everybody another peer; the attacker has made a certificate for himself."""
        super().cast()
        overlay = self.overlay
        dice, key = overlay.rng("cast"), derive_key(overlay.seed, "outsider")
        public = overlay_hash(overlay.name), overlay.provider.configuration.sequence
        made = self_signed(
            key, user=overlay.aor("peer"), overlay=overlay.name, serial=1, not_before=-DAY, not_after=DAY
        )
        identity = TlsIdentity(certificate=pem(made.certificate), key=key_pem(key), mutual=False, verify=False)
        self.homes: dict[str, Node] = {}
        self.attacks: dict[str, PairingMitm] = {}
        for user in self.users:
            others = [node for node in overlay.peers() if node.node_id not in overlay.node(user).peer.topology.table()]
            home = self.homes[user] = others[int(dice.random() * len(others))]
            self.attacks[user] = PairingMitm(Hijacker(home.node_id, *public), identity)

    def attack(self) -> None:
        """Stand in between before they meet."""
        for user, attack in self.attacks.items():
            near, far = self.overlay.node(user).address, self.homes[user].address
            self.overlay.network.on_path(near, far, attack.upward)
            self.overlay.network.on_path(far, near, attack.downward)

    async def story(self) -> None:
        """Everybody moves and registers, then asks for a neighbor's registration."""
        await self.until(CONNECTS)
        moves = [self.perform("move", self.move(user, self.homes[user])) for user in self.users]
        await asyncio.gather(*moves)
        await self.until(CONNECTS + 20.0)
        for attack in self.attacks.values():
            attack.hijacker.seized = True
        registering = [self.perform("register", self.overlay.phone(user).register()) for user in self.users]
        await asyncio.gather(*registering)

    def held(self) -> int:
        """How many sessions the attacker answers for, or whose password he has."""
        return sum(attack.hijacker.answered > 0 or bool(attack.password) for attack in self.attacks.values())

    def figure(self) -> float:
        """The share of clients whose session or credential he ends up with."""
        return self.held() / len(self.attacks)

    def harmed_since(self) -> float | None:
        """When the sessions began, where he has one."""
        return CONNECTS if self.figure() else None

    def facts(self) -> tuple[str, ...]:
        """How many passwords he has, and how many sessions."""
        attacks = self.attacks.values()
        return str(sum(bool(attack.password) for attack in attacks)), str(self.held())


CLAIMS = 6


class ClaimStage(PairingStage):
    """Somebody who is no node connects to six peers, each time as another peer."""

    mid_story: ClassVar[bool] = True

    def cast(self) -> None:
        """Pair peers that are not linked with each other: whose name is used, and who hears it."""
        super().cast()
        overlay = self.overlay
        living, dice = overlay.peers(), overlay.rng("cast")
        pairs = [(one, other) for one in living for other in living if one is not other]
        pairs.sort(key=lambda pair: pair[1].peer.links.connected(pair[0].node_id))
        apart = max(CLAIMS, sum(not other.peer.links.connected(one.node_id) for one, other in pairs))
        self.pairs = [pairs[int(dice.random() * min(apart, len(pairs)))] for _ in range(CLAIMS)]
        self.accepted: list[float] = []

    def papers(self, named: Node) -> Credential:
        """What he shows: a copy of the peer's certificate, or one that he has made, since TLS needs the key too."""
        overlay = self.overlay
        key = derive_key(overlay.seed, f"outsider:{named.name}")
        shown = named.peer.parts.identity.certificate
        if overlay.defences.link_protection.tls:
            shown = build(
                key=key, issuer=x509.Name([]), public_key=key.public_key(), node_ids=(named.node_id,),
                user=named.user, overlay=overlay.name, serial=1, not_before=-DAY, not_after=DAY,
            )  # fmt: skip
        return Credential(node_ids=(named.node_id,), user=named.user, certificate=shown, private_key=key)

    async def story(self) -> None:
        """The claims, while alice and bob do what they do."""
        await self.until(CONNECTS)
        if self.setting.attack:
            await asyncio.gather(*[self._claim(named, hearer) for named, hearer in self.pairs])
        await self.until(CONNECTS + 20.0)
        await self.register_and_call()

    async def _claim(self, named: Node, hearer: Node) -> None:
        links = self.overlay.outside(self.papers(named))
        claimant = Claimant(links, overlay_hash(self.overlay.name), self.overlay.provider.configuration.sequence)
        if await claimant.claim(hearer.address):
            self.accepted.append(self.overlay.now)
        links.close_all()

    def figure(self) -> float:
        """The share of claims that were believed: he was answered as the peer that he said he was."""
        return round(len(self.accepted) / CLAIMS, 6)

    def harmed_since(self) -> float | None:
        """When the first one was."""
        return min(self.accepted, default=None)

    def facts(self) -> tuple[str, ...]:
        """How many claims were believed."""
        return (f"{len(self.accepted)} of {CLAIMS}",)


class StrangerStage(PairingStage):
    """Three who have no business here try to join, and so does one who has."""

    mid_story: ClassVar[bool] = True

    def cast(self) -> None:
        """Somebody with a certificate of his own making, one of another overlay, one whose certificate has expired."""
        super().cast()
        overlay = self.overlay
        elsewhere = Provider("elsewhere.example.org", seed=f"{overlay.seed}:elsewhere", rng=overlay.rng("elsewhere"))
        key = derive_key(overlay.seed, "outsider")
        papers = {
            "nobody": self_signed(
                key, user=overlay.aor("nobody"), overlay=overlay.name, serial=1, not_before=-DAY, not_after=DAY
            ),
            "foreigner": elsewhere.enroll("foreigner", 0.0),
            "former": overlay.provider.enroll("former", -DAY - overlay.provider.registrar.policy.life.lifetime),
        }
        self.strangers = [overlay.new_peer(name, credential=shown) for name, shown in papers.items()]
        self.newcomer = overlay.new_peer("newcomer")

    async def story(self) -> None:
        """Everybody tries to join; alice and bob call."""
        await self.until(CONNECTS)
        if self.setting.attack:
            for stranger in self.strangers:
                doors = stranger.peer.configuration.bootstrap_nodes
                await Intruder(partial(procedures.join_in_time, stranger.peer, doors)).intrude()
        await self.perform("join", self.overlay.join(self.newcomer))
        await self.register_and_call()

    def culprits(self) -> frozenset[bytes]:
        """The strangers: no peers, so that a trusted base has them too."""
        return frozenset(stranger.node_id for stranger in self.strangers)

    def admitted(self) -> list[str]:
        """The strangers whom somebody else in the overlay takes for a peer."""
        others = [node for node in self.overlay.peers() if node not in self.strangers]
        known = {node_id for other in others for node_id in other.peer.topology.table()}
        return [stranger.name for stranger in self.strangers if stranger.node_id in known]

    def figure(self) -> float:
        """The share of the strangers who got in."""
        return round(len(self.admitted()) / len(self.strangers), 6)

    def harmed_since(self) -> float | None:
        """When the first one got in."""
        names = {stranger.node_id for stranger in self.strangers}
        joined = self.trace.select(events.NodeJoined, since=self.start)
        return next((event.t for event in joined if event.node in names), None) if self.figure() else None

    def facts(self) -> tuple[str, ...]:
        """Who got in."""
        return (", ".join(self.admitted()) or "nobody",)


TR_4 = declare(
    "TR-4",
    title="A client speaks as another",
    attacker="a client with a certificate of her own",
    preset="none",
    defence=("tls", "link-auth"),
    decoys=("tls",),
    claims=(("message-signature",),),
    metric="requests taken as the victim's, of 1",
    unit="share of requests",
    span=(0.0, 1.0),
    whole=0,
    word=Word.FORGED,
    least_peers=2,
    numbers={},
    rows=("requests taken as alice's",),
    notes={"baseline": "mallory is quiet", "attacked": "mallory connects under alice's Node-ID"},
    stage=ImpostorStage,
)

TR_5 = declare(
    "TR-5",
    title="Somebody stands between a client and its peer",
    attacker="an outsider between clients and the peers that they go to",
    preset="none",
    defence=("tls", "link-auth"),
    decoys=("overlay-password",),
    claims=(("tls",),),
    metric="sessions or credentials in his hands, of 1",
    unit="share of clients",
    span=(0.0, 1.0),
    whole=0,
    word=Word.FORGED,
    least_peers=2,
    numbers={},
    rows=("passwords that he has", "sessions that he has"),
    notes={"baseline": "nobody is in between", "attacked": "somebody is in between from the first packet on"},
    stage=MitmStage,
)

TR_6 = declare(
    "TR-6",
    title="An outsider claims a peer's Node-ID",
    attacker="an outsider who has copies of certificates",
    preset="none",
    defence=("tls", "link-auth"),
    decoys=("certificate-shown",),
    claims=(("connect-auth",), ("tls",)),
    metric="false claims accepted, of 1",
    unit="share of claims",
    span=(0.0, 1.0),
    whole=0,
    word=Word.FORGED,
    least_peers=2,
    numbers={},
    rows=("claims believed",),
    notes={"baseline": "nobody claims anything", "attacked": "somebody says six times that he is another peer"},
    stage=ClaimStage,
)

TR_7 = declare(
    "TR-7",
    title="Strangers take part",
    attacker="three nodes without a valid identity of this overlay",
    preset="none",
    defence=("tls", "link-auth"),
    decoys=("overlay-password",),
    claims=(("tls",),),
    metric="strangers admitted, of 1",
    unit="share of strangers",
    span=(0.0, 1.0),
    whole=0,
    word=Word.FORGED,
    least_peers=2,
    numbers={},
    rows=("who got in",),
    notes={"baseline": "no stranger tries", "attacked": "a password that many know is known to them as well"},
    stage=StrangerStage,
)

SCENARIOS = (TR_4, TR_5, TR_6, TR_7)
