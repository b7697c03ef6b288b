"""Test vectors: the vendor's sample key, printed in its signing guide (4012365336), and what it signs.

S1, S2, S9 and S10 are printed in the guide; the others were computed with a public SDK.
"""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

_KEY = (
    "MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQCm2mb6q8gMKH/3CNTbpJAIrbqiBiQGEOtjGcBr"
    "DYltsGynWgNscqT7WvfzU14FQbYcQUC5T4Wvva7mi3fIp3OgX8VqMDNA0qebnr38Pe6kqiLyZgFpJPXlSKDyPyqh"
    "RbVTbXssvSMQeVKcdXeVxoNNeoOlNFHgF/P0io6AmAVnz+hN8SiZKuOsth5/zUTLGvtkgxBcQooQrtXhRcpLT798"
    "OyIb9xeJ2HO3xRtMv2+perEzb4gMibI74UBz+2QEbnkubPE+2jU2rRZudnNEz/BPOt3Qj/w2V6/G0VumGDh6+UeM"
    "U0jv4aupHztWITC4Akn0l7lBCNy3lgl8VFaJnkIxAgMBAAECggEAYGL8aESB7NwciDWW2UdoWUsa7GxFtSdjAz2m"
    "FXGdeTsYmVh7b9OOkRGM+Qio4LqEHDBp1mMk5E/cUJwy1zw8pGGO5nfvs7u9TT3XnHaefIs4YvUgTYAneIuLRkXN"
    "N5rQU+CD7mVYczTSz0Vgjqo9wa1LjUz7G0xbBmJgTdMEFGJseJjy6AbJo0CGIwp6HJbTm4CmOUgXnnDAIbEGTIRI"
    "mkZFH/rzneIeR7oZ77FVwxr1CZB2gfRCov/yRPbw8vnryYkmvQ7D/ze3j5097vRg/MoDGBSdoOwcmo75vyofr0AS"
    "zytMjmHYyifqkf5slPropSiJeGf4p/7gtKyF6dE/XQKBgQDVAlJ+4U5ZVGOuDc3+sAhz8CTzgFNlq9vKuSoFK6hO"
    "z2L+cwj+E7NXGkOe2DsHHZNy2Xqxk7caKhPEp1z9hhpMpyLVMoFt6CKemyoRBWDCQwLLwem9SZF/IAyovBkLiH36"
    "P42Jm26gUkNMKC/5Zhtqxf6RZgRQzbVudJi47vIRCwKBgQDIh0+v27Oo+DM3fhObH4I1NrXpWOEGH7OQG1dEsMuF"
    "YF4hjGhg0kBEP3w9vVdl2+mRllZKTsx9oqjb8OibPLLIH8xsdbAB0WLfJvjLu4wl/ILUzN1RI03dWnnv2EnEeQn6"
    "c3hizvrJ9wR5U4ue9RPVnQooJ0hZF1PUuCL5fWK3MwKBgElReU/PAYbh80WP3t3Rfbdaa32dKBeQ5iCLR5lsA4zM"
    "+YgX1HqQEWTj126vgvHaDkyz6vWAoL/Sx+cirHFfXWIRDX5Q2hgYlQH+6qXdMgbrxeSYpHnQ/tHBGFpkFELSAnrG"
    "sVMyOwvYBO4LzyeLK9i+ufcWJFoj1FVmsMLHDG8tAoGARdbiiQQCoYG4DMarO2aQ6cmhN6EN1h0qY7EyBqlwaIZ0"
    "okiNfdMcMOjPc41DKCWcRmlOqlihXcxN9TQFPzO3rH1urAOdBjUPs1qWYhZyrDQyuLyVBBJApyxAtajloDjrob+f"
    "mQIvVDHk7ACN6xG+E7K6+9salnTKbJapD618uQMCgYBNy6XUvzLkP/A1U/UZdtcxl8GwU/dturLxz4CyGbqDw4ub"
    "aYY2e13lnqHUqQgPtiSyH51nq3tdo8G0YAJdfkSvKvnfslW91fyEBUKnkdW1o3/1UFU/wprZ7ixVL/F42A4xDu7O"
    "FE8EnweJOZ0jWceEOdhCkaIGBCfRnlECRK8UyQ=="
)


