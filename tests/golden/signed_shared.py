"""What every signed format takes: payloads of many shapes, ages up to the last moment, rings of keys, sizes."""

import random

from cases import ALPHABET, NOW, Case, Key
from signed_cases import CAP, CLAIMS, CURRENT, DAY, EARLY, EXPIRED, INVALID, LONG, OLD, RETIRED, STRANGER, TWO, USER, Format

SILENT = {"subject_from": None, "anonymous": True}  # nothing is asked of the payload

# Names of people, and what else a subject may be.
NAMES = {
    "plain": "anna", "of_one_letter": "a", "with_space": "Anna Huber", "address": "anna@example.org",
    "accents": "Zoë Ångström", "cyrillic": "Анна", "chinese": "安娜", "arabic": "آنا", "emoji": "anna 🦊",
    "combining": "Zoe\u0308", "quotes": 'an"na', "backslash": "an\\na", "markup": "<b>anna</b>&amp;", "slash": "a/b",
    "percent": "a%2Fb", "digits": "0007", "dots": "a.b.c", "colons": "a:b:c", "pipes": "a|b", "equals": "a=b==",
    "semicolon": "a;b", "comma": "a,b", "brackets": "[a]{b}", "line_separator": "a\u2028b", "no_break_space": "a\u00a0b",
    "plus_and_tilde": "a+b~c!*'()", "of_256_letters": "anna" * 64, "of_256_bytes": "é" * 128,
}  # fmt: skip

# Payloads, where their subject is, and which it is.
SHAPES = {
    "nested": ({"user": {"username": "anna", "id": 7}}, "user.username", "anna"),
    "nested_number": ({"user": {"username": "anna", "id": 7}}, "user.id", "7"),
    "four_deep": ({"a": {"b": {"c": {"d": "anna"}}}}, "a.b.c.d", "anna"),
    "flask_login": ({"_fresh": True, "_id": "c0ffee" * 10, "_user_id": "42"}, "_user_id", "42"),
    "django_auth": ({"_auth_user_id": "3", "_auth_user_backend": "x.y.Z", "_auth_user_hash": "9f"}, "_auth_user_id", "3"),
    "number": ({"user": 42}, "user", "42"),
    "zero": ({"user": 0}, "user", "0"),
    "number_over_2_to_53": ({"user": 2**53 + 1}, "user", "9007199254740993"),
    "largest_number": ({"user": 2**64 - 1}, "user", "18446744073709551615"),
    "last_member": ({**{f"member{number}": number for number in range(40)}, "user": "anna"}, "user", "anna"),
    "between_other_types": ({"a": None, "b": [1, 2.5, "x"], "user": "anna", "c": {}, "d": False, "e": -1e-9}, "user", "anna"),
    "member_beyond_ascii": ({"näme": "anna"}, "näme", "anna"),
    "member_with_space": ({"user name": "anna"}, "user name", "anna"),
    "namesake_inside": ({"other": {"user": "eve"}, "user": "anna"}, "user", "anna"),
    "subject_not_asked_for": ({"user": "anna"}, None, None),
    "no_subject_at_all": ({"csrf": "0" * 32}, None, None),
    "long_and_repetitive": ({"user": "anna", "roles": ["reader"] * 150}, "user", "anna"),
    "long_and_random": ({"user": "anna", "blob": random.Random(5).randbytes(1000).hex()}, "user", "anna"),
}  # fmt: skip
NO_MAPPINGS = {
    "list": ["anna", 1], "text": "anna", "number_alone": 7, "truth": True, "nothing": None, "empty_list": [],
}  # fmt: skip


def cases(made: Format) -> list[Case]:
    found = [*payloads(made), *rings(made), *sizes(made)]
    return found if made.max_age is None else [*found, *times(made)]


def payloads(made: Format) -> list[Case]:
    found = []
    if not made.json:
        return found
    for name, subject in NAMES.items():
        value = made.make({"user": subject})
        found.append(made.accepted(f"subject_{name}", value, "as the library writes it", subject))
    for name, (payload, path, subject) in SHAPES.items():
        settings = SILENT if path is None else {"subject_from": path}
        why = "as the library writes it"
        found.append(made.accepted(f"payload_{name}", made.make(payload, settings=settings), why, subject, settings=settings))
    if not made.mappings_only:
        for name, payload in NO_MAPPINGS.items():
            why = "nothing is asked of the payload where no subject is"
            found.append(made.accepted(f"payload_{name}", made.make(payload), why, settings=SILENT))
    return found


