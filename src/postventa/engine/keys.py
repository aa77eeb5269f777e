"""Names made from a secret: a guest's id from an address, an erased person's marker, a reward's generated code.

All are keyed hashes, never random: the same address is the same guest on every worker and after every restart. The
secret is kept in the store from the first start on, so that signing keys can be rotated without parting a guest from
what was already bought.
"""

from __future__ import annotations

from base64 import b32encode
from functools import lru_cache
from hashlib import blake2b

from postventa.store.base import Store

CONTROL = "identity_key"
GUEST = "guest:"


class Keys:
    """Hashes under one secret. Cheap enough to be called for every event."""

    __slots__ = ("_code", "_guest", "_marker", "guest")

    def __init__(self, secret: bytes) -> None:
        self._guest = blake2b(b"guest/1" + secret, digest_size=32).digest()
        self._marker = blake2b(b"erased/1" + secret, digest_size=32).digest()
        self._code = blake2b(b"code/1" + secret, digest_size=32).digest()
        self.guest = lru_cache(4096)(self._guest_of)  # asked for several times for each event
        """The customer id of a guest, and the alias of the address once it belongs to an account."""

    def _guest_of(self, email: str) -> str:
        return GUEST + blake2b(normal(email).encode(), key=self._guest, digest_size=16).hexdigest()

    def marker(self, kind: str, value: str) -> str:
        """What stays of an erased id ("id"), address ("email") or order ("order"): no way back to the value."""
        return blake2b(f"{kind}\0{value}".encode(), key=self._marker, digest_size=16).hexdigest()

    def code(self, prefix: str, effect_id: str) -> str:
        """The generated code of one effect's reward: ten signs without 0, 1, 8 and 9, for ever the same."""
        raw = blake2b(effect_id.encode(), key=self._code, digest_size=10).digest()
        return prefix + b32encode(raw).decode()[:10]


def normal(email: str) -> str:
    """An address as it is compared: trimmed, in lower case."""
    return email.strip().lower()


async def load_keys(store: Store, secret: str) -> Keys:
    """The store's identity key. At the first start it is made from `secret` (the oldest signing key), and kept."""
    known = await store.views.control(CONTROL)
    if known is None:
        known = blake2b(b"identity/1" + secret.encode(), digest_size=32).hexdigest()
        async with store.transaction() as tx:
            await tx.set_control(CONTROL, known)
    return Keys(bytes.fromhex(known))
