"""Values whose payload is a text as it is: Django's signed cookies; Tornado's may hold one, and Express's are ids."""

from cases import Case
from signed_cases import CLAIMS, NAMELESS, Format
from signed_shared import NAMES

WHOLE = {"subject_from": "."}
MOST = 256  # bytes of a subject

# What else may be a text: ids, tokens, JSON as text, things that look like parts of a value.
TEXTS = {
    "uuid": "8a6e0804-2bd0-4672-b79d-d97027f9071a", "hex": "c0ffee" * 8, "url_safe_id": "qVX9mfYk0-aT_s3JZ0c1qwErTyUiOpAs",
    "base64": "YW5uYQ==", "of_a_dot": ".", "dot_at_the_end": "anna.", "dot_before": ".anna", "colon_at_the_end": "anna:",
    "colon_before": ":anna", "like_a_time": "anna:1rXNVk", "like_a_value": "anna:1rXNVk:" + "A" * 43, "digit": "7",
    "of_257_letters": "x" * 257, "of_1000_letters": "x" * 1000, "path": "/home/anna", "s_colon": "s:anna", "json_list": "[1,2]", "one_space": " ",
}  # fmt: skip

CONTROLS = {
    "newline": b"an\nna", "carriage_return": b"anna\r", "nul": b"an\0na", "escape": b"\x1b[1manna", "delete": b"anna\x7f",
    "tab": b"an\tna", "c1_control": "anna\u0085".encode(),
}  # fmt: skip
BROKEN = {"latin1": b"Zo\xeb", "overlong": b"\xc0\xaf", "half_a_pair": b"\xed\xa0\x80", "cut": b"Zo\xc3", "byte_ff": b"\xff"}


def whole(made: Format, fits, prefix: str = "text") -> list[Case]:
    """The payload is the subject. `fits` says which texts reach the gate in a spelling that it takes."""
    found = []
    for name, text in {**NAMES, **TEXTS}.items():
        value = made.make({"user": text}, settings=WHOLE)
        if len(text.encode()) > MOST:
            found.append(made.refused(f"{prefix}_{name}", value, CLAIMS, "signed, and too long a subject", settings=WHOLE))
        elif fits(value):
            found.append(made.accepted(f"{prefix}_{name}", value, "as the library writes it", text, settings=WHOLE))
        else:
            why = "Python's cookies write this with backslashes, which are not read"
            found.append(made.refused(f"{prefix}_{name}", value, "token_malformed", why, settings=WHOLE))
    for name, raw in {**CONTROLS, **BROKEN}.items():
        why = "signed, and no subject for a header"
        found.append(made.refused(f"{prefix}_with_{name}", made.told(raw, settings=WHOLE), CLAIMS, why, settings=WHOLE))
    return found


def members(made: Format, raw: bytes = b'{"user":"anna","id":7}') -> list[Case]:
    """A text that is JSON, and a subject inside it."""
    inside = {name: {"subject_from": name} for name in ("user", "id", "name", "user.name")}
    subjects = {"user": "anna", "id": "7"}
    found = [made.accepted(f"json_{name}", made.told(raw, settings=inside[name]), "JSON in the text", subject, settings=inside[name])
             for name, subject in subjects.items()]  # fmt: skip
    found += [made.refused(f"json_{name}", made.told(raw, settings=inside[name]), NAMELESS, "no such member", settings=inside[name])
              for name in ("name", "user.name")]  # fmt: skip
    why = "no JSON, where a member is looked for"
    return [*found, made.refused("json_none", made.told(b"anna", settings=inside["user"]), CLAIMS, why, settings=inside["user"])]