def _load() -> RSAPrivateKey:
    key = load_der_private_key(base64.b64decode(_KEY), password=None)
    assert isinstance(key, RSAPrivateKey)
    return key


KEY = _load()
KEY_PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
SPKI_SHA256 = "0076df9361cc1f5744359234d7df9fd43442cf369fb98826562f1d10a347ec5c"
MCHID = "1900007291"
SERIAL = "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB"
TIMESTAMP = "1554208460"
NONCE = "593BEC0C930BF1AFEB40B4A08C8FB242"

S1_BODY = (
    '{"appid":"wxd678efh567hg6787","mchid":"1900007291","description":"Image形象店-深圳腾大-QQ公仔","o'
    'ut_trade_no":"1217752501201407033233368018","notify_url":"https://www.weixin.qq.com/wxpa'
    'y/pay.php","amount":{"total":100,"currency":"CNY"},"payer":{"openid":"oUpF8uMuAJO_M2pxb1'
    'Q9zNjWeS6o"}}'
)
S6_BODY = (
    '{"out_trade_no":"SR20260131000001","out_refund_no":"RF20260131000001","reason":"七天无理由","'
    'amount":{"refund":2500,"total":10000,"currency":"CNY"}}'
)

#: name → (method, target, body, signature).
REQUESTS = {
    "S1": (
        "POST",
        "/v3/pay/transactions/jsapi",
        S1_BODY,
        (
            "jnks4dlrPw3ZX+ozVvSK39oa0t7OMBsg83BHAwd8BRdUFiVaQNTLTvci+wURgP1OQBbKYhFGvt7iqYpDSTQk"
            "p7Uq1sltaQKyncCyrA1g88m5bsKERQfPyT0ahSwKTYJ1CAn9QiJuSJRq1QsQs07eehbU/k9BCS51jTyc1Jps"
            "i2H77HF9f/BnjXAOP3/sPObg6V5Ee4EzwLox684hhuMuIwHo7D8KFk3LIHOKDcNI4It1aCXydFWNpNK+SG86"
            "VUDe5kwoDpw4Ulqfu9z8OFDGbDs9TCxEv8iqQzbpxOlEVoOe2kalSYM5kApQb3nZcxdUtoE0liJGW3RGUNE0"
            "t4v01A=="
        ),
    ),
    "S2": (
        "GET",
        "/v3/refund/domestic/refunds/123123123123",
        "",
        (
            "Lc9VXxmeonkdV8Xk9tmigQFLhl0vRWTerdmoRu01aAnYwIrD/5nsSwE1WlmZGLRlAFTNQ3QsMa0+VRDlJp1W"
            "p5p0nO8EK68b5sJBbjouxaFciIfq1zfDWWz+jqhcMoKXI1A6dPm1AW7D4d30WsMTNzp6g23OXakIsh9LO3lU"
            "mwvTuE0BY8ncf6tNGk4wKmvXwERd/ZpoQY3MAVKz+Nakwc+2XBmzT66KcUehU5kr4IvGa/lEU5RZb/q00zP9"
            "VLdBhC/jQSX3X1UcJLCtEc4gTmib4tnmAT+bHF/e17ZAuxDNcx6rqT8gNEXqaJGG+1OflMSTU2tpyG65G4dM"
            "KdFcoA=="
        ),
    ),
    "S3": (
        "GET",
        "/v3/certificates",
        "",
        (
            "JNEITrKv8DWEtBJGZtxG9ARa+eIZDIn1Ht3MQM5j9jP77TtHdfCqLjpwevfWftBuaGMfEdiu2sWYtLvnZIoL"
            "W3FH10OVCBzKncid5xClTwav8JX+uDeGBBX8w64iHvFyuQj8ukZT+F1AFJii8hmXLD8Os90thnL0bfJYLo/4"
            "K237TH4dEd44NTH9ElFb/ykrvv9RBs+mCNpy5IUe2Qxhba3d3RiMqhWK2sSr3tsVzQihJ0TPMnjWqoU2W5Y/"
            "v3rBFDmLhqe0ZW6A4vyvjmiR0v/8XEI25Py4PNyZXszsdl4j0zLqelUJxGEMUBhYg1LIoDPjYMlA9HV1yKD6"
            "+JYZJA=="
        ),
    ),
    "S4": (
        "GET",
        "/v3/pay/transactions/out-trade-no/1217752501201407033233368018?mchid=1900007291",
        "",
        (
            "cVvdVujlEmASmAYpcmKXmIrlQualKxd87f8XZtnTeLCw3V7kZ1ST6YwX0kSLsqJeecZqmKJfd6ieRl/hRLZU"
            "odxXU1NzoTz1OXNh6TzBfcxU8xRNFbmPiEHwMJM7Jo52TYGk71MaCbvkPlUpUL6WhpmAgfC7jg/3IcA/UILb"
            "by4Nro0Nbq0An/DYEEp8vZMaags/5ed52JpGqxEOcTLIuqihy+Amy5z+t8m3a93YTRNDRi0W5b332UQBtrWR"
            "SwJOMU96Nof7hJC2MM71Y1bHB8YP8kBKaoDW7vEoNsEMVzkyp0pyjUHFWc6yaRVHE054z79S2koj3jSRbCiY"
            "+CaJzg=="
        ),
    ),
    "S5": (
        "POST",
        "/v3/pay/transactions/out-trade-no/1217752501201407033233368018/close",
        '{"mchid":"1900007291"}',
        (
            "P07HGWiMaJOltVF73HduLS9BRHZgDNu9vz6W34MvVxtX6wF7x4DukPqSYsKm1rcJ0ZGbdNZnYy4uFR/ghWB2"
            "Jr+m4wHI61IkZMKLZSO6mTycv9hrr/GSGhNgCqme+yGjonosG6p5RN9dgn2O/1SL7k3uP6639dWs2mGwBDSd"
            "/TfGI1250II3UFxdH1wUTUyJx0nIaJKnsS8JcFkv/yL1HJlM7bg+xoMLQU500RB4DPn6hG3luz4XDobPc49g"
            "T6jBxNCviFaPEanGXhW3NKe3dKBvDAsAcSTbEwI1kF2BOx8B0QTtS7FKRZ246KHDjsy5t4GWXztLdAZWIVVV"
            "VZDZEQ=="
        ),
    ),
    "S6": (
        "POST",
        "/v3/refund/domestic/refunds",
        S6_BODY,
        (
            "o/SUDv3gLa2yzsXRaWvdXYiKRoJ926LuoyDw+BzVDWFambCrtzyPp6lo5v6buIo1H+ZEJ4Gym27+8ln29ow+"
            "lp6r+LR5kylD8bRnSyGdff0wnfRbgQApmaOxmMZTd+QsfLXxy8DiFq9ZesVx5inLj25KpuWHFNov4hgWG5jN"
            "/ViHQeCAtq7XgrUi49e9dct6bZS2pL9g42O00ooeaf5CVd4nCknyd+oCk45rjtT/bN7r+HhAAIhnZsDBGyr9"
            "6IMnokEykwBuwlte+8mnUHBVCERs7vmB9H73Y8dLFNHV9EGhWV4V8kK4iVHEPJMEDfJFS6kxCxq37KcmtH8P"
            "0BQlUA=="
        ),
    ),
    "S7": (
        "GET",
        "/v3/pay/transactions/out-trade-no/SR%7C20260131%2A1?mchid=1900007291",
        "",
        (
            "FKlGIpaq+MhPOnxBNv5hQxpeu6X3IogmyNVdWTDIJO02if+1eCKBYy9DwJ2Xwrzjklse8eiRiZEY0K3NCuba"
            "xqCz4WislEaoNWsTCeB1KvcszmUs4Pa8WMt3upj/IwtbbRSrn2XKCHZKlXa1tZp+lS82JxFzW6DEI9vTcZWu"
            "QYSsukxiK4bu7PBKcJvmjRf8+zj6Aj8qkkPI4Gffe0lSR/gMaivtl65alR28iC26aXsI4o4TfzwDdkX63YGK"
            "ZzrrvjgMweHpbeUQ0bnDwsnfsN7/YZiMheATM9QdUk3Y8sNTQ96RENXs3MP6Y1DPmVrh1JaFnk2b7YtRtnRl"
            "3bkN7w=="
        ),
    ),
    "S8": (
        "POST",
        "/v3/fund-app/mch-transfer/transfer-bills/out-bill-no/TB20260131000001/cancel",
        "",
        (
            "MDEZ6abplzlz7V6qfEaNe1Q+NLMAExWY5tV1cMTXbfpMXMyewT9cURzvxXcr5QgiCitfKJYYmrQyJ1jCFa+8"
            "suOjMr41fT4UsBkmxCrRe5KvtqvaYFTf4rb0sBrn7Czg/aiR0C0p5CefhrTVKlS4/A+1oWWzNd+PM4godBwZ"
            "Om8k7MJqbpLRs56gYweWXZOY7kr+LdouA8CC1uaW+LgE2hgGw6bMv3C04/KK4RUCBGWSf7c0DTvqeJh7tYYS"
            "vGw8GXuVY8fzsfyqLYA3LnmNeq6RC/+Hc6dLSZ0buk+VVX683l1KHE2IE+gkV8vr8YlG7pAam0qrXDPair2g"
            "0arOJw=="
        ),
    ),
}

