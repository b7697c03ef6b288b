"""Checks that a message comes from the gateway, with nothing but Python's standard library."""

import base64
import hashlib
import hmac
import json
import time

TOLERANCE = 5 * 60  # Seconds by which clocks may differ; an older message is somebody's repetition.


def verify(secret, headers, body):
    """The message's value. ``body`` is the bytes as received, before anything parses them; raises ValueError."""
    message_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    if abs(time.time() - int(timestamp)) > TOLERANCE:
        raise ValueError("too old, or from the future")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    # Several signatures while the secret is being changed: one that fits is enough.
    if not any(hmac.compare_digest(expected, each) for each in headers["webhook-signature"].split()):
        raise ValueError("not signed with this secret")
    return json.loads(body)
