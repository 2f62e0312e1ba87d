"""The configuration document: its bytes, its signatures, and every reason for which it is not taken."""

from __future__ import annotations

import base64
import hashlib
import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2psip_min.enrollment.authority import Authority
from p2psip_min.enrollment.certificates import Certificate, Credential
from p2psip_min.enrollment.configuration import (
    Configuration,
    accept,
    accept_kinds,
    adopt,
    kind_block,
    parse,
    publish,
    signature_text,
)
from p2psip_min.enrollment.keys import derive_key
from p2psip_min.enrollment.markup import MAX_DOCUMENT
from p2psip_min.enrollment.policy import DAY
from p2psip_min.enrollment.provider import Provider
from p2psip_min.enrollment.revocation import sign_list
from p2psip_min.errors import ConfigurationReason, LinkReason, LocalProtocolError
from p2psip_min.ids import NodeID
from p2psip_min.wire.kinds import IANA_KINDS, AccessPolicy, DataModel, KindSpec
from p2psip_min.wire.security import decode_security, verify
from tests.enrollment.conftest import ALICE, OVERLAY

ROOT = Authority.create("Root", derive_key(7, "authority"), serial=1, not_before=-DAY, not_after=3650 * DAY)


def credential(label: str, root: Authority = ROOT, **changes: float) -> Credential:
    key = derive_key(7, label)
    node_ids = (NodeID(hashlib.sha256(label.encode()).digest()[:16]),)
    user = f"{label}@{OVERLAY}"
    dates = {"not_before": 0.0, "not_after": 30 * DAY, **changes}
    der = root.issue(key.public_key(), node_ids=node_ids, user=user, overlay=OVERLAY, serial=4, **dates)
    return Credential(node_ids=node_ids, user=user, certificate=der, private_key=key)


SIGNER = credential("signer")
BASIC = Configuration(
    overlay=OVERLAY,
    sequence=5,
    roots=(ROOT.certificate,),
    configuration_signers=SIGNER.node_ids,
    kind_signers=SIGNER.node_ids,
)
CURRENT = publish(BASIC, SIGNER)
NEXT = publish(replace(BASIC, sequence=6), SIGNER)
FULL = replace(
    BASIC,
    sequence=6,
    expiration=20 * DAY,
    topology_plugin="CHORD-RELOAD",
    enrollment_servers=("https://one.example.org/enrollment", "https://two.example.org/e?a=1&b=2"),
    self_signed="sha1",
    bootstrap_nodes=(("10.0.0.1", 6084), ("10.0.0.2", 7000)),
    turn_density=20,
    clients_permitted=False,
    no_ice=True,
    shared_secret="<pass & word>",
    max_message_size=4000,
    initial_ttl=30,
    overlay_reliability_timer=0.25,
    overlay_link_protocols=("TLS", "other"),
    bad_nodes=(NodeID(b"\x0a" * 16), NodeID(b"\x0b" * 16)),
    chord_update_interval=400.0,
    chord_ping_interval=30.0,
    chord_reactive=False,
    kinds=(
        replace(IANA_KINDS[1], max_count=4, max_size=200),
        KindSpec(0xF0000001, "kind-4026531841", DataModel.ARRAY, AccessPolicy.NODE_MULTIPLE, 22, 4, 3),
    ),
)


def edited(edit: Callable[[str], str], signer: Credential = SIGNER, base: Configuration = NEXT) -> bytes:
    """A document that was altered and signed again."""
    text = base.document.decode()
    start, end = text.index("<configuration "), text.index("</configuration>") + len("</configuration>")
    blob = edit(text[start:end])
    return (
        f"{text[:start]}{blob}\n<signature>{signature_text(blob.encode(), signer)}</signature>\n</overlay>\n"
    ).encode()


def test_everything_comes_back() -> None:
    published = publish(FULL, SIGNER)
    assert adopt(published.document, OVERLAY, 1.0) == FULL
    taken = accept(CURRENT, published.document, 1.0)
    assert taken == FULL
    assert isinstance(taken, Configuration)
    assert taken.document == published.document
    registry = taken.registry()
    assert registry[1].max_size == 200
    assert registry[0xF0000001].max_node_multiple == 3
    assert registry[16] == IANA_KINDS[16]


