"""What can go wrong, and every reason for which a node says no.

P2PSIPError
├── Malformed             bytes that no sender should have sent
├── Rejected              a rule said no; carries the Reason
│   ├── LinkRefused       the other end is not who it should be
│   ├── EnrollmentRefused the enrollment server said no
│   ├── CallRefused       the device is not the one to call
│   └── JoinRefused       the overlay did not let the node in
│       └── JoinDeferred  as a peer, but it may be a client meanwhile
├── RemoteFault           something outside this node failed
│   ├── ErrorAnswer       definite: the answer was an error (RFC 6940 §6.3.3.1)
│   └── RequestTimedOut   indefinite: the request may have been carried out
├── TrustedBase           a peer of the operator can't be made hostile
├── Overrun               our own parser went beyond a message
├── LocalProtocolError    our own mistake
└── Stalled               nothing left to wait for
"""

from __future__ import annotations

import enum


class Reason(enum.StrEnum):
    """Base of every vocabulary of refusals: the value is what people and the trace read."""


class DropReason(Reason):
    """Why a node did not pass a message on or up (RFC 6940 §6.1, §6.2, §6.3.2)."""

    MALFORMED = "malformed"
    WRONG_OVERLAY = "wrong overlay"
    WRONG_VERSION = "wrong version"
    BAD_FRAGMENT = "bad fragment"
    TTL_EXCEEDED = "ttl exceeded"
    TOO_LARGE = "message too large"
    UNSUPPORTED_OPTION = "unsupported critical option"
    UNKNOWN_EXTENSION = "unknown critical extension"
    RESOURCE_NOT_LAST = "resource before the end of the list"
    LOOP = "repeated destination"
    NO_ROUTE = "no route"
    NODE_ABSENT = "no such node in my range"
    OPAQUE_UNKNOWN = "opaque id not mine"
    UNSIGNED = "signature missing"
    BAD_SIGNATURE = "bad signature"
    UNKNOWN_SIGNER = "certificate missing"
    CERTIFICATE_REFUSED = "certificate refused"
    WRONG_RESPONDER = "answer from another node"
    UNSOLICITED = "answer to nothing asked"
    DUPLICATE = "already answered"
    NOT_ADJACENT = "signer is not the link's other end"
    LINK_LOST = "link lost"
    REASSEMBLY_TIMEOUT = "fragments missing"
    OVER_QUOTA = "too many records asked for"
    DISCARDED = "discarded without a reason"


class PacketReason(Reason):
    """Why the simulated network did not deliver a packet."""

    LOSS = "lost"
    PARTITION = "partitioned"
    UNREACHABLE = "nobody listens"
    INTERCEPTED = "taken off the wire"


class LinkReason(Reason):
    """Why a link was refused or ended (RFC 6940 §6.6)."""

    UNKNOWN_CA = "certificate from another authority"
    EXPIRED = "certificate expired"
    NOT_YET_VALID = "certificate not yet valid"
    REVOKED = "certificate revoked"
    WRONG_NODE_ID = "certificate names another node"
    WRONG_OVERLAY = "certificate of another overlay"
    BAD_PROFILE = "certificate outside the profile"
    NO_CERTIFICATE = "no certificate"
    NOT_PROVEN = "signature is not of the certificate's key"
    BAD_RECORD = "record failed its check"
    NO_POSSESSION = "possession of the key not proven"
    STALE_HELLO = "hello out of date"
    WRONG_PASSWORD = "wrong password"
    UNREACHABLE = "no answer"
    NO_ACKNOWLEDGEMENT = "no acknowledgement"
    RESET = "reset"
    CLOSED = "closed"
    MALFORMED = "malformed frame"
    TOO_LARGE = "frame too large"


class RootReason(Reason):
    """Why who answered for a key is not believed to be responsible for it (RFC 6940 §6.3.4, draft 5.2)."""

    BETTER_CLAIM = "another one has a better claim"
    NO_WITNESS = "nobody around the key answers"
    TOO_EMPTY = "it is too empty around it"


