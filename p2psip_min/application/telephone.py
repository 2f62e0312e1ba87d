"""The SIP usage: register an address of record, resolve one, call it (RFC 7904; RFC 3261 §13).

A contact is a route: the destination list by which a phone is reached, for a client its peer and itself. A call is an
AppAttach through the overlay and an INVITE over the direct link that comes of it.
"""

from __future__ import annotations

import asyncio

from p2psip_min import trace as events
from p2psip_min.application import sip
from p2psip_min.errors import (
    CallReason,
    CallRefused,
    LinkRefused,
    Malformed,
    NotFound,
    P2PSIPError,
    RemoteFault,
    RequestTimedOut,
)
from p2psip_min.ids import Destination, NodeID, ResourceID
from p2psip_min.peer import Peer
from p2psip_min.procedures import app_attach, fetch, remove, store
from p2psip_min.transport.link import Links
from p2psip_min.transport.network import Address
from p2psip_min.wire.codec import decode, encode
from p2psip_min.wire.data import DictionaryEntry
from p2psip_min.wire.kinds import BLINDED_REGISTRATION, SipRegistration, SipRegistrationType

APPLICATION = 5060
"""The application id of SIP (RFC 6940 §14.5)."""

RING_TIME = 30.0
"""Seconds that a caller waits for an answer to the INVITE."""

FOLLOW = 5
"""How many registrations that name another AOR a caller follows, since they may go in circles (RFC 7904 §4)."""


