"""One installation: its settings made into signers, click tokens and vaults.

This is what the extension, the command line and the collector have in common. It knows
nothing of Flask, so that a command can run where there is no app.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .access import links
from .access.click import ClickTokens
from .access.links import LinkSigner
from .access.sharing import Shares
from .config.customers import Customer
from .config.settings import Settings
from .private_files import make_folder
from .vault.folder import FolderStore
from .vault.objects import ObjectStore
from .vault.objects import StoreError
from .vault.vault import Cache
from .vault.vault import Vault


class UnknownCustomerError(LookupError):
    """A customer that the settings do not name."""


class Services:
    """What one set of settings comes to.

    :param settings: checked by :func:`flask_sipvault.config.settings.load`.
    :param cache: where parts and listings are kept between requests; none if None.
    """

    def __init__(self, settings: Settings, *, cache: Cache | None = None) -> None:
        self.settings = settings
        self._cache = cache
        self._vaults: dict[str, Vault] = {}
        self._vaults_lock = threading.Lock()
        signing = [each for each in settings.customers.values() if each.secrets]
        # Links start at /call: which address comes before it, the request decides.
        self._signers = {
            each.id: LinkSigner(each.secrets, customer_id=each.id) for each in signing
        }
        self.clicks = ClickTokens({each.id: each.secrets for each in signing})
        self.shares = Shares(settings.sharing, settings.customers, self.vault)

    def customer(self, customer_id: str) -> Customer:
        """The customer by its id.

        :raises UnknownCustomerError: naming those there are.
        """
        try:
            return self.settings.customers[customer_id]
        except KeyError:
            known = ", ".join(sorted(self.settings.customers))
            raise UnknownCustomerError(
                f"there is no customer {customer_id!r}; SIPVAULT_CUSTOMERS and"
                f" SIPVAULT_CUSTOMER_ID name: {known}"
            ) from None

    def path(self, call_id: str, customer_id: str, *, now: float | None = None) -> str:
        """A signed link from ``/call`` on, good for this hour and the next.

        :raises UnknownCustomerError: if there is no such customer.
        :raises flask_sipvault.access.links.CallIdError: if no link can be made for the
            Call-ID.
        """
        self.customer(customer_id)
        return self._signers[customer_id].url(call_id, now=now)

    def verify(
        self, call_hash: str, query: Mapping[str, Any], *, now: float | None = None
    ) -> tuple[str, str]:
        """The customer and the Call-ID of a link.

        :raises flask_sipvault.access.links.LinkError: see
            :meth:`flask_sipvault.access.links.LinkSigner.verify`.
        """
        return links.verify(self._signers, call_hash, query, now)

    def vault(self, customer_id: str) -> Vault:
        """Where this customer's calls are.

        :raises UnknownCustomerError: if there is no such customer.
        :raises StoreError: if its folder cannot be made or written to.
        """
        customer = self.customer(customer_id)
        with self._vaults_lock:
            if customer_id not in self._vaults:
                self._vaults[customer_id] = Vault(
                    self._store(customer),
                    customer_id=customer_id,
                    prefix=customer.prefix,
                    lookback_days=self.settings.lookback_days,
                    cache=self._cache,
                )
            return self._vaults[customer_id]

    def check_folders(self) -> None:
        """Make the vault's folders where they are missing, and see that they can be
        written to.

        A bucket is not asked: an S3 server that is down must not keep a CDR viewer
        from starting.

        :raises StoreError: naming the folder.
        """
        if isinstance(self.settings.store, Path):
            for customer in self.settings.customers.values():
                _folder_store(self.settings.store, customer, self.settings.store_mode)

    def _store(self, customer: Customer) -> ObjectStore:
        store = self.settings.store
        if isinstance(store, Path):
            return _folder_store(store, customer, self.settings.store_mode)
        # boto3 takes longer to load than all the rest, and folders do not need it.
        from .vault.s3 import S3Store

        return S3Store(
            customer.bucket,
            endpoint=store.endpoint,
            region=store.region,
            access_key=store.access_key,
            secret_key=store.secret_key,
        )


def _folder_store(folder: Path, customer: Customer, file_mode: int) -> FolderStore:
    """The customer's folder, made if it is missing."""
    try:
        make_folder(folder, file_mode=file_mode)
    except OSError as error:
        raise StoreError(f"cannot make {folder}: {error.strerror}") from error
    store = FolderStore(folder / customer.bucket, file_mode=file_mode)
    store.check()
    return store