class StoreReason(Reason):
    """Why a storing peer refuses a value (RFC 6940 §7.4.1.1)."""

    NOT_RESPONSIBLE = "not responsible"
    NOT_A_REPLICA = "not a replica of this sender"
    UNKNOWN_KIND = "unknown kind"
    REPEATED_KIND = "kind repeated in one request"
    MODEL_MISMATCH = "value of another data model"
    INVALID_VALUE = "value breaks the kind's rules"
    UNSIGNED = "value not signed"
    BAD_SIGNATURE = "value's signature is wrong"
    UNKNOWN_SIGNER = "value's certificate missing"
    CERTIFICATE_REFUSED = "value's certificate refused"
    ACCESS_DENIED = "signer may not write here"
    REQUESTER_DENIED = "requester may not write here"
    OTHERS_PART = "part of another node"
    NOT_GRANTED = "no grant of the owner's covers this"
    OVER_QUOTA = "too many objects of one publisher"
    OVER_SHARE = "too many values of one writer in one place"
    NOT_BOOKED = "not in its publisher's account"
    NO_CONSENT = "its contact has not agreed"
    READER_DENIED = "requester may not read this"
    GENERATION_TOO_LOW = "generation counter too low"
    GENERATION_REQUIRED = "generation counter missing"
    DATA_TOO_OLD = "storage time not above the stored one"
    STALE_TIMESTAMP = "time stamp outside the window"
    FUTURE_TIMESTAMP = "time stamp in the future"
    TOO_LARGE = "value too large"
    TOO_MANY = "too many values"
    LIFETIME = "lifetime not allowed"
    TOMBSTONE_TOO_SHORT = "tombstone shorter than what it removes"
    GENERATION_TOO_HIGH = "generation counter above the stored one"


class ReadReason(Reason):
    """Why a reader does not take a value it was given (RFC 6940 §7.4.2.2)."""

    UNSIGNED = "value not signed"
    BAD_SIGNATURE = "value's signature is wrong"
    UNKNOWN_SIGNER = "value's certificate missing"
    CERTIFICATE_REFUSED = "value's certificate refused"
    ACCESS_DENIED = "signer may not write here"
    OTHERS_PART = "part of another node"
    NOT_GRANTED = "no grant of the owner's covers this"
    ROLLED_BACK = "older than a value seen before"
    OUTVOTED = "newer value at another replica"
    NOT_FOR_ME = "encrypted for others"
    EXPIRED = "lifetime over"
    INVALID_VALUE = "value breaks the kind's rules"


class EnrollmentReason(Reason):
    """Why the enrollment server says no (RFC 6940 §11.3, draft 7.2.6)."""

    MALFORMED = "malformed request"
    BAD_CSR = "bad_CSR"
    NO_POSSESSION = "possession of the key not proven"
    FAILED_AUTHENTICATION = "failed_authentication"
    USERNAME_NOT_AVAILABLE = "username_not_available"
    NODE_IDS_NOT_AVAILABLE = "Node-IDs_not_available"
    TOO_MANY_IDENTITIES = "too many identities"
    WEAK_KEY = "key too short"
    UNKNOWN_NONCE = "nonce unknown"
    NONCE_USED = "nonce already used"
    NONCE_EXPIRED = "nonce expired"
    RENEWAL_TOO_EARLY = "renewal too early"
    COOL_DOWN = "another Node-ID too soon"
    NOT_VOUCHED_FOR = "nobody vouches for this person"
    PERSON_KNOWN = "this person has an account"
    PAYMENT_REQUIRED = "payment required"
    PROBATION = "new here: wait"
    BAD_REPUTATION = "revoked too often"
    PUZZLE_UNSOLVED = "puzzle unsolved"
    RATE_LIMITED = "asked too often"
    BUSY = "busy"
    REVOKED = "revoked"


class JoinReason(Reason):
    """Why a join did not succeed."""

    NO_BOOTSTRAP = "no bootstrap node answers"
    FORBIDDEN = "forbidden"
    NODE_ID_TAKEN = "Node-ID already in the overlay"
    BUSY = "the admitting peer admits another"
    TOO_OFTEN = "came and went too often"
    PROBATION = "on probation"
    BLACK_LISTED = "on the black list"
    NO_PERMIT = "no permit to join"
    MISLED = "led to another peer than the one that admits"
    TIMED_OUT = "timed out"