def times(made: Format) -> list[Case]:
    age = made.max_age

    def good(name: str, at: int, why: str, now: float = NOW, **settings) -> Case:
        value = made.make(USER, at=at, settings=settings)
        return made.accepted(name, value, why, "anna", now=now, at=at, settings=settings)

    def bad(name: str, at: int, reason: str, why: str, now: float = NOW, **settings) -> Case:
        return made.refused(name, made.make(USER, at=at, settings=settings), reason, why, now=now, settings=settings)

    return [
        good("age_0", NOW, "signed this second"),
        good("age_1", NOW - 1, "a second ago"),
        good("age_of_a_day", NOW - DAY, "well in time"),
        good("age_one_less_than_all", NOW - age + 1, "its last second"),
        good("age_just_less_than_all", NOW, "now may be fractional", now=NOW + age - 0.25),
        good("age_59_of_60", NOW - 59, "max_age_seconds is configured", max_age_seconds=60),
        good("age_of_300_days", NOW - 300 * DAY, "max_age_seconds is configured", max_age_seconds=365 * DAY),
        good("shortest_age", NOW, "one second, and it is in it", max_age_seconds=1),
        good("ten_digits_at_last", 10**10 - 1, "in 2286", now=10**10),
        good("in_1971", 40_000_000, "four bytes, five digits of base 62, eight of ten", now=40_000_001),
        good("after_2106", 2**32 + 5, "five bytes", now=2**32 + 6),
        good("clock_ahead_by_1", NOW + 1, "within the skew of 30 seconds"),
        good("clock_ahead_by_30", NOW + 30, "the skew's last second"),
        good("clock_ahead_by_300", NOW + 300, "clock_skew_seconds is configured", clock_skew_seconds=300),
        good("clock_ahead_by_half_a_second", NOW, "now may be fractional", now=NOW - 0.5),
        good("no_skew_at_the_same_second", NOW, "not ahead at all", clock_skew_seconds=0),
        bad("age_all", NOW - age, EXPIRED, "over at this second"),
        bad("age_all_and_a_bit", NOW, EXPIRED, "now may be fractional", now=NOW + age + 0.25),
        bad("age_one_more_than_all", NOW - age - 1, EXPIRED, "over for a second"),
        bad("age_of_a_year", NOW - 365 * DAY, EXPIRED, "long over"),
        bad("age_of_decades", 1, EXPIRED, "signed in 1970"),
        bad("age_60_of_60", NOW - 60, EXPIRED, "max_age_seconds is configured", max_age_seconds=60),
        bad("age_61_of_60", NOW - 61, EXPIRED, "max_age_seconds is configured", max_age_seconds=60),
        bad("shortest_age_over", NOW - 1, EXPIRED, "one second, and it is over", max_age_seconds=1),
        bad("skew_is_not_for_the_end", NOW - age, EXPIRED, "skew is for a clock ahead", clock_skew_seconds=300),
        bad("clock_ahead_by_31", NOW + 31, EARLY, "over the skew of 30 seconds"),
        bad("clock_ahead_by_30_and_a_half", NOW, EARLY, "now may be fractional", now=NOW - 30.5),
        bad("clock_ahead_by_301", NOW + 301, EARLY, "over the largest skew", clock_skew_seconds=300),
        bad("no_skew_and_ahead_by_1", NOW + 1, EARLY, "no skew is configured", clock_skew_seconds=0),
        bad("clock_ahead_by_a_year", NOW + 365 * DAY, EARLY, "made for a year of life more"),
        bad("clock_ahead_by_ages", 2**40, EARLY, "made to live for ever"),
    ]


