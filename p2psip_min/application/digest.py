"""Logging in with a password that does not travel: digest access authentication with SHA-256 (RFC 7616, RFC 8760)."""

from __future__ import annotations

import hashlib
import hmac
import re

_PARAMETER = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,"]+))')


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def secret(user: str, realm: str, password: str) -> str:
    """What the server keeps in place of the password (RFC 7616 §3.4.2)."""
    return _hash(f"{user}:{realm}:{password}")


def challenge(realm: str, nonce: str) -> str:
    """The value of WWW-Authenticate."""
    return f'Digest realm="{realm}", nonce="{nonce}", algorithm=SHA-256, qop="auth"'


def parameters(header: str) -> dict[str, str]:
    """The parameters of a Digest header; empty for another scheme."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "digest":
        return {}
    return {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(rest)}


def _response(kept: str, nonce: str, client_nonce: str, method: str, uri: str) -> str:
    return _hash(f"{kept}:{nonce}:00000001:{client_nonce}:auth:{_hash(f'{method}:{uri}')}")


def authorization(header: str, user: str, password: str, client_nonce: str, method: str, uri: str) -> str:
    """The value of Authorization that answers a challenge."""
    asked = parameters(header)
    realm, nonce = asked.get("realm", ""), asked.get("nonce", "")
    response = _response(secret(user, realm, password), nonce, client_nonce, method, uri)
    return (
        f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", algorithm=SHA-256, '
        f'qop=auth, nc=00000001, cnonce="{client_nonce}", response="{response}"'
    )


def proves(header: str, kept: str, nonce: str, method: str) -> bool:
    """Whether an Authorization header answers ``nonce`` with the password behind ``kept``."""
    said = parameters(header)
    if said.get("nonce") != nonce or said.get("nc") != "00000001" or said.get("qop") != "auth":
        return False
    expected = _response(kept, nonce, said.get("cnonce", ""), method, said.get("uri", ""))
    return hmac.compare_digest(said.get("response", "").encode(), expected.encode())
