"""Settings of one account."""

from __future__ import annotations

from adapters.base.secrets import Secret
from adapters.base.spec import AccountConfig


class SampleConfig(AccountConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where each value is found in the platform's console.

    Attributes:
        client_id: the account's id at the platform.
        client_secret: its secret, for the client-credentials grant.
    """

    base_url: str = "https://sample.invalid"
    client_id: str
    client_secret: Secret

    @property
    def external_id(self) -> str:
        """The client id."""
        return self.client_id
