"""What an old Django says, asked by signed_django_legacy.py in a process of its own: here its signed cookies have the old salt."""

from unittest import mock

import django.conf
from django.core import signing
from django.http import HttpRequest, HttpResponse, parse_cookie
from django.test.utils import override_settings

from elsewhere import serve

django.conf.settings.configure(SECRET_KEY="replaced for each question")


def make(text: str, cookie: str, salt: str, secret: str, at: float) -> str:
    response = HttpResponse()
    with mock.patch("time.time", lambda: at), override_settings(SECRET_KEY=secret):
        response.set_signed_cookie(cookie, text, salt=salt)
    return response.cookies[cookie].coded_value


def sign(signed: str, cookie: str, salt: str, secret: str) -> str:
    """Of any text, its bytes as Latin-1 here. `get_cookie_signer` says how the key is derived."""
    with override_settings(SECRET_KEY=secret):
        signer = signing.get_cookie_signer(salt=cookie + salt)
    return signing.base64_hmac(signer.salt + "signer", signed.encode("latin-1"), signer.key, algorithm=signer.algorithm)


def judge(header: str, cookie: str, salt: str, secret: str, age: int, at: float) -> bool:
    request = HttpRequest()
    request.COOKIES = parse_cookie(header)
    with mock.patch("time.time", lambda: at), override_settings(SECRET_KEY=secret):
        try:
            request.get_signed_cookie(cookie, salt=salt, max_age=age)
        except signing.BadSignature:
            return False
    return True


serve({"make": make, "sign": sign, "judge": judge})
