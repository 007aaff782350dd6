"""Django's signed cookies with the salt of before 5.2.15, made and judged by a Django that knows no other."""

import signed_damage
import signed_shared
import signed_texts
from cases import NOW, Case, Key
from elsewhere import Library
from signed_cases import CURRENT, INVALID, USER, header_text
from signed_django import Django, DjangoCookie

LIBRARY = Library("Django==5.2.8", "signed_django_asked.py")


class DjangoCookieLegacy(DjangoCookie):
    settings = {"cookie": "who", "subject_from": ".", "salt_form": "legacy"}

    def question(self, settings: dict | None, secret: bytes) -> dict:
        whole = self.whole(settings)
        return {"cookie": whole["cookie"], "salt": whole.get("salt", ""), "secret": secret.decode()}

    def make(self, payload, key: Key = CURRENT, at: float = NOW, settings: dict | None = None) -> bytes:
        return LIBRARY.ask("make", text=self.text(payload), at=at, **self.question(settings, key.secret)).encode()

    def signature(self, signed: bytes, key: Key = CURRENT, settings: dict | None = None) -> bytes:
        return LIBRARY.ask("sign", signed=signed.decode("latin-1"), **self.question(settings, key.secret)).encode()

    def judge(self, case: Case, secret: bytes) -> bool:
        settings = case.settings["session"]
        header = f"{settings['cookie']}={header_text(case.token)}"
        age = settings.get("max_age_seconds", self.max_age)
        return LIBRARY.ask("judge", header=header, age=age, at=case.now, **self.question(settings, secret))


def cases() -> list[Case]:
    made, now = DjangoCookieLegacy(), DjangoCookie()
    form = {"salt_form": "v2"}
    found = []
    for name, salt in {"some": "remember", "beyond_ascii": "gewürz 🧂", "of_digits": "7:", "longest": "salt" * 64}.items():
        chosen = {"salt": salt}
        found.append(made.accepted(f"salt_{name}", made.make(USER, settings=chosen), "configured", "anna", settings=chosen))
        found.append(made.refused(f"salt_{name}_not_configured", made.make(USER, settings=chosen), INVALID, "another salt"))
    for name in ("who2", "wh", "Who", "__Host-who", "x"):
        chosen = {"cookie": name}
        found.append(made.accepted(f"cookie_{name}", made.make(USER, settings=chosen), "its name is signed", "anna", settings=chosen))
        found.append(made.refused(f"cookie_{name}_not_configured", made.make(USER, settings=chosen), INVALID, "another cookie"))
    slid = made.make(USER, settings={"cookie": "wh", "salt": "o"})
    cases = [
        *signed_shared.cases(made),
        *signed_damage.cases(made),
        *signed_texts.whole(made, lambda value: b"\\" not in value),
        *signed_texts.members(made),
        *found,
        made.accepted("salt_slid_into_the_name", slid, "one text of name and salt: why check warns of this form", "anna"),
        made.accepted("salt_slid_out_of_the_name", made.make(USER, settings={"cookie": "w", "salt": "ho"}), "likewise", "anna"),
        made.refused("of_version_2", now.make(USER), INVALID, "what 5.2.15 and 6.1 sign"),
        made.refused("of_version_2_with_salt", now.make(USER, settings={"salt": "remember"}), INVALID, "likewise",
                     settings={"salt": "remember"}),
        made.refused("form_not_configured", made.make(USER), INVALID, "version 2 is configured, as by default", settings=form),
        made.refused("form_slid_not_configured", slid, INVALID, "version 2 is configured", settings=form),
        made.refused("of_dumps", Django().make(USER), INVALID, "another salt"),
    ]  # fmt: skip
    return [rename(case) for case in cases]


def rename(case: Case) -> Case:
    """These are django_cookie's, too: their names say which."""
    return type(case)(**{**vars(case), "name": f"legacy_{case.name}"})