#: name → (appid, package or bare prepay id, signature).
CLIENT = {
    "S9": (
        "wx2421b1c4370ec43b",
        "prepay_id=wx201410272009395522657a690389285100",
        (
            "mI35pfNEQV6777ke/1T+LJLQDNTm7yeoUJH+j/adPGhmCCi0PbgkvYQTRcXH0uibcLVtvFLdGLpmoYO9FV6l"
            "BBsTAjuhh5YOvQi0e2g3e0yytitiNET9FEuqM0pjnKfRW4K6LIZDdbWJv9KhZUx3DrJa5TL7OJ7VdADVivxV"
            "ySIlPVKjGwuCXzuXSJes0UcILgWQUMyha5/3nYofuHtS7r+KYyMuxD+oJ9VM1Qdxk4UIG59CP5Y3wtYIFyby"
            "F3bdu1caHTRRX+DLyMXyYA/IrTmiW01c4RPjpHBX5Dk1sZyY1zVsWNsvMHr2e1NTWtBxKJ+qk5N61J7caYoe"
            "pHFaxw=="
        ),
    ),
    "S10": (
        "wx2421b1c4370ec43b",
        "wx201410272009395522657a690389285100",
        (
            "gXx9KhTP6IooKV1SuG3OCGlBIgZbKtubCZvnau6khw1iffvNT28IzLbKmztq2xA/RCNbZa1XOsoiuVmAEeTZ"
            "QicWfhv4P+O4oBRIrx0X9f3cnWFkMBU9alTWs0nyQ1N9fcILOTe0f4kxOhVh+/Xhn5hOiUK7Sz3XA1mcpa3R"
            "2NCWf/e+0ow/RDf15iTymOHgDrEkT/gedg/3E0iXfDX3mFicSZhrHESZDOTXcl9RzELREBUFznd/o2NQM99W"
            "cL86m23HY0cTy+QGWU4QDmNrbQ9ihmLW71qPb0Cx/d7EQvw/Kyx0A6s64ZQp3hHdcmiRcLnjVXrKCk7LShaC"
            "K+lS3Q=="
        ),
    ),
}

