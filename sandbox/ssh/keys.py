"""The keys of an SSH server that is made to be thrown away, and of its one client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from sandbox.files import remove_private, write_private

if TYPE_CHECKING:
    from pathlib import Path

_HOST_KEY, _CLIENT_KEY = "host_key", "client_key"
_HOST_PUBLIC, _AUTHORIZED = "host_key.pub", "authorized_keys"
_KNOWN_HOSTS = "known_hosts"

_SSH_PORT = 22


@dataclass(frozen=True)
class Keys:
    """The files of both key pairs in one directory, readable by their owner only."""

    directory: Path

    @classmethod
    def generate(cls, directory: Path) -> Keys:
        """Make new keys. Raises: OSError when ``directory`` cannot be written."""
        keys = cls(directory)
        for private, public in (
            (keys.host_key, keys.host_public),
            (keys.client_key, keys.authorized),
        ):
            pair = Ed25519PrivateKey.generate()
            text = pair.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
            write_private(private, text.decode())
            line = pair.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
            write_private(public, f"{line.decode()}\n")
        return keys

    @property
    def host_key(self) -> Path:
        """The server's private key."""
        return self.directory / _HOST_KEY

    @property
    def host_public(self) -> Path:
        """The server's public key."""
        return self.directory / _HOST_PUBLIC

    @property
    def client_key(self) -> Path:
        """The private key to log in with."""
        return self.directory / _CLIENT_KEY

    @property
    def authorized(self) -> Path:
        """The public keys that may log in: one."""
        return self.directory / _AUTHORIZED

    @property
    def known_hosts(self) -> Path:
        """The client's list of servers, written by ``make_known``."""
        return self.directory / _KNOWN_HOSTS

    def make_known(self, host: str, port: int) -> None:
        """Tell the client that the server at ``host`` and ``port`` has this host key."""
        name = host if port == _SSH_PORT else f"[{host}]:{port}"
        write_private(self.known_hosts, f"{name} {self.host_public.read_text().strip()}\n")

    def remove(self) -> None:
        """Remove all of them."""
        for path in (
            self.known_hosts,
            self.client_key,
            self.authorized,
            self.host_key,
            self.host_public,
        ):
            remove_private(path)