def test_defaults_are_the_standards() -> None:
    text = NEXT.document.decode()
    lines = [line for line in text.split("\n") if "root-cert" in line or "signer" in line or "configuration" in line]
    blob = "\n".join(lines[:-1] if lines[-1].startswith("<signature") else lines)
    bare = edited(lambda _: blob)
    taken = accept(CURRENT, bare, 1.0)
    assert taken == replace(BASIC, sequence=6)
    assert isinstance(taken, Configuration)
    assert (taken.max_message_size, taken.initial_ttl, taken.overlay_reliability_timer) == (5000, 100, 3.0)
    assert (taken.chord_update_interval, taken.chord_ping_interval, taken.chord_reactive) == (600.0, 3600.0, True)


def test_documents_are_reproducible_byte_for_byte() -> None:
    """Golden: what is signed is the element's bytes alone, and the signature is deterministic."""
    assert publish(BASIC, SIGNER).document == CURRENT.document
    text = CURRENT.document
    blob = text[text.index(b"<configuration ") : text.index(b"</configuration>") + len(b"</configuration>")]
    raw = base64.b64decode(text[text.index(b"<signature>") + 11 : text.index(b"</signature>")])
    block, end = decode_security(raw, 0, len(raw))
    assert end == len(raw)
    assert verify(SIGNER.private_key.public_key(), block.signature, blob)
    digest = hashlib.sha256(text).hexdigest()
    assert digest == "d7e90f904f60ae33668308af1d3f1d325f9c5021ecd965cd26bd9dc15393811c"


def test_malformed() -> None:
    for document in (b"", b"<overlay/>", b"rubbish", CURRENT.document[:-12], b"\xff\xfe" + CURRENT.document):
        assert accept(CURRENT, document, 1.0) is ConfigurationReason.MALFORMED
    assert accept(CURRENT, b"<a>" + b" " * MAX_DOCUMENT + b"</a>", 1.0) is ConfigurationReason.MALFORMED


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('sequence="6"', 'sequence="65535"'),
        ('sequence="6"', 'sequence="-1"'),
        ('sequence="6"', 'sequence="٦"'),
        (' sequence="6"', ""),
        ('sequence="6"', 'sequence="6" expiration="tomorrow"'),
        ('sequence="6"', 'sequence="6" expiration="2026-13-01T00:00:00Z"'),
        ('sequence="6"', 'sequence="6" expiration="2026-02-01T00:00:00+01:00"'),
        ("<turn-density>1<", "<turn-density>256<"),
        ("<turn-density>1<", "<turn-density>1 2<"),
        ("<turn-density>1</turn-density>", "<turn-density>1</turn-density><turn-density>1</turn-density>"),
        ("<turn-density>1<", "<turn-density>1<no-ice/><"),
        ("<no-ice>false<", "<no-ice>no<"),
        ("<initial-ttl>100<", "<initial-ttl>0<"),
        ("<overlay-reliability-timer>3000<", "<overlay-reliability-timer>199<"),
        ("<no-ice>", "<no-such-element/><no-ice>"),
        ("<no-ice>", '<bootstrap-node address="example.org"/><no-ice>'),
        ("<no-ice>", '<bootstrap-node address="10.0.0.1" port="0"/><no-ice>'),
        ("<no-ice>", "<bootstrap-node/><no-ice>"),
        ("<no-ice>", "<bad-node>6ebc45d31a900c06</bad-node><no-ice>"),
        ("<no-ice>", "<enrollment-server>http://example.org/</enrollment-server><no-ice>"),
        ("<no-ice>", '<self-signed-permitted digest="md5">true</self-signed-permitted><no-ice>'),
        ("<no-ice>", "<root-cert>AAAA</root-cert><no-ice>"),
        ("<no-ice>", f"<root-cert>{base64.b64encode(SIGNER.certificate).decode()}</root-cert><no-ice>"),
        ("<no-ice>", "<required-kinds><kind-block/></required-kinds><no-ice>"),
        ("<no-ice>", "<required-kinds><kind-block><kind/></kind-block></required-kinds><no-ice>"),
        ("<no-ice>", "<?run this?><no-ice>"),
        ("<no-ice>", "&unknown;<no-ice>"),
        ("<no-ice>", "<e:a xmlns:e='urn:e'>" + "<e:b>" * 20 + "</e:b>" * 20 + "</e:a><no-ice>"),
    ],
)
def test_malformed_although_signed(old: str, new: str) -> None:
    assert old in NEXT.document.decode()
    assert accept(CURRENT, edited(lambda blob: blob.replace(old, new)), 1.0) is ConfigurationReason.MALFORMED