APIV3_KEY = "0123456789abcdefGHIJKLMNOPQRSTUV"
P3 = (
    '{"transaction_id":"4200001234202601310123456789","amount":{"payer_total":9900,"total":10'
    '000,"currency":"CNY","payer_currency":"CNY"},"mchid":"1900007291","trade_state":"SUCCESS'
    '","bank_type":"OTHERS","success_time":"2026-01-31T10:20:30+08:00","payer":{"openid":"oTe'
    'stOpenid0000000000000001"},"out_trade_no":"SR20260131000001","appid":"wx2421b1c4370ec43b'
    '","trade_state_desc":"支付成功","trade_type":"JSAPI","attach":"store=0755"}'
)
P4 = (
    '{"mchid":"1900007291","transaction_id":"4200001234202601310123456789","out_trade_no":"SR'
    '20260131000001","refund_id":"50300001232026013100000000001","out_refund_no":"RF202601310'
    '00001","refund_status":"SUCCESS","success_time":"2026-01-31T11:00:00+08:00","user_receiv'
    'ed_account":"支付用户零钱","amount":{"total":10000,"refund":2500,"payer_total":9900,"payer_ref'
    'und":2475}}'
)
A4 = (
    "12/LWVId4329y9Ibj2LCFbqROeTjBuJSAPvwYq/lrZMKlo5O0dAZ7ZE/mBVAC2FJpwfcHEP+pYeBNib7bQY2J9al"
    "bLnuwrifrGGltPblNB9AdIUGHsxlnebJgzRN/9ss7wdmQG4qzdxRZ0fOwrFmK9Iu3Xn6HTYutXrXZ2JG+5nIcJ33"
    "OvjW5xk16+FZ01GOj4eHUyqEfY65o42w7kwovb5SB0OFsqmGsy5Uc+rQ6aUghy1K9ik8Mu7Xkl3OcslLGB/3sTTd"
    "/ivcOlUxvDbaVLIFiDERHBX5+xi4nvLfxNS7DxIlvnZv2KYnriCpDoisFRiNE3k77k9I4qD/cJhbza/OSq8PViZj"
    "5mu+SOHOS4JyxnPendVAhZcT0hIeh0SlCtiZ8Z7kDRgZWmgZ0VS9h8JZTnbLXp3yXv0Xl9S9UKaae9/DjK9CRODD"
    "byVJU2w9K619oD0En+0oLnccTNQiTE8/Agf9kigY0GfD7rveBLhbm3mRbGMdo5tlg8UFZmKXzeSSBt5wgA=="
)
N1_BODY = (
    '{"id":"EV-2026013110203012345","create_time":"2026-01-31T10:20:31+08:00","resource_type"'
    ':"encrypt-resource","event_type":"TRANSACTION.SUCCESS","summary":"支付成功","resource":{"ori'
    'ginal_type":"transaction","algorithm":"AEAD_AES_256_GCM","ciphertext":"pjF9Av7L2tBb3MlKF'
    "L7LWShovturzml6ZLxiyXW2EPBVrYxHfgiEqH8/v2SeV1J25Gy3NYgj8HgJ+34QiQU9rGaydWADGuiSRKxqZ0DN7"
    "5Y9sqBXP7dV6h0dFNq/3biqayoTgRHTZV8ziIPQuymo8SOrwtB+FdhgADvhSR+O5bMB7oqhoIDMzL7L7MMIhig7m"
    "/616hT5E9HGfmiof7S72GjZ5agUSMI7yzVNPBBPdQtOnqYsM/1UgSNEyaf2ifZQvbFAFouaAxNEC3KDdxobMjsWk"
    "3BJeDn2ZJbXc5eiocHNLjt6uHbF5iSQbjR4Y+U2nbf5EnX03xA76PP4e7MWI2kyQWa5fG5cAPOn/iNa6ZAZCnkto"
    "4Cg95Oh8sAaekOT3k/mh6En4VzbnYvQZIO+AeBc9N70pu8+w3P2G8yHjNtIUHe85TqZGF7KKZoRgxzi6wFhNfuvx"
    "5PNOZi/Nz1AHmLspL7H7iuT9pdTTBcLS/69l54GruUYJWEX/0ZcHOEcwMbmuBGaNMNfb0ni2ASMN1/QFzCfK4AYG"
    'ASJyXwQiOGxSIKETILNToDX09xH4v0/d6pVRCu/1aP+Wa+ui4P/","associated_data":"transaction","no'
    'nce":"tx0123456789"}}'
)
A3 = N1_BODY.split('"ciphertext":"')[1].split('"')[0]
#: name → (nonce, associated data, plain text, ciphertext).
SEALED = {
    "A1": (
        "Kj7QIyUiYx1q",
        "certificate",
        "hello certificate",
        "tX/3aRMiGQH1NJDE9Zr1wf3cuVC6CRtaCdkQjv9HnqAa",
    ),
    "A2": ("abcdefghijkl", "", "你好,零售", "Ye5/kZj56CE+YYj+wjNj+5BprOs23bR5QbtAJVk="),
    "A3": ("tx0123456789", "transaction", P3, A3),
    "A4": ("rf0123456789", "refund", P4, A4),
}

