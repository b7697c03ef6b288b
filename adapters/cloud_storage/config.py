"""Settings of one bucket."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from adapters.base.secrets import Secret
from adapters.base.spec import AccountConfig

_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9-]*-[0-9]+")
_REGION: Final = re.compile(r"[a-z]+(-[a-z0-9]+)+")


class CloudStorageConfig(AccountConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One COS bucket (存储桶) and the key that may use it.

    Attributes:
        base_url: left empty it becomes the bucket's own host, ``https://<bucket>.cos.<region>.myqcloud.com``;
            set it for a custom origin domain (自定义源站域名) or the sandbox. Signatures cover its host.
        bucket: the full name with the app id, ``<name>-<APPID>``.
        region: such as ``ap-shanghai``.
        secret_id: SecretId of a sub-account; it is visible in presigned URLs and is no secret.
        secret_key: SecretKey that belongs to it.
        sts_url: where temporary keys (临时密钥) are asked for; the sandbox sets it.
    """

    base_url: str = ""
    bucket: str
    region: str
    secret_id: str
    secret_key: Secret
    sts_url: str = "https://sts.tencentcloudapi.com"

    def __post_init__(self) -> None:
        """Check the shapes that would otherwise show as a puzzling DNS failure."""
        if not _BUCKET.fullmatch(self.bucket):
            raise ValueError(f"bucket is {self.bucket!r}: give the full name that the console shows, <name>-<APPID>")
        if not _REGION.fullmatch(self.region):
            raise ValueError(f"region is {self.region!r}: give a COS region such as ap-shanghai")
        if not self.secret_id or not self.secret_key:
            raise ValueError("secret_id and secret_key must both be set: create them in the CAM console")
        if not self.base_url:
            msgspec.structs.force_setattr(self, "base_url", f"https://{self.virtual_host}")

    @property
    def app_id(self) -> str:
        """The APPID, which ends the bucket's name."""
        return self.bucket.rpartition("-")[2]

    @property
    def virtual_host(self) -> str:
        """The bucket's own host name, by which other requests name it, wherever ``base_url`` points."""
        return f"{self.bucket}.cos.{self.region}.myqcloud.com"

    @property
    def external_id(self) -> str:
        """The bucket's full name."""
        return self.bucket