class ConfigurationReason(Reason):
    """Why a configuration document is not taken (RFC 6940 §6.5.4, §11.1)."""

    MALFORMED = "malformed"
    WRONG_OVERLAY = "another overlay"
    NOT_NEWER = "sequence not newer"
    BAD_SIGNATURE = "bad signature"
    WRONG_SIGNER = "signer not named by the current document"
    EXPIRED = "expired"
    UNSUPPORTED = "demands what this node does not have"
    KIND_KNOWN = "kind known otherwise"


class CallReason(Reason):
    """Why a caller does not call what it was given, or a phone does not take a call."""

    NOT_THE_OWNERS = "the device is not the called user's"
    BAD_CONTACT = "the contact is not well formed"
    NOT_THE_CALLERS = "the device is not the user's who is said to call"
    NAME_IN_USE = "another user is known by that name"


class SuspicionReason(Reason):
    """Why a node suspects another one on a way (draft 5.2, RFC 7851 §3): never more than a suspicion."""

    SILENT = "does not answer"
    DROPS = "lets nothing through"
    MISROUTES = "sends elsewhere"
    MISLEADS = "names whom nobody can reach"
    MODIFIES = "passes on something else"
    LIES = "says that it passed on what nobody has"


class ReportReason(Reason):
    """Why a report about a node does not count (draft 7.2.12)."""

    MALFORMED = "malformed report"
    UNSIGNED = "reporter's signature missing or wrong"
    NOT_WANTED = "reports of this sort are not heard here"
    NO_EVIDENCE = "nothing shown that can be checked"
    NOT_THE_ACCUSED = "answer not signed by the accused"
    NO_RECEIPT = "answer without a receipt"
    OTHER_REQUEST = "answer to another request"
    NOTHING_WRONG = "nothing wrong with what is shown"
    SERVED = "of a time for which the accused has been out already"


class P2PSIPError(Exception):
    """Root of everything this package raises on purpose."""


class Malformed(P2PSIPError):
    """Bytes that break RFC 6940's syntax, at ``offset`` bytes from the start of what was parsed."""

    def __init__(self, offset: int, what: str) -> None:
        super().__init__(f"{what} at offset {offset}")
        self.offset = offset
        self.what = what


class Rejected(P2PSIPError):
    """A rule said no; ``reason`` is one of the vocabularies above."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail


class LinkRefused(Rejected):
    """The link to another node was not made; ``reason`` is a LinkReason."""


class EnrollmentRefused(Rejected):
    """The enrollment server refused; ``reason`` is an EnrollmentReason."""


class JoinRefused(Rejected):
    """The node is not in the overlay; ``reason`` is a JoinReason."""


class CallRefused(Rejected):
    """The call was not made; ``reason`` is a CallReason."""


class JoinDeferred(JoinRefused):
    """The node may be a client now, and a peer from ``until`` on (virtual s)."""

    def __init__(self, reason: Reason, until: float) -> None:
        super().__init__(reason, f"as a peer from {until:g} s")
        self.until = until


class ConfigurationRefused(Rejected):
    """A configuration document was not taken; ``reason`` is a ConfigurationReason."""


class RemoteFault(P2PSIPError):
    """Something outside this node failed."""


class ErrorAnswer(RemoteFault):
    """The answer was an error (RFC 6940 §6.3.3.1): the request was definitely not carried out."""

    def __init__(self, code: int, info: bytes = b"", transaction_id: int = 0) -> None:
        super().__init__(f"error {code:#x} {info.decode(errors='replace')}".rstrip())
        self.code = code
        self.info = info
        self.transaction_id = transaction_id


class RequestTimedOut(RemoteFault):
    """No answer in time: the request may or may not have been carried out; ``transaction_id`` 0 when it was none."""

    def __init__(self, text: str, transaction_id: int = 0) -> None:
        super().__init__(text)
        self.transaction_id = transaction_id


class NotFound(RemoteFault):
    """The overlay answered, and holds no value that this reader may believe."""


class TrustedBase(P2PSIPError):
    """On a trusted base every peer is the operator's: no peer can be made hostile (draft 3.4)."""


class Overrun(P2PSIPError):
    """This program has read beyond the bytes that it was given: the end of any process that runs it."""


class LocalProtocolError(P2PSIPError):
    """This program did what the protocol forbids."""


class Stalled(P2PSIPError):
    """Nothing is ready and no timer is set: what is awaited can never happen."""