#: name → (timestamp, nonce, body, signature); the sample key plays the platform's.
ANSWERS = {
    "R1": (
        "1769826000",
        "RESPNONCE00000000000000000000001",
        '{"prepay_id":"wx201410272009395522657a690389285100"}',
        (
            "O02mbW5sSN6JDbjINHjbY1cNKcBGDTD0FaO0OxnIqjuaZ/b7/c6KdTbnqk0eCk/DMbqK8Dum1RliWsrDjC/P"
            "RCy3ikDd/gpxePsfX+agcFa/ipUw0AOp078M/GmXmT8jTTU5bB1zla98lN21+6PIGJcz0OoIjZoLAah118uO"
            "ABunePbEjNvcQE/AcLDq8pWsBLfwCQoMUfNJ3RspA8tUND/i648pYLvBO3tHdtXb17aPck2zIiZF0PUjGacL"
            "7lJSSey7iX2mwAP8lwGDsVtrGReu2s/oWCXf5iDFSdwgkl8T8Yfkm6ieYNjyX97CG2NsFPl/QuaFWC1RvqvV"
            "ofcD9g=="
        ),
    ),
    "R2": (
        "1769826001",
        "RESPNONCE00000000000000000000002",
        "",
        (
            "QTVykqzVL+1+gI/H+4RcJLgVYeE5rKiIL54GpXl9Fg7mq9FmOuD41a/K9UTeqSULbmcjBj+VxlCQvNuelDLb"
            "GjXNrOviUqJMh8yOoOSyaVE/n0kWpNZzqF3H+vzEs2k8RrAHUKN2661tnu6FajPav4QZVbmLHg3DnZWYk0cx"
            "brwAdE0MLwS+O5YB3FpX9aY/d8vIXIWjAevF74eDgi6cic9lP2L6O0UCO4J3yMMW12BeTWzpo5UhBDoIBbyI"
            "tx6Z7BdnHbxikzQDns3yqmilc2yx5jsLSZ2kc4Mt2QA67ES7tDI4T60ZauvXjqYFqZQviCwa3Vp+JdkUDKMM"
            "GBwxvw=="
        ),
    ),
    "N1": (
        "1769826031",
        "NOTIFYNONCE0000000000000000000001",
        N1_BODY,
        (
            "YOHOZsixFEYxTIyWKUgpK6gC+/2xsaiOP1KfPVHFdSXWLaqsHu8koQsFpZ4laPP+7SWDJFdIm7t5zmxx8i/9"
            "u7Pd+Y2VQ8wIajeQ+dh4C+f9aEkxRk3ToXk4RbpKQWDDT1CovxKsitp4CFHyeT5eS3D9vi+z3c8ykXUHZghP"
            "Ng9AECnQZqGQn5ssdmx4EJYTBtMqdlIi8UxCiT0zeaIlfdjp+ErJIBiqO/FzwBPz/QDDDoJuOlZvnEkNMuAf"
            "TFA4aNDn292f+iO6Oa+ndsrVq0f/L6MDPCXPSpEYfoZw3q92ofTpm/JRyvCXlTQzWQYAdSstrwHC8hrJagKE"
            "IAWu8Q=="
        ),
    ),
}
