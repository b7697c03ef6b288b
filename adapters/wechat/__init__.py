"""What the WeChat platforms share: errcode envelope, app access tokens, signed and encrypted callbacks.

A protocol family, not a tool: official accounts (公众号), mini-programs and the store (小程序, 微信小店)
and enterprise chat (企业微信) are built on it.

- ``envelope``: ``errcode``/``errmsg`` answers, and the trace id in them
- ``api``: requests that carry ``access_token``
- ``tokens``: ``stable_token`` of api.weixin.qq.com
- ``faults``: error rows that every product on api.weixin.qq.com shares
- ``callbacks``: verification, AES, XML and JSON of what the platforms push
"""
