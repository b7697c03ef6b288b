"""Settings: read once, typed, and every mistake names the setting and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.settings import SettingsError, accounts, from_mapping, load

MASTER = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
ACCOUNT = {
    "appid": "wx0000000000000001",
    "secret": "s" * 32,
    "gh_id": "gh_0123456789ab",
    "callback_token": "t" * 20,
    "aes_key": "k" * 43,
}


def settings(**changes: Any) -> dict[str, Any]:
    return {"master_key": MASTER, "tools": {"official_account": {"accounts": {"main": ACCOUNT}}}} | changes


def account(**changes: Any) -> dict[str, Any]:
    return settings(tools={"official_account": {"accounts": {"main": ACCOUNT | changes}}})


def test_a_whole_configuration() -> None:
    made = from_mapping(settings())
    config = accounts(made)["official_account"].accounts["main"]
    assert config.external_id == "wx0000000000000001"
    assert config.base_url == "https://api.weixin.qq.com"
    assert accounts(made)["payments"].accounts == {}
    assert "s" * 32 not in repr(config)
    assert MASTER not in repr(made)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (settings(master_key=""), ("master_key is missing", "keys new")),
        (settings(prot=1), ("prot",)),
        (settings(port=70000), ("port is 70000", "65535")),
        (settings(checkout={"notify_base": "http://10.0.0.7"}), ("checkout.notify_base", "https")),
        (settings(reach={"monthly_messages": -1}), ("reach.monthly_messages is -1", "0 or more")),
        (settings(reach={"quiet_from": "22"}), ("reach.quiet_from", "22:00")),
        (settings(reach={"quiet_until": "24:00"}), ("reach.quiet_until", "22:00")),
        (account(base_url="http://10.0.0.7"), ("official_account.accounts.main.base_url", "https only")),
        (settings(port="8000"), ("$.port",)),
        (settings(clock_offset_seconds=5.0), ("clock_offset_seconds", "sandbox")),
        (settings(tools={"instagram": {}}), ("tools.instagram", "no such tool", "official_account")),
        (account(mode="SERVICE_PROVIDER"), ("tools.official_account.accounts.main.mode", "SERVICE_PROVIDER", "DIRECT")),
        (account(base_url="http://127.0.0.1:9000"), ("tools.official_account.accounts.main.base_url", "live")),
        (account(secret=7), ("tools.official_account.accounts.main", "secret")),
        (
            settings(tools={"official_account": {"accounts": {"main": {"appid": "wx1"}}}}),
            ("tools.official_account.accounts.main", "missing required field"),
        ),
        (settings(api_keys=[{"id": "a", "key": "short", "audience": "hq"}]), ("api_keys", "'a'", "16")),
        (
            settings(
                api_keys=[
                    {"id": "a", "key": "k" * 20, "audience": "hq"},
                    {"id": "a", "key": "l" * 20, "audience": "hq"},
                ]
            ),
            ("api_keys", "twice"),
        ),
        (settings(api_keys=[{"id": "a", "key": "k" * 20, "audience": "king"}]), ("audience",)),
    ],
)
def test_a_mistake_names_its_setting(values: dict[str, Any], words: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError) as caught:
        from_mapping(values)
    for word in words:
        assert word in str(caught.value)
    assert "k" * 20 not in str(caught.value)
    assert "s" * 32 not in str(caught.value)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(f'port = 9000\nhost = "0.0.0.0"\nmaster_key = "{MASTER}"\n', "utf-8")
    made = load(path, {"RETAIL_GATEWAY_PORT": "9100", "OTHER": "x"})
    assert (made.port, made.host) == (9100, "0.0.0.0")  # noqa: S104 — a setting, not a bind


@pytest.mark.parametrize(("content", "word"), [("port = ", "not valid TOML"), (None, "No such file")])
def test_an_unreadable_file(tmp_path: Path, content: str | None, word: str) -> None:
    path = tmp_path / "gateway.toml"
    if content is not None:
        path.write_text(content, "utf-8")
    with pytest.raises(SettingsError, match=word) as caught:
        load(path, {})
    assert str(path) in str(caught.value)


def test_a_wrong_port_in_the_environment() -> None:
    with pytest.raises(SettingsError, match="port"):
        load(None, {"RETAIL_GATEWAY_PORT": "http", "RETAIL_GATEWAY_MASTER_KEY": MASTER})
