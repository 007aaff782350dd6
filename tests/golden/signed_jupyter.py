"""Jupyter Server's login cookie: Tornado's, under a secret derived from its file and, where there is one, the password's hash."""

import functools
from dataclasses import replace

import signed_damage
import signed_payloads
import signed_shared
import signed_texts
from cases import NOW, Case, Key, base64url, secret
from elsewhere import Library
from signed_cases import CLAIMS, CURRENT, INVALID, NAMELESS, USER, header_text, standard
from signed_tornado import Tornado

LIBRARY = Library("jupyter_server==2.21.1", "signed_jupyter_asked.py", whole=True)
HOST = "dash.example.com"
NAME = "username-dash-example-com"
HASH = "argon2:$argon2id$v=19$m=10240,t=10,p=8$fD0ws0mmsjG04FuhAAUzfA$5fjKqGOJBLTTWdZBvW8iXzXSKcRuTZtIXHyBmOCoTRM"
OTHER = "sha1:67c9e60bb8b6:9ffede0825894254b2e042ea597d771089e11aed"

# As Jupyter writes its file: 32 bytes in base64, and the end of a line.
FILE = Key("signed", standard(secret("jupyter file")) + b"\n")


@functools.cache
def derived(file: bytes, password: str | None) -> bytes:
    """The server's own secret. A hash that is there twice stands in the deprecated ServerApp.password."""
    once = password and password[: len(password) // 2] * 2 == password
    place = {"ServerApp": {"password": password[: len(password) // 2]}} if once else {
        "PasswordIdentityProvider": {"hashed_password": password or ""}}  # fmt: skip
    return bytes.fromhex(LIBRARY.ask("secret", file=file.decode("latin-1"), config=place))


class Jupyter(Tornado):
    """Its settings' `password` is what the variable holds that password_env names."""

    kind = "jupyter"
    settings = {"cookie": NAME, "subject_from": "user"}

    def key(self, key: Key, settings: dict | None) -> Key:
        return replace(key, secret=derived(key.secret, self.whole(settings).get("password")))

    def make(self, payload, key: Key = CURRENT, at: float = NOW, settings: dict | None = None) -> bytes:
        return super().make(payload, self.key(key, settings), at, settings)

    def signature(self, signed: bytes, key: Key = CURRENT, settings: dict | None = None) -> bytes:
        return super().signature(signed, self.key(key, settings), settings)

    def signed(self, payload: bytes, time: bytes, name: bytes = NAME.encode(), version: bytes = b"0") -> bytes:
        return super().signed(payload, time, name, version)

    def said(self, kind: dict) -> dict:
        if "password" not in kind:
            return super().said(kind)
        password = {"password_env": "PASSWORD"}
        return {"session": {name: value for name, value in kind.items() if name != "password"} | password, "password": kind["password"]}

    def judge(self, case: Case, secret: bytes) -> bool:
        """What its get_secure_cookie says. Jupyter's own reading of what is inside is asked for in users()."""
        return super().judge(case, derived(secret, case.settings.get("password")))

    def login(self, user: dict, key: Key = FILE, host: str = HOST, at: float = NOW, settings: dict | None = None) -> bytes:
        """The cookie of a real login, which the server itself then takes."""
        key = self.key(key, settings).secret.hex()
        name, value = LIBRARY.ask("login", key=key, host=host, user=user, at=at)
        assert name == self.whole(settings)["cookie"], name
        assert LIBRARY.ask("whose", key=key, host=host, cookie=f"{name}={value}", at=at) == user["username"]
        return value.encode()


def cases() -> list[Case]:
    made = Jupyter()
    return [
        *signed_shared.cases(made),
        *signed_damage.cases(made),
        *signed_payloads.cases(made),
        *signed_texts.whole(made, lambda value: True),
        *users(made),
        *hosts(made),
        *secrets(made),
        *passwords(made),
    ]


def users(made: Jupyter) -> list[Case]:
    """Logins of the server's own, which it reads again as that user."""
    settings = {"subject_from": "username"}
    people = {
        "plain": {"username": "anna"}, "named": {"username": "anna", "name": "Anna Huber", "display_name": "Anna", "initials": "AH"},
        "coloured": {"username": "anna", "color": "#aabbcc", "avatar_url": "https://example.org/a.png"},
        "beyond_ascii": {"username": "Zoë 🦊"}, "address": {"username": "anna@example.org"},
        "by_token": {"username": "3d9b1f0c8a5e4f7b9c2d6e1a0b4c8d7e", "display_name": "Anonymous Metis", "initials": "AM"},
        "quotes": {"username": 'an"na'}, "of_256_letters": {"username": "anna" * 64},
    }  # fmt: skip
    found = [made.accepted(f"user_{name}", made.login(user, settings=settings), "as the server sets it", user["username"], key=FILE,
                           keys=(FILE,), settings=settings) for name, user in people.items()]  # fmt: skip
    unread = made.login({"username": "anna", "name": "Huber"}, settings=settings)
    return [
        *found,
        made.accepted("user_by_name", unread, "as it is configured", "Huber", key=FILE, keys=(FILE,), settings={"subject_from": "name"}),
        made.refused("user_of_257_letters", made.login({"username": "a" * 257}, settings=settings), CLAIMS, "too long a subject",
                     keys=(FILE,), settings=settings),
        made.refused("user_without_a_picture", unread, NAMELESS, "null is no name", keys=(FILE,), settings={"subject_from": "avatar_url"}),
        made.refused("user_too_old", made.login({"username": "anna"}, at=NOW - 31 * 86_400, settings=settings), "session_expired",
                     "over at this second", keys=(FILE,), settings=settings),
    ]  # fmt: skip


def hosts(made: Jupyter) -> list[Case]:
    """The cookie is named after the Host that the server sees."""
    found = []
    for host in ("localhost:8888", "dash.example.com:8443", "127.0.0.1:8888", "[::1]:8888", "a_b.example.com", "Lab.Example.com"):
        name = "username-" + "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in host)
        chosen = {"cookie": name, "subject_from": "username"}
        value = made.login({"username": "anna"}, host=host, settings=chosen)
        found.append(made.accepted(f"host_{host}", value, "its name is signed", "anna", key=FILE, keys=(FILE,), settings=chosen))
        found.append(made.refused(f"host_{host}_not_configured", value, CLAIMS, "signed for another cookie", keys=(FILE,)))
    return found


def secrets(made: Jupyter) -> list[Case]:
    """What is derived, and what is not."""
    raw = Key("signed", FILE.secret)
    undone = Key("signed", secret("jupyter file"))
    plain = Tornado().make(USER, raw, settings={"cookie": NAME})
    good = made.make(USER, FILE)
    bare = Key("signed", FILE.secret.rstrip(b"\n"))
    given = derived(FILE.secret, None)
    return [
        made.accepted("file_with_its_newline", good, "45 bytes", "anna", key=FILE, keys=(FILE,)),
        made.refused("file_without_its_newline", good, INVALID, "the newline is part of it", keys=(bare,)),
        made.refused("file_with_two_newlines", good, INVALID, "one newline", keys=(Key("signed", FILE.secret + b"\n"),)),
        made.refused("file_decoded", good, INVALID, "its text is the key, not what it stands for", keys=(undone,)),
        made.refused("file_not_derived", plain, INVALID, "the file's bytes are not what signs", keys=(FILE,)),
        made.refused("secret_given_already", good, INVALID, "a ServerApp.cookie_secret is no jupyter kind but a tornado one",
                     keys=(Key("signed", given),)),
        made.refused("file_of_another_server", made.make(USER, Key("signed", standard(secret("other")) + b"\n")), INVALID,
                     "another secret", keys=(FILE,)),
        made.refused("file_in_base64url", good, INVALID, "other letters", keys=(Key("signed", base64url(secret("jupyter file")).encode()),)),
        made.refused("of_a_hub", made.make(USER, FILE, settings={"cookie": "jupyterhub-hub-login"}), CLAIMS, "signed for another cookie",
                     keys=(FILE,)),
    ]  # fmt: skip


def passwords(made: Jupyter) -> list[Case]:
    found = []
    rows = {"argon2": HASH, "sha1": OTHER, "twice": HASH * 2, "of_one_letter": "x", "beyond_ascii": "pässwörd:🦊"}
    for name, password in rows.items():
        chosen = {"password": password, "subject_from": "username"}
        value = made.login({"username": "anna"}, settings=chosen)
        why = "the hash goes into the secret"
        found.append(made.accepted(f"password_{name}", value, why, "anna", key=FILE, keys=(FILE,), settings=chosen))
        why = "the server has a password"
        found.append(made.refused(f"password_{name}_not_configured", value, INVALID, why, keys=(FILE,), settings={"subject_from": "username"}))
    once, twice, none = (made.make(USER, FILE, settings=said) for said in ({"password": HASH}, {"password": HASH * 2}, {}))
    with_hash = {"password": HASH}
    return [
        *found,
        made.refused("password_twice_where_once", twice, INVALID, "the deprecated option, which counts twice", keys=(FILE,), settings=with_hash),
        made.refused("password_once_where_twice", once, INVALID, "not the deprecated option", keys=(FILE,), settings={"password": HASH * 2}),
        made.refused("password_of_before", made.make(USER, FILE, settings={"password": OTHER}), INVALID, "changed since",
                     keys=(FILE,), settings=with_hash),
        made.refused("password_absent", none, INVALID, "signed before there was one", keys=(FILE,), settings=with_hash),
        made.refused("password_with_a_newline", made.make(USER, FILE, settings={"password": HASH + "\n"}), INVALID, "a newline counts",
                     keys=(FILE,), settings=with_hash),
    ]  # fmt: skip
