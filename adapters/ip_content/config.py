"""Settings of one licensee's access to its licensing department."""

from __future__ import annotations

from adapters.base.secrets import Secret
from adapters.base.spec import AccountConfig


class IpContentConfig(AccountConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One account: the brand as a licensee.

    Attributes:
        base_url: the brand's own rights service; there is no public host, so the default never resolves.
        client_id: of the client-credentials grant.
        client_secret: of the client-credentials grant.
        licensee: party id of the brand in the rights service; a catalogue made for another party is refused.
    """

    base_url: str = "https://licensing.invalid"
    client_id: str
    client_secret: Secret
    licensee: str

    @property
    def external_id(self) -> str:
        """The party id."""
        return self.licensee