def test_document_types_and_entities_are_refused() -> None:
    laughs = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))
    for declaration in (
        "<!DOCTYPE overlay>",
        f'<!DOCTYPE overlay [<!ENTITY a0 "ha">{laughs}]>',
        '<!DOCTYPE overlay SYSTEM "file:///etc/passwd">',
    ):
        document = NEXT.document.replace(b"?>\n", b"?>\n" + declaration.encode(), 1)
        assert accept(CURRENT, document, 1.0) is ConfigurationReason.MALFORMED
    other = NEXT.document.replace(b'encoding="UTF-8"', b'encoding="ISO-8859-1"')
    assert accept(CURRENT, other, 1.0) is ConfigurationReason.MALFORMED


def test_foreign_elements_are_passed_over() -> None:
    foreign = "<e:thing xmlns:e='urn:example' e:a='1'><e:more/>text</e:thing><no-ice>"
    taken = accept(CURRENT, edited(lambda blob: blob.replace("<no-ice>", foreign)), 1.0)
    assert taken == replace(BASIC, sequence=6)


@pytest.mark.parametrize(
    "new",
    [
        "<mandatory-extension>urn:example</mandatory-extension><no-ice>",
        "<required-kinds><kind-block><kind name='NEWS'><data-model>SINGLE</data-model><access-control>USER-MATCH"
        "</access-control><max-count>1</max-count><max-size>1</max-size></kind></kind-block></required-kinds><no-ice>",
    ],
)
def test_unsupported(new: str) -> None:
    document = edited(lambda blob: blob.replace("<no-ice>", new))
    assert accept(CURRENT, document, 1.0) is ConfigurationReason.UNSUPPORTED
    longer = edited(lambda blob: blob.replace("<node-id-length>16<", "<node-id-length>20<"))
    assert accept(CURRENT, longer, 1.0) is ConfigurationReason.UNSUPPORTED


def test_another_overlay() -> None:
    document = publish(replace(BASIC, overlay="other.example.org", sequence=9), SIGNER).document
    assert accept(CURRENT, document, 1.0) is ConfigurationReason.WRONG_OVERLAY
    assert adopt(document, OVERLAY, 1.0) is ConfigurationReason.WRONG_OVERLAY


def test_a_file_may_hold_several_overlays_but_ours_once() -> None:
    other = b'<configuration instance-name="other.example.net"/><signature>AAAA</signature>'
    before = NEXT.document.replace(b"<configuration ", other + b"<configuration ", 1)
    after = NEXT.document.replace(b"</overlay>", other + b"</overlay>")
    assert accept(CURRENT, before, 1.0) == accept(CURRENT, after, 1.0) == replace(BASIC, sequence=6)
    text = NEXT.document
    start, end = text.index(b"<configuration "), text.index(b"</configuration>") + len(b"</configuration>")
    twice = text.replace(b"</overlay>", text[start:end] + b"</overlay>")
    assert accept(CURRENT, twice, 1.0) is ConfigurationReason.MALFORMED


def test_not_newer() -> None:
    assert accept(CURRENT, CURRENT.document, 1.0) is ConfigurationReason.NOT_NEWER
    older = publish(replace(BASIC, sequence=4), SIGNER)
    assert accept(CURRENT, older.document, 1.0) is ConfigurationReason.NOT_NEWER


def test_bad_signature() -> None:
    """One byte more, even white space, and the signature is void."""
    for document in (
        NEXT.document.replace(b"<no-ice>", b"\n<no-ice>"),
        NEXT.document.replace(b"<initial-ttl>100", b"<initial-ttl>200"),
        NEXT.document.replace(b"<signature>", b"<signature>AAAA"),
        NEXT.document.replace(b"<signature>", b"<signature>*"),
        NEXT.document[: NEXT.document.index(b"<signature>")] + b"</overlay>",
        NEXT.document.replace(b"</signature>", b"AAAA</signature>"),
    ):
        assert accept(CURRENT, document, 1.0) is ConfigurationReason.BAD_SIGNATURE


def test_one_good_signature_of_several_is_enough() -> None:
    bad = b"<signature>AAAA</signature>"
    document = NEXT.document.replace(b"<signature>", bad + b"<signature>")
    assert accept(CURRENT, document, 1.0) == replace(BASIC, sequence=6)


def test_wrong_signer() -> None:
    eve = credential("eve")
    forged = publish(replace(BASIC, sequence=6, configuration_signers=eve.node_ids), eve)
    assert accept(CURRENT, forged.document, 1.0) is ConfigurationReason.WRONG_SIGNER


def test_a_signer_certified_by_the_new_documents_own_root_is_wrong() -> None:
    mine = Authority.create("Root", derive_key(8, "mine"), serial=1, not_before=-DAY, not_after=DAY)
    imposter = credential("signer", root=mine)
    forged = publish(replace(BASIC, sequence=6, roots=(mine.certificate,)), imposter)
    assert accept(CURRENT, forged.document, 1.0) is ConfigurationReason.WRONG_SIGNER


