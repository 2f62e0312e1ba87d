"""The registrar: an overlay's certificate authority, ledger and policy in one, behind any number of servers.

Everything here happens at once, at a given time: servers carry requests to it, and settled overlays are enrolled by it
without a network, through the same decisions.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from p2psip_min.enrollment.authority import Authority
from p2psip_min.enrollment.certificates import Credential
from p2psip_min.enrollment.configuration import Configuration
from p2psip_min.enrollment.doors import turned_away
from p2psip_min.enrollment.keys import Random, hash_password, key_pem
from p2psip_min.enrollment.ledger import Account, Charge, Identity, Ledger, Nonce
from p2psip_min.enrollment.pkcs10 import SigningRequest, handed_over, read_request
from p2psip_min.enrollment.policy import (
    EnrollmentPolicy,
    EnrollmentRequest,
    Grant,
    Refusal,
    decide,
    sign_up,
)
from p2psip_min.enrollment.revocation import RevocationList, sign_list
from p2psip_min.enrollment.standing import GOOD, REVOKED
from p2psip_min.errors import EnrollmentReason, EnrollmentRefused, LocalProtocolError
from p2psip_min.ids import INVALID, WILDCARD, NodeID
from p2psip_min.trace import EnrollmentGranted, EnrollmentRejected, Sink


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A certificate (DER) that was just made, and what is in it."""

    certificate: bytes
    user: str
    node_ids: tuple[NodeID, ...]