class Telephone:
    """A phone of ``aor`` (user@domain, no scheme) on a node; ``links`` carry SIP beside the overlay's own links."""

    application = APPLICATION

    def __init__(self, peer: Peer, aor: str, links: Links, address: Address) -> None:
        self.peer = peer
        self.aor = aor
        self.links = links
        self.address = address
        self.calls: list[tuple[NodeID, str]] = []
        self.names: dict[str, str] = {}
        self.directory: tuple[str, ...] = ()  # AORs that this phone knows and may look up to cover what it wants
        self.secrets: dict[str, bytes] = {}  # by AOR: what its owner has told this phone, or it told others
        self._secret = b""
        self._waiting: dict[str, asyncio.Future[sip.SipMessage]] = {}
        links.on_message = self._receive

    # --- registration ----------------------------------------------------------------------------------------

    async def register(self, *, lifetime: int = 3600) -> None:
        """Store the way to this phone under the AOR; raises what ``store`` raises."""
        route = self._route()
        value = encode(
            SipRegistration(SipRegistrationType.ROUTE, contact_prefs="(sip.schemes=SIP)", destination_list=route)
        )
        entry = DictionaryEntry(bytes(self.peer.node_id), True, value)
        await store(self.peer, *self._place(self.aor), (entry,), lifetime=lifetime)
        self.peer.emit(events.Registered(self.peer.now(), self.peer.node_id, 0, self.aor, _shown(route)))

    async def forward_to(self, aor: str, *, lifetime: int = 3600) -> None:
        """Store another AOR under ours: who calls us shall look there."""
        value = encode(SipRegistration(SipRegistrationType.URI, uri=aor))
        entry = DictionaryEntry(bytes(self.peer.node_id), True, value)
        await store(self.peer, *self._place(self.aor), (entry,), lifetime=lifetime)
        self.peer.emit(events.Registered(self.peer.now(), self.peer.node_id, 0, self.aor, aor))

    def agree_to(self, aor: str) -> None:
        """Let another name lead to this phone; storing peers may ask (draft 5.3)."""
        self.peer.agreed[ResourceID.of(aor)] = None

    async def unregister(self) -> None:
        """Put a tombstone in the place of our registration."""
        await remove(self.peer, *self._place(self.aor), bytes(self.peer.node_id))

    def share_place(self, *contacts: Telephone) -> None:
        """Tell these phones, and no others, where our registrations lie from now on, if names do not say it."""
        secret = self.peer.defences.names_of_places.secret(self.peer.rng) if contacts else b""
        for phone in (self, *contacts):
            phone.secrets[self.aor] = secret

    def _place(self, aor: str) -> tuple[ResourceID, int]:
        return self.peer.defences.names_of_places.place(aor, self.secrets.get(aor, b""))

    def _route(self) -> tuple[Destination, ...]:
        if not self.peer.is_client:
            return (self.peer.node_id,)
        serving = self.peer.topology.next_hop(self.peer.node_id)
        return (self.peer.node_id,) if serving is None else (serving, self.peer.node_id)

    # --- calling ---------------------------------------------------------------------------------------------

    async def resolve(self, aor: str) -> tuple[tuple[Destination, ...], ...]:
        """The routes registered for ``aor``, those of other AORs followed; raises NotFound or RequestTimedOut."""
        return tuple(await self._routes(aor))

    async def _routes(self, aor: str) -> dict[tuple[Destination, ...], str]:
        """The routes for ``aor``, each with the user whose device should be there.

        That is who is called, or another whom the called one has named under his signature.
        """
        seen: dict[str, None] = {}
        names, routes = [(aor, aor)], dict[tuple[Destination, ...], str]()
        while names and len(seen) < FOLLOW:
            name, user = names.pop(0)
            if name in seen:
                continue
            seen[name] = None
            place, kind = self._place(name)
            try:
                found = await fetch(self.peer, place, kind)
            except NotFound as missing:
                raise NotFound(f"no registration of {name} to believe") from missing
            for value in found:
                if kind == BLINDED_REGISTRATION and value.signer not in (name, ""):
                    continue  # no storing peer could tell that it is not his place
                registration = decode(SipRegistration, value.stored.value.value)
                if registration.type == SipRegistrationType.URI:
                    names.append((registration.uri, registration.uri if value.signer == user else user))
                else:
                    routes.setdefault(registration.destination_list, user)
        shown = ", ".join(_shown(route) for route in routes)
        self.peer.emit(events.Resolved(self.peer.now(), self.peer.node_id, 0, aor, shown))
        if not routes:
            raise NotFound(f"no route to {aor}")
        return routes

    async def call(self, aor: str) -> NodeID:
        """Call ``aor``; returns the node that answered, raises a P2PSIPError when none did."""
        await self._cover(aor)
        try:
            remote = await self._call(aor)
        except P2PSIPError as error:
            reason = str(error) or type(error).__name__
            self.peer.emit(events.CallFailed(self.peer.now(), self.peer.node_id, 0, aor, reason))
            raise
        self.peer.emit(events.CallSetUp(self.peer.now(), self.peer.node_id, 0, aor, remote))
        return remote

    async def _call(self, aor: str, *, cover: bool = False) -> NodeID:
        failure: P2PSIPError = NotFound(f"no route to {aor}")
        defences = self.peer.defences
        for route, user in (await self._routes(aor)).items():
            try:
                _allow(defences.contact.refusal(route))
                answer, address = await app_attach(self.peer, route, APPLICATION, self.address)
                _allow(defences.callee.refusal(user, answer.certificate))
                self.links.learn(answer.signer, address)
                await self._invite(answer.signer, aor, cover)
                return answer.signer
            except (RemoteFault, LinkRefused, CallRefused) as error:
                failure = error
        raise failure

    async def _cover(self, aor: str) -> None:
        """Begin whatever is to cover a call, and wait for the call's own turn."""
        if not self.directory:
            return
        peer, policy = self.peer, self.peer.defences.cover
        self._secret = self._secret or peer.rng.getrandbits(128).to_bytes(16, "big")
        for name in policy.names(aor, self.directory, self._secret):
            peer.spawn(self._pretend(name, policy.moment(peer.rng)), "cover a call")
        await asyncio.sleep(policy.moment(peer.rng))

    async def _pretend(self, aor: str, seconds: float) -> None:
        """All of a call that others see, and nothing that rings."""
        await asyncio.sleep(seconds)
        try:
            await self._call(aor, cover=True)
        except P2PSIPError:
            return

    async def _invite(self, remote: NodeID, aor: str, cover: bool) -> None:
        call_id = f"{self.peer.rng.getrandbits(64):016x}"
        request = sip.invite(caller=self.aor, callee=aor, call_id=call_id, contact=_contact(self.address))
        if cover:
            request = request.having(sip.COVER, "1")
        future: asyncio.Future[sip.SipMessage] = self.peer.loop.create_future()
        self._waiting[call_id] = future
        try:
            if not self._send(remote, request):
                raise RequestTimedOut("no way to the other phone")
            async with asyncio.timeout(RING_TIME):
                response = await future
        except TimeoutError:
            raise RequestTimedOut(f"no answer to INVITE in {RING_TIME:g} s") from None
        finally:
            del self._waiting[call_id]
        if response.status != 200:
            raise NotFound(f"{response.status} {response.reason}")
        self._send(remote, sip.acknowledge(request, response))

    def _send(self, remote: NodeID, message: sip.SipMessage) -> bool:
        return self.links.send(remote, sip.padded(message, self.peer.defences.cover.block).encode())

    # --- being called ----------------------------------------------------------------------------------------

    def accept(self, caller: NodeID, address: Address) -> Address:
        """Agree to an AppAttach: remember where the caller's phone is, say where ours is."""
        self.links.learn(caller, address)
        return self.address

    def _receive(self, remote: NodeID, data: bytes) -> None:
        try:
            message = sip.decode(data)
        except Malformed:
            self.links.forget(remote)
            return
        call_id = message.header("Call-ID")
        if message.method == "INVITE":
            if not message.header(sip.COVER):
                self.calls.append((remote, call_id))
            wanted = message.uri.removeprefix("sip:")
            mine = wanted == self.aor or ResourceID.of(wanted) in self.peer.agreed
            status, reason = (200, "OK") if mine else (404, "Not Found")
            user = self.peer.known_as.get(remote, "")
            refusal = self.peer.defences.caller.refusal(sip.caller(message), user, self.names)
            if refusal is not None:
                status, reason = 403, refusal.value
            tag, contact = self.peer.node_id.hex()[:8], _contact(self.address)
            self._send(remote, sip.answer(message, status, reason, tag=tag, contact=contact))
        elif message.status >= 200 and (future := self._waiting.get(call_id)) is not None and not future.done():
            future.set_result(message)


def _allow(refusal: CallReason | None) -> None:
    if refusal is not None:
        raise CallRefused(refusal)


def _contact(address: Address) -> str:
    return f"{address[0]}:{address[1]}"


def _shown(route: tuple[Destination, ...]) -> str:
    return "/".join(node.hex() for node in route)
