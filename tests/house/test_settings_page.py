"""The example of docs/settings.md is a settings file that the gateway takes."""

from __future__ import annotations

import re
import tomllib

from gateway.settings import accounts, from_mapping
from scripts.checks.source import ROOT


def test_the_example_is_read() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/settings.md").read_text("utf-8"), re.DOTALL)

    settings = from_mapping(tomllib.loads(example))

    assert settings.environment == "live"
    assert [level.name for level in settings.levels] == ["普卡", "银卡"]
    found = accounts(settings)
    assert found["official_account"].accounts["main"].base_url == "https://api.weixin.qq.com"
    assert found["cloud_storage"].accounts["members"].external_id == "members-1250000000"
    assert found["payments"].accounts == {}
