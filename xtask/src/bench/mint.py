"""Prints what the benchmark needs of secrets: a fresh key, then that many sessions of different people, one a line."""

import base64
import hashlib
import hmac
import json
import secrets
import sys
import time


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


count, key_id, issuer, audience = int(sys.argv[1]), *sys.argv[2:]
key = secrets.token_bytes(32)
print(text(key))
header = text(json.dumps({"alg": "HS256", "kid": key_id, "typ": "JWT"}, separators=(",", ":")).encode())
now = int(time.time())
for number in range(count):
    claims = {
        "iss": issuer,
        "sub": f"person-{number:05}@example.org",
        "aud": audience,
        "iat": now,
        "exp": now + 3600,
        "jti": secrets.token_hex(8),
    }
    signed = header + "." + text(json.dumps(claims, separators=(",", ":")).encode())
    print(signed + "." + text(hmac.new(key, signed.encode(), hashlib.sha256).digest()))
