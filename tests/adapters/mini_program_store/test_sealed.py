"""Published samples of sealed data and of a signature, from both sides."""

from __future__ import annotations

import json

import pytest

from adapters.base.secrets import Secret
from adapters.mini_program_store import open_sealed, raw_data_signed
from adapters.mini_program_store.sandbox.sealing import seal, sign_raw, unseal

# A profile, from the vendor's page.
APPID, KEY, IV = "wx4f4bc4dec97d474b", "tiihtNczf5v6AKRyjwEUhQ==", "r7BXXKkLb8qrSNn05n0qiA=="
SEALED = (
    "CiyLU1Aw2KjvrjMdj8YKliAjtP4gsMZMQmRzooG2xrDcvSnxIMXFufNstNGTyaGS9uT5geRa0W4oTOb1WT7fJlAC+oNPdbB+3hVbJSRgv+4l"
    "GOETKUQz6OYStslQ142dNCuabNPGBzlooOmB231qMM85d2/fV6ChevvXvQP8Hkue1poOFtnEtpyxVLW1zAo6/1Xx1COxFvrc2d7UL/lmHInN"
    "lxuacJXwu0fjpXfz/YqYzBIBzD6WUfTIF9GRHpOn/Hz7saL8xz+W//FRAUid1OksQaQx4CMs8LOddcQhULW4ucetDf96JcR3g0gfRK4PC7E/"
    "r7Z6xNrXd2UIeorGj5Ef7b1pJAYB6Y5anaHqZ9J6nKEBvB4DnNLIVWSgARns/8wR2SiRS7MNACwTyrGvt9ts8p12PKFdlqYTopNHR1Vf7Xjf"
    "hQlVsAJdNiKdYmYVoKlaRv85IfVunYzO0IKXsyl7JCUjCpoG20f0a04COwfneQAGGwd5oa+T8yO5hzuyDb/XcxxmK01EpqOyuxINew=="
)
# A phone number, masked, from the test of a public SDK.
PHONE_KEY, PHONE_IV = "YZJqKnNFi0KAiKUc0ggC2g==", "KEWv/gyiIwAfHvjrLeaX6w=="
PHONE = (
    "Gu2PVnxVWl+jK4F8c0liGxfkB5Bj3m5HRvwgEIk1Yb+36RZ3Bg7YmUnud/ooiHz0PQroipsH7GCjlGwUeT04NwmrFaP1y3dRYPLpS43ed9QZ"
    "WcFIFo+8vTs3Zco6S98DUvaNEAs8duhz/BzfBOZaIHMziRqEtPFI0ZDzCgJluBirJ6Wl3UkygZ5/QLo3KA53qGdip7K48Rq8XbCwuidTCw=="
)
# A signature, from the vendor's page.
RAW_KEY = "HyVFkGl5F5OQWJZZaNzBBg=="
RAW = (
    '{"nickName":"Band","gender":1,"language":"zh_CN","city":"Guangzhou","province":"Guangdong","country":"CN","a'
    'vatarUrl":"http://wx.qlogo.cn/mmopen/vi_32/1vZvI39NWFQ9XM4LtQpFrQJ1xlgZxx3w7bQxKARol6503Iuswjjn6nIGBiaycAjAt'
    'pujxyzYsrztuuICqIM5ibXQ/0"}'
)
SIGNED = "75e81ceda165f4ffa64f4068af58c64b8f54b88c"


def test_the_adapter_opens_the_published_profile() -> None:
    opened = open_sealed(APPID, Secret(KEY), IV, SEALED)
    assert (opened["openId"], opened["unionId"], opened["nickName"]) == (
        "oGZUI0egBJY1zhBYw2KhdUfwVJJE",
        "ocMvos6NjeKLIBqg5Mr9QjxrP1FA",
        "Band",
    )
    assert opened["watermark"] == {"timestamp": 1477314187, "appid": APPID}


def test_the_emulated_client_seals_the_published_profile() -> None:
    message = unseal(KEY, IV, SEALED)
    assert json.loads(message)["nickName"] == "Band"
    assert len(message) % 16 == 16 - 7
    assert seal(KEY, IV, message) == SEALED


def test_the_country_code_of_a_sealed_number_is_text() -> None:
    appid = json.loads(unseal(PHONE_KEY, PHONE_IV, PHONE))["watermark"]["appid"]
    opened = open_sealed(appid, Secret(PHONE_KEY), PHONE_IV, PHONE)
    assert (opened["countryCode"], opened["watermark"]["timestamp"]) == ("86", 1634545675)


@pytest.mark.parametrize(
    ("appid", "key", "iv", "data", "message"),
    [
        ("wx0000000000000000", KEY, IV, SEALED, "another appid"),
        (APPID, PHONE_KEY, IV, SEALED, "session key is not"),
        (APPID, KEY, IV, SEALED[:-4], "another length"),
        (APPID, "c2hvcnQ=", IV, SEALED, "another length"),
        (APPID, KEY, IV, "not base64!", "base64"),
        (APPID, KEY, IV, "", "another length"),
    ],
)
def test_what_was_sealed_otherwise_is_refused(appid: str, key: str, iv: str, data: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        open_sealed(appid, Secret(key), iv, data)


def test_the_published_signature_from_both_sides() -> None:
    assert sign_raw(RAW, RAW_KEY) == SIGNED
    assert raw_data_signed(RAW, Secret(RAW_KEY), SIGNED)
    assert not raw_data_signed(RAW + " ", Secret(RAW_KEY), SIGNED)
    assert not raw_data_signed(RAW, Secret(KEY), SIGNED)
