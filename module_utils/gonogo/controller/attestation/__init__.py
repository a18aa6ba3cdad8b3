"""A verdict that others can verify: statements of in-toto, signed with the gate's key.

==============  =================================================================================
`keys`          the private key of a gate, and the public keys that an inventory trusts
`envelope`      DSSE: what is signed, and what of an envelope is believed
`statements`    what is stated about a run: from its evidence and its verdict alone
`attested`      whether one of the trusted keys has attested a verdict
==============  =================================================================================
"""

from __future__ import annotations

from .attested import require_attested
from .keys import PrivateKey, PublicKey, private_key, public_key_of, public_keys
from .statements import FILE, attestation

__all__ = [
    "FILE",
    "PrivateKey",
    "PublicKey",
    "attestation",
    "private_key",
    "public_key_of",
    "public_keys",
    "require_attested",
]