def test_a_signer_counts_only_while_his_certificate_does() -> None:
    old = credential("signer", not_after=100.0)
    document = publish(replace(BASIC, sequence=6), old).document
    assert accept(CURRENT, document, 99.0) == replace(BASIC, sequence=6)
    assert accept(CURRENT, document, 100.0) is ConfigurationReason.WRONG_SIGNER
    banned = replace(CURRENT, bad_nodes=SIGNER.node_ids)
    assert accept(banned, NEXT.document, 1.0) is ConfigurationReason.WRONG_SIGNER


def test_a_signer_on_the_list_of_revoked_certificates_is_wrong() -> None:
    block = kind_block(IANA_KINDS[1], SIGNER).encode()
    trust = CURRENT.trust()
    assert accept(CURRENT, NEXT.document, 1.0, trust=trust) == replace(BASIC, sequence=6)
    assert accept_kinds(CURRENT, [block], 1.0, trust=trust) == (IANA_KINDS[1],)
    revoked = sign_list(derive_key(7, "authority"), ROOT.certificate, [4], number=1, now=0.0, lifetime=DAY)
    assert trust.revocations.take(revoked, 1.0)
    assert accept(CURRENT, NEXT.document, 1.0, trust=trust) is ConfigurationReason.WRONG_SIGNER
    assert accept_kinds(CURRENT, [block], 1.0, trust=trust) is ConfigurationReason.WRONG_SIGNER


def test_the_signer_is_named_by_the_present_document() -> None:
    """A hand-over: the old signer names the new one, who signs from then on."""
    heir = credential("heir")
    hand_over = publish(replace(BASIC, sequence=6, configuration_signers=heir.node_ids), SIGNER)
    taken = accept(CURRENT, hand_over.document, 1.0)
    assert isinstance(taken, Configuration)
    third = replace(BASIC, sequence=7, configuration_signers=heir.node_ids)
    assert accept(taken, publish(third, SIGNER).document, 1.0) is ConfigurationReason.WRONG_SIGNER
    assert accept(taken, publish(third, heir).document, 1.0) == third


def test_kinds_need_a_kind_signer() -> None:
    eve = credential("eve")
    kinds = (replace(IANA_KINDS[1], max_count=1),)
    current = replace(CURRENT, kind_signers=eve.node_ids)
    document = publish(replace(BASIC, sequence=6, kinds=kinds), SIGNER).document
    assert accept(current, document, 1.0) is ConfigurationReason.WRONG_SIGNER
    assert accept(CURRENT, document, 1.0) == replace(BASIC, sequence=6, kinds=kinds)


def test_kinds_by_themselves() -> None:
    private = KindSpec(0xF0000001, "kind-4026531841", DataModel.ARRAY, AccessPolicy.NODE_MULTIPLE, 22, 4, 3)
    block, other = kind_block(private, SIGNER).encode(), kind_block(IANA_KINDS[1], SIGNER).encode()
    assert accept_kinds(CURRENT, [block, other], 1.0) == (private, IANA_KINDS[1])
    assert accept_kinds(CURRENT, [], 1.0) == ()
    forged = kind_block(private, credential("eve")).encode()
    for bad, reason in (
        (forged, ConfigurationReason.WRONG_SIGNER),
        (block.replace(b"ARRAY", b"SINGLE"), ConfigurationReason.BAD_SIGNATURE),
        (block.replace(b"ARRAY", b"TREE"), ConfigurationReason.UNSUPPORTED),
        (block + block, ConfigurationReason.MALFORMED),
        (b"</overlay><overlay>", ConfigurationReason.MALFORMED),
        (b"<!DOCTYPE a>" + block, ConfigurationReason.MALFORMED),
        (b"", ConfigurationReason.MALFORMED),
    ):
        assert accept_kinds(CURRENT, [block, bad], 1.0) is reason


def test_a_new_root_is_followed() -> None:
    fresh = Authority.create("Fresh", derive_key(8, "fresh"), serial=1, not_before=-DAY, not_after=30 * DAY)
    newcomer = credential("newcomer", root=fresh)
    trust = CURRENT.trust()
    assert trust.check(newcomer.certificate, now=1.0) is LinkReason.UNKNOWN_CA
    taken = accept(CURRENT, publish(replace(BASIC, sequence=6, roots=(fresh.certificate,)), SIGNER).document, 1.0)
    assert isinstance(taken, Configuration)
    taken.instruct(trust)
    assert isinstance(trust.check(newcomer.certificate, now=1.0), Certificate)
    assert trust.check(SIGNER.certificate, now=1.0) is LinkReason.UNKNOWN_CA