class Registrar:
    """Grants identities of one overlay; ``rng`` draws Node-IDs, serials, salts and nonces."""

    MAX_NONCES = 65_536
    """Outstanding challenges; beyond, the oldest is forgotten."""

    def __init__(
        self,
        overlay: str,
        authority: Authority,
        rng: Random,
        *,
        policy: EnrollmentPolicy | None = None,
        trace: Sink | None = None,
    ) -> None:
        self.overlay = overlay
        self.authority = authority
        self.policy = EnrollmentPolicy() if policy is None else policy
        self.ledger = Ledger()
        self.meter = self.policy.rate.start()
        self.trace = trace
        self.configuration: Configuration | None = None
        """What the servers hand out."""
        self._rng = rng
        self._revoked: dict[int, float] = {}
        self._renewed: dict[int, tuple[int, float]] = {}
        """The certificate before, by the serial of the one that renewed it: its serial and end."""
        self._list_number = 0
        self._till = b""
        self._sold = 0

    # --- accounts -------------------------------------------------------------------------------------------------

    def open_account(self, name: str, password: str, users: Iterable[str] | None = None) -> Account:
        """A new customer in person, who may use ``users`` as user names (by default his account's name).

        LocalProtocolError if the account exists or a user name is somebody's already.
        """
        users = (name,) if users is None else tuple(users)
        accounts, holders = self.ledger.accounts, self.ledger.users
        if name in accounts or any(user in holders for user in users):
            raise LocalProtocolError(f"account or user name taken: {name}")
        salt = self._rng.getrandbits(128).to_bytes(16, "big")
        account = Account(name, salt, hash_password(password, salt), users, person=name)
        self.ledger.add(account)
        return account

    def sell(self, amount: float) -> bytes:
        """A coupon worth ``amount``, 32 hexadecimal digits: whoever pays for it may enroll with it, once."""
        if not self._till:
            # Not from the dice: what is sold to one must not move another's Node-ID.
            self._till = hashlib.sha256(key_pem(self.authority.key)).digest()
        self._sold += 1
        coupon = hmac.digest(self._till, self._sold.to_bytes(8, "big"), "sha256")[:16].hex().encode()
        self.ledger.coupons[coupon] = amount
        return coupon

    # --- enrollment -----------------------------------------------------------------------------------------------

    def challenge(self, now: float, waiting: int = 0) -> bytes:
        """A fresh nonce, 32 hexadecimal digits, good for as long as the policy says.

        It comes with a puzzle where ``waiting`` requests call for one.
        """
        nonces, kept = self.ledger.nonces, 2 * self.policy.expiry.seconds
        while nonces and (len(nonces) >= self.MAX_NONCES or next(iter(nonces.values())).issued + kept <= now):
            nonces.popitem(last=False)
        nonce = f"{self._rng.getrandbits(128):032x}".encode()
        nonces[nonce] = Nonce(now, bits=self.policy.puzzle.bits(waiting))
        return nonce

    def enroll(self, request: EnrollmentRequest, now: float, *, server: bytes = b"") -> Issued | Refusal:
        """Decide on a request and carry it out; ``server`` names who asked, in the trace."""
        return self._enroll(request, read_request(request.csr, self.overlay), now, server)

    def _enroll(
        self, request: EnrollmentRequest, csr: SigningRequest | None, now: float, server: bytes
    ) -> Issued | Refusal:
        verdict: Account | Grant | Refusal | None = sign_up(request, csr, self.ledger, self.policy, self.overlay, now)
        if isinstance(verdict, Account):
            self.ledger.add(verdict)
        if not isinstance(verdict, Refusal):
            verdict = decide(request, csr, self.ledger, self.policy, now)
        if csr is not None and (spent := self.ledger.nonces.get(csr.nonce)) is not None:
            spent.used = True
        if isinstance(verdict, Refusal):
            self.note_refusal(verdict.user or request.account, verdict.reason, now, server)
            return verdict
        if verdict.again and verdict.former is not None:
            return Issued(certificate=verdict.former.certificate, user=verdict.user, node_ids=verdict.node_ids)
        issued = self._issue(verdict, request.coupon)
        if self.trace is not None:
            for node_id in issued.node_ids:
                self.trace.emit(EnrollmentGranted(now, server, 0, issued.user, node_id))
        return issued

    def turn_away(self, request: EnrollmentRequest, host: str, waiting: int, now: float) -> EnrollmentReason | None:
        """Why a request of ``host`` is not worked on, by what it costs nothing to see; None: it is."""
        csr = read_request(request.csr, self.overlay)
        challenge = b"" if csr is None else csr.nonce
        nonce = self.ledger.nonces.get(challenge)
        reason = turned_away(
            self.meter, self.policy.puzzle, host, nonce, challenge, request.solution, waiting, now
        )  # fmt: skip
        if reason is None and nonce is not None:
            nonce.bits = 0  # a solution is good for one request
        return reason

    def note_refusal(self, user: str, reason: EnrollmentReason, now: float, server: bytes) -> None:
        """Note in the trace that ``user`` was refused."""
        if self.trace is not None:
            self.trace.emit(EnrollmentRejected(now, server, 0, user, reason.value))

    def issue_offline(
        self,
        key: ec.EllipticCurvePrivateKey,
        account: str,
        password: str,
        now: float,
        *,
        user: str = "",
        count: int = 1,
        wanted: Sequence[NodeID] = (),
    ) -> Credential:
        """Enroll without a network, by the same decisions; EnrollmentRefused(reason) if the answer is no.

        ``wanted`` are Node-IDs to ask for. Whoever hands over the key itself need not prove that he has it.
        """
        user = user or account
        csr = handed_over(key, user, self.challenge(now), wanted)
        request = EnrollmentRequest(
            account=account, password=password, csr=b"", node_ids=count, coupon=self.policy.charge.sold(self.sell)
        )
        outcome = self._enroll(request, csr, now, b"")
        if isinstance(outcome, Refusal):
            raise EnrollmentRefused(outcome.reason, user)
        return Credential(
            node_ids=outcome.node_ids, user=user, certificate=outcome.certificate, private_key=key,
            chain=(self.authority.certificate,),
        )  # fmt: skip

    def _issue(self, grant: Grant, coupon: bytes) -> Issued:
        ledger, former = self.ledger, grant.former
        if grant.price:
            ledger.coupons.pop(coupon, None)
            ledger.charges.append(Charge(grant.account.name, grant.price, grant.not_before))
        node_ids = grant.node_ids or tuple([self._new_node_id() for _ in range(grant.count)])
        ledger.taken.update(node_ids)
        serial = self._rng.getrandbits(126) + 1
        certificate = self.authority.issue(
            grant.public_key, node_ids=node_ids, user=grant.user, overlay=self.overlay, serial=serial,
            not_before=grant.not_before, not_after=grant.not_after,
        )  # fmt: skip
        not_after = min(grant.not_after, self.authority.not_after)
        assigned = former.assigned if former else grant.not_before
        identity = Identity(node_ids, grant.user, grant.key, serial, grant.not_before, not_after, assigned, certificate)
        if former is not None:
            grant.account.identities.remove(former)
            self._renewed[serial] = (former.serial, former.not_after)
        grant.account.identities.append(identity)
        ledger.keys[grant.key] = grant.account.name
        return Issued(certificate=certificate, user=grant.user, node_ids=node_ids)

    def _new_node_id(self) -> NodeID:
        taken = self.ledger.taken
        while True:
            node_id = NodeID.from_int(self._rng.getrandbits(128))
            if node_id not in taken and node_id not in (INVALID, WILDCARD):
                taken.add(node_id)
                return node_id

    def knows(self, node_id: NodeID) -> bool:
        """Whether one of its identities holds ``node_id``."""
        return any(
            node_id in identity.node_ids for account in self.ledger.accounts.values() for identity in account.identities
        )

    # --- revocation -----------------------------------------------------------------------------------------------

    def holder(self, node_id: bytes) -> Identity | None:
        """The identity that holds a Node-ID."""
        return next(
            (
                identity
                for account in self.ledger.accounts.values()
                for identity in account.identities
                if node_id in identity.node_ids
            ),
            None,
        )

    def standing(self, node_id: bytes) -> bytes | None:
        """GOOD or REVOKED for a Node-ID that somebody holds; None otherwise."""
        identity = self.holder(node_id)
        return None if identity is None else REVOKED if identity.revoked else GOOD

    def revoke(self, node_id: NodeID) -> tuple[NodeID, ...]:
        """Withdraw the identity that holds ``node_id``; all its Node-IDs, for the configuration's bad nodes."""
        identity = self.holder(node_id)
        if identity is None:
            raise LocalProtocolError(f"no identity holds {node_id!r}")
        identity.revoked = True
        self._revoked[identity.serial] = identity.not_after
        before = self._renewed.get(identity.serial)
        while before is not None:  # a renewed certificate is good until its own end
            serial, self._revoked[serial] = before
            before = self._renewed.get(serial)
        return identity.node_ids

    def revoke_account(self, name: str) -> tuple[NodeID, ...]:
        """Withdraw all that an account holds and let it enroll no more; its Node-IDs."""
        account = self.ledger.accounts[name]
        account.revoked = True
        return tuple(each for identity in list(account.identities) for each in self.revoke(identity.node_ids[0]))

    def revocation_list(self, now: float, *, lifetime: float = 3600.0) -> RevocationList:
        """The signed list of revoked serials whose certificates have not ended by themselves; good for ``lifetime``."""
        self._list_number += 1
        live = [serial for serial, until in self._revoked.items() if now < until]
        return sign_list(
            self.authority.key, self.authority.certificate, live, number=self._list_number, now=now, lifetime=lifetime
        )
