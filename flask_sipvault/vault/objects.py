"""What the vault asks of the place where its objects lie.

Little, so that every S3 server and every file system can give it: no conditional
writes (rclone overwrites silently, Swift lets several win), no metadata, no key that is
a folder of another. An object's name says its content, so writing it twice is harmless.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

#: Larger objects are none of ours: no part unpacks to more than 256 MiB.
MAX_OBJECT = 260 << 20


class StoreError(Exception):
    """The store cannot be reached, or refuses; there is no telling what it holds.

    The message is for the operator: what is wrong and what to do, and no secret.
    """


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as a listing shows it.

    :param size: in bytes.
    :param etag: changes when the content does.
    """

    key: str
    size: int
    etag: str


class ObjectStore(Protocol):
    """Named bytes in a folder or a bucket. Safe to use from several threads."""

    @property
    def location(self) -> str:
        """Where the objects lie: for messages, and to tell one store from another."""

    def list(self, prefix: str, start_after: str = "") -> list[StoredObject]:
        """All objects whose key begins so and comes after, in order of their keys.

        :raises StoreError: if they cannot be listed.
        """

    def get(self, key: str) -> bytes | None:
        """The object's bytes; None where there is no such key.

        :raises StoreError: if it cannot be read, or is over :data:`MAX_OBJECT`.
        """

    def put(self, key: str, data: bytes) -> None:
        """Write the object, whole or not at all.

        :raises StoreError: if it cannot be written.
        """

    def put_all(self, objects: Mapping[str, bytes]) -> None:
        """Write several objects by their keys, each whole or not at all, sooner than
        one after the other.

        :raises StoreError: if one cannot be written; then others may be, or not.
        """

    def delete(self, key: str) -> None:
        """Remove the object; nothing happens where there is none.

        :raises StoreError: if it cannot be removed.
        """

    def check(self) -> None:
        """See whether the store is there and lets us in.

        :raises StoreError: with a remedy, if it is not.
        """