def test_a_registered_kind_keeps_its_model_and_policy() -> None:
    odd = replace(IANA_KINDS[1], model=DataModel.SINGLE, access=AccessPolicy.USER_MATCH, max_count=1)
    taken = accept(CURRENT, publish(replace(BASIC, sequence=6, kinds=(odd,)), SIGNER).document, 1.0)
    assert isinstance(taken, Configuration)
    assert taken.kinds == (replace(IANA_KINDS[1], max_count=1),)


def test_expired() -> None:
    document = publish(replace(BASIC, sequence=6, expiration=50.0), SIGNER).document
    assert accept(CURRENT, document, 49.9) == replace(BASIC, sequence=6, expiration=50.0)
    assert accept(CURRENT, document, 50.0) is ConfigurationReason.EXPIRED


def test_the_first_document_is_signed_by_whom_it_names() -> None:
    assert adopt(CURRENT.document, OVERLAY, 1.0) == BASIC
    assert adopt(publish(BASIC, credential("eve")).document, OVERLAY, 1.0) is ConfigurationReason.WRONG_SIGNER


def test_a_sequence_that_the_header_cannot_carry() -> None:
    with pytest.raises(LocalProtocolError):
        publish(replace(BASIC, sequence=0xFFFF), SIGNER)


def test_a_signer_with_several_node_ids() -> None:
    key = derive_key(7, "twin")
    ids = (NodeID(b"\x21" * 16), NodeID(b"\x22" * 16))
    user = f"twin@{OVERLAY}"
    der = ROOT.issue(
        key.public_key(), node_ids=ids, user=user, overlay=OVERLAY, serial=8, not_before=0, not_after=DAY
    )  # fmt: skip
    twin = Credential(node_ids=ids, user=user, certificate=der, private_key=key)
    document = publish(replace(BASIC, sequence=6), twin).document
    assert accept(replace(CURRENT, configuration_signers=ids[:1]), document, 1.0) == replace(BASIC, sequence=6)
    assert accept(replace(CURRENT, configuration_signers=ids[1:]), document, 1.0) is ConfigurationReason.WRONG_SIGNER


def test_revocation_by_configuration_reaches_who_takes_it() -> None:
    provider = Provider(OVERLAY, seed=7, rng=random.Random("7:enrollment"))
    alice = provider.enroll("alice", 0.0)
    informed, uninformed = provider.trust(), provider.trust()
    before = provider.configuration
    after = accept(before, provider.revoke(alice.node_id, 5.0).document, 5.0, cache=provider.cache)
    assert isinstance(after, Configuration)
    assert after.bad_nodes == alice.node_ids
    after.instruct(informed)
    assert informed.check(alice.certificate, now=6.0) is LinkReason.REVOKED
    assert isinstance(uninformed.check(alice.certificate, now=6.0), Certificate)
    assert after.trust().check(alice.certificate, now=6.0) is LinkReason.REVOKED


def test_the_operator_renews_his_own_certificate() -> None:
    provider = Provider(OVERLAY, seed=7, rng=random.Random("7:enrollment"))
    first = provider.configuration
    second = provider.revise(29 * DAY, initial_ttl=50)
    taken = accept(first, second.document, 31 * DAY)
    assert taken == second
    assert isinstance(taken, Configuration)
    assert (taken.sequence, taken.initial_ttl) == (2, 50)


def test_a_provider_repeats_itself() -> None:
    made = [Provider(OVERLAY, seed=7, rng=random.Random("7:enrollment")) for _ in range(2)]
    assert made[0].configuration.document == made[1].configuration.document
    first, second = (provider.enroll("alice", 1.0) for provider in made)
    assert (first.certificate, first.key_pem()) == (second.certificate, second.key_pem())
    assert first.user == ALICE


DOCUMENT = publish(FULL, SIGNER).document


@settings(max_examples=300)
@given(st.integers(0, len(DOCUMENT) - 1), st.integers(1, 255))
def test_no_altered_document_is_taken_for_another(at: int, flip: int) -> None:
    altered = bytearray(DOCUMENT)
    altered[at] ^= flip
    taken = accept(CURRENT, bytes(altered), 1.0)
    # What lies outside the signed element may change, and the meaning never does.
    assert isinstance(taken, ConfigurationReason) or taken == FULL


@given(st.binary(max_size=300))
def test_rubbish_is_malformed(data: bytes) -> None:
    assert parse(data, OVERLAY) is ConfigurationReason.MALFORMED