def rings(made: Format) -> list[Case]:
    newline = Key("signed", CURRENT.secret + b"\n")
    accented = Key("signed", "Schlüssel-für-die-Anzeigetafel-№1-und-№2".encode())
    long = Key("signed", CURRENT.secret * 3)
    retiring = {second: (CURRENT, Key(OLD.id, OLD.secret, second)) for second in (NOW - 1, NOW, NOW + 1)}

    def good(name: str, key: Key, why: str, **more) -> Case:
        return made.accepted(name, made.make(USER, key), why, "anna", key=key, **more)

    def bad(name: str, key: Key, reason: str, why: str, **more) -> Case:
        return made.refused(name, made.make(USER, key), reason, why, **more)

    return [
        good("first_of_two_keys", CURRENT, "every key is tried", keys=TWO),
        good("second_of_two_keys", OLD, "every key is tried; its session ends when it retires", keys=TWO),
        good("ring_in_other_order", CURRENT, "the order means nothing", keys=TWO[::-1]),
        good("newline_in_both", newline, "a newline is part of the secret", keys=(newline,)),
        good("secret_beyond_ascii", accented, "the secret's UTF-8 bytes", keys=(accented,)),
        good("secret_of_129_bytes", long, "HMAC hashes keys over 64 bytes", keys=(long,)),
        good("key_retires_next", OLD, "its last second", keys=retiring[NOW + 1]),
        good("retired_key_beside", CURRENT, "another key's retirement means nothing", keys=retiring[NOW]),
        bad("removed_key", OLD, INVALID, "no longer in the ring"),
        bad("stranger", STRANGER, INVALID, "another secret"),
        bad("stranger_and_two_keys", STRANGER, INVALID, "another secret", keys=TWO),
        bad("newline_in_the_signing_key", newline, INVALID, "a newline is part of the secret"),
        bad("newline_in_the_ring", CURRENT, INVALID, "a newline is part of the secret", keys=(newline,)),
        bad("secret_in_upper_case", Key("signed", CURRENT.secret.upper()), INVALID, "other letters"),
        bad("secret_cut", Key("signed", CURRENT.secret[:-1]), INVALID, "a prefix of the secret"),
        bad("key_retired_a_second_ago", OLD, RETIRED, "no skew for keys", keys=retiring[NOW - 1]),
        bad("key_retires_now", OLD, RETIRED, "from this second on", keys=retiring[NOW]),
        bad("retired_and_wrong", STRANGER, INVALID, "the signature first", keys=retiring[NOW]),
    ]


def sizes(made: Format) -> list[Case]:
    """Values a byte or a few around the caps: base64 makes not every length."""

    def filled(at_most: int, over: bool = False) -> tuple[bytes, str]:
        value = {count: made.make(fill(count)) for count in (at_most // 4, at_most // 4 + 1000)}
        (short, length), (_, longer) = [(count, len(text)) for count, text in value.items()]
        count = short + (at_most - length) * 1000 // (longer - length) + 16
        while len(made.make(fill(count))) > at_most:
            count -= 1
        while over and len(made.make(fill(count))) <= at_most:
            count += 1
        return made.make(fill(count)), made.read(fill(count))

    def good(name: str, made_of: tuple[bytes, str], why: str) -> Case:
        if made.longest is not None:
            return made.refused(name, made_of[0], CLAIMS, "signed, and longer than it ever is")
        # A long text is no subject.
        return made.accepted(name, made_of[0], why, made_of[1], settings=None if made.json else SILENT)

    usual = filled(4000 if made.chunks else 4096)
    longer = [] if made.chunks else [
        good("over_4096_bytes", filled(4096, over=True), "the cookies' own cap is the carrier's to check"),
        good("almost_8192_bytes", filled(CAP), "the cap"),
        made.refused("over_8192_bytes", filled(CAP, over=True)[0], LONG, "over the cap"),
    ]  # fmt: skip
    return [
        good("almost_4096_bytes", usual, "as long as cookies get"),
        *longer,
        made.refused("8193_letters", b"A" * (CAP + 1), LONG, "the length comes first"),
        made.refused("8192_letters", b"A" * CAP, "token_malformed", "as long as may be, and nothing"),
        made.refused("12000_separators", made.separator * 12000, LONG, "the length comes first"),
        made.refused("8192_separators", made.separator * CAP, made.of_separators, "as long as may be, and nothing"),
    ]


def fill(count: int) -> dict:
    """A payload with that many letters, which no compression shortens much."""
    letters = "".join(random.Random(11).choices(ALPHABET, k=count))
    return {"user": "anna", "fill": letters}
