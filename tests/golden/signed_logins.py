"""What Streamlit's logins say beside whose they are, and the chunks that long ones are cut into."""

import json
import random
from itertools import product

from cases import ALPHABET, NOW, Case
from signed_cases import CLAIMS, CURRENT, DAY, EXPIRED, INVALID, LONG, MALFORMED, NAMELESS, OLD, STRANGER, TWO, USER

ELSEWHERE = "audience_not_allowed"
ORIGIN = "https://report.example.org"
NAME = b"_streamlit_user"
LOGIN = {"origin": ORIGIN, "is_logged_in": True}
CLAIMED = {
    "iss": "https://login.example.org", "sub": "a8f0-77", "email": "anna@example.org", "email_verified": True, "user": "anna",
    "name": "Zoë Ångström", "groups": ["staff", "lab"], "exp": NOW - DAY, "address": {"locality": "Zürich"},
}  # fmt: skip


def cases(made) -> list[Case]:
    return [*origins(made), *states(made), *chunked(made), *wrong_chunks(made), *tied(made)]


def origins(made) -> list[Case]:
    host = "report.example.org"
    wrong = {
        "of_another_host": "https://eve.example.org", "of_a_subdomain": f"https://a.{host}", "of_the_parent": "https://example.org",
        "http": f"http://{host}", "with_the_port": f"https://{host}:443", "with_another_port": f"https://{host}:8443",
        "with_a_slash": f"https://{host}/", "in_upper_case": f"HTTPS://{host}", "host_in_upper_case": f"https://{host.upper()}",
        "with_a_dot": f"https://{host}.", "with_a_path": f"https://{host}/report", "with_userinfo": f"https://a@{host}",
        "with_a_space": f"https://{host} ", "bare": host, "of_no_scheme": f"//{host}", "null_as_text": "null", "empty": "",
        "wildcard": "https://*.example.org", "of_two": f"https://{host},https://{host}",
    }  # fmt: skip
    odd = {"null": None, "list": [ORIGIN], "object": {"a": ORIGIN}, "number": 7, "true": True}
    found = [made.refused(f"origin_{name}", made.login({**USER, **LOGIN, "origin": value}), ELSEWHERE, "a login at another origin")
             for name, value in {**wrong, **odd}.items()]  # fmt: skip
    return [
        *found,
        made.refused("origin_absent", made.login({**USER, "is_logged_in": True}), ELSEWHERE, "a login at no origin"),
        made.refused("origin_inside", made.login({**USER, "is_logged_in": True, "a": {"origin": ORIGIN}}), ELSEWHERE, "likewise"),
        made.refused("origin_in_other_case", made.login({**USER, "is_logged_in": True, "Origin": ORIGIN}), ELSEWHERE, "likewise"),
    ]


def states(made) -> list[Case]:
    def state(value) -> bytes:
        return made.login({**USER, "origin": ORIGIN, "is_logged_in": value})

    rows = {"false": False, "null": None, "number": 1, "text": "true", "list": [True], "zero": 0}
    why = "nobody is logged in"
    settings = {"subject_from": "email"}
    return [
        *[made.refused(f"logged_in_{name}", state(value), NAMELESS, why) for name, value in rows.items()],
        made.refused("logged_in_absent", made.login({**USER, "origin": ORIGIN}), NAMELESS, why),
        made.accepted("claims_of_a_provider", made.make(CLAIMED, settings=settings), "exp is the provider's, and past",
                      "anna@example.org", settings=settings),
        made.accepted("claims_by_sub", made.make(CLAIMED), "as it is configured", "a8f0-77", settings={"subject_from": "sub"}),
        made.accepted("claims_by_place", made.make(CLAIMED), "as it is configured", "Zürich",
                      settings={"subject_from": "address.locality"}),
        made.refused("claims_without_email", made.make(USER), NAMELESS, "no such claim", settings=settings),
    ]  # fmt: skip


def long(letters: int, seed: int = 3, **more) -> dict:
    """A login of which no compression gets much off."""
    text = "".join(random.Random(seed).choices(ALPHABET, k=letters))
    return {"user": "anna", "fill": text, **more, "origin": ORIGIN, "is_logged_in": True, "provider": "default"}


def chunked(made) -> list[Case]:
    found = []
    for count, letters in {2: 5_000, 3: 7_000, 4: 10_000, 5: 13_000, 9: 24_000, 16: 45_500}.items():
        value = made.login(long(letters))
        assert value.count(b"; ") == count, f"{letters} letters make {value.count(b'; ')} chunks"
        found.append(made.accepted(f"{count}_chunks", value, "as Streamlit cuts it", "anna"))
    nested = made.login(long(5_000, user={"name": "Zoë"}))
    spaced = made.login({**long(10), "groups": ["reader of all there is"] * 900})
    second = made.login(long(5_000), OLD)
    accented = made.login({**long(0), "fill": "Zoë 🦊 " * 900})
    pieces = cut(long(5_000), 40)
    for number, seconds in product((1, 2), (-1, 1)):
        first, made_at = made.chunk("chunks-2", at=NOW - 9), {1: NOW - 9, 2: NOW - 9, number: NOW - 9 + seconds}
        value = made.cookies(first, [(name, made.chunk(text, index, at=made_at[index])) for index, name, text in cut(long(300), 200)])
        why = "a second may pass between two of them; the earliest one's end is the login's"
        found.append(made.accepted(f"chunk_{number}_signed_{seconds:+}s", value, why, "anna", at=NOW - 9 + min(0, seconds)))
    return [
        *found,
        made.accepted("chunks_with_the_subject_in_one", nested, "read after they were joined", "Zoë", settings={"subject_from": "user.name"}),
        made.accepted("chunks_that_compress", spaced, "whatever the library makes of each", "anna"),
        made.accepted("chunks_beyond_ascii", accented, "cut between characters", "anna"),
        made.accepted("chunks_by_the_second_key", second, "all by one key", "anna", key=OLD, keys=TWO),
        made.accepted("chunks_of_any_length", together(made, pieces), "cut where it was cut", "anna"),
        made.refused("chunks_by_a_retired_key", second, "key_retired", "all by one key", keys=(CURRENT, retired())),
        made.refused("chunks_too_old", made.login(long(5_000), at=NOW - made.max_age), EXPIRED, "over at this second"),
        made.refused("chunks_by_a_stranger", made.login(long(5_000), STRANGER), INVALID, "another secret"),
        made.refused("chunks_of_another_origin", made.login({**long(5_000), "origin": "https://eve.example.org"}), ELSEWHERE,
                     "a login at another origin"),
        made.refused("chunks_of_nobody", made.login({**long(5_000), "is_logged_in": False}), NAMELESS, "nobody is logged in"),
    ]  # fmt: skip


def retired():
    return type(OLD)(OLD.id, OLD.secret, NOW)


def cut(login: dict, size: int) -> list[tuple[int, bytes, str]]:
    """The chunks of a login, some characters each: number, name, text; at most two, and the second has the rest."""
    text = json.dumps(login)
    return [(1, NAME + b"_1", text[:size]), (2, NAME + b"_2", text[size:])]


def together(made, pieces, count: str | None = None, **key) -> bytes:
    count = f"chunks-{len(pieces)}" if count is None else count
    return made.cookies(made.chunk(count, **key), [(name, made.chunk(text, number, **key)) for number, name, text in pieces])


def wrong_chunks(made) -> list[Case]:
    login = long(400)
    good = cut(login, 250)
    first, (one, two) = made.chunk("chunks-2"), [(name, made.chunk(text, number)) for number, name, text in good]
    third = (NAME + b"_3", made.chunk("x", 3))
    whole = made.login({**USER, **LOGIN})
    shown = {
        "last_absent": made.cookies(first, [one]), "first_absent": made.cookies(first, [two]), "all_absent": made.cookies(first, []),
        "in_other_order": made.cookies(first, [two, one]), "first_twice": made.cookies(first, [one, one]),
        "one_more": made.cookies(first, [one, two, third]), "one_more_of_old": whole + b"; " + b"=".join(one),
        "numbered_from_0": made.cookies(first, [(NAME + b"_0", one[1]), (NAME + b"_1", two[1])]),
        "named_01": made.cookies(first, [(NAME + b"_01", one[1]), two]), "named_alike": made.cookies(first, [(b"_streamlit_usex_1", one[1]), two]),
        "named_in_upper_case": made.cookies(first, [(NAME.upper() + b"_1", one[1]), two]),
        "values_swapped": made.cookies(first, [(one[0], two[1]), (two[0], one[1])]),
        "first_value_again": made.cookies(first, [(one[0], first), two]),
        "no_space": made.cookies(first, [one, two]).replace(b"; ", b";"), "two_spaces": made.cookies(first, [one, two]).replace(b"; ", b";  "),
        "tab": made.cookies(first, [one, two]).replace(b"; ", b";\t"), "comma": made.cookies(first, [one, two]).replace(b"; ", b", "),
        "semicolon_after": made.cookies(first, [one, two]) + b";", "semicolon_before": b";" + made.cookies(first, [one, two]),
        "semicolon_twice": made.cookies(first, [one, two]).replace(b"; ", b";; "), "space_before_equals": made.cookies(first, [(one[0] + b" ", one[1]), two]),
        "no_equals": made.cookies(first, [one, two]).replace(b"_1=", b"_1"), "other_cookie_between": made.cookies(first, [one, (b"theme", b"dark"), two]),
        "second_empty": made.cookies(first, [one, (two[0], b"")]), "second_cut": made.cookies(first, [one, two])[:-1],
        "without_the_first_value": b"; ".join(b"=".join(each) for each in (one, two)), "joined_in_one": made.chunk(json.dumps(login), 1),
        "chunk_alone": one[1],
    }  # fmt: skip
    named = {"values_swapped", "first_value_again", "chunk_alone", "joined_in_one"}
    claims = {"last_absent", "all_absent", "one_more", "one_more_of_old"}
    if made.before == MALFORMED:  # Tornado's values name their cookie, and the signature is good
        invalid, claims = set(), claims | named
    else:
        invalid = named | {"comma", "without_the_first_value"}
    found = []
    for name, value in shown.items():
        reason = CLAIMS if name in claims else INVALID if name in invalid else MALFORMED
        found.append(made.refused(f"chunks_{name}", value, reason, "not all of them, each once, in order, by name"))
    counts = ["chunks-1", "chunks-3", "chunks-02", "chunks-0", "chunks-", "chunks--2", "chunks-+2", "chunks-2 ", " chunks-2", "chunks-2x",
              "chunks-２", "Chunks-2", "chunks_2", "2", "chunks", "chunks-1000000"]  # fmt: skip
    for number, count in enumerate(counts):
        found.append(made.refused(f"count_{number}", together(made, good, count), CLAIMS, "not how many there are"))
    return [*found, *too_much(made), *changed(made, first, one, two)]


def too_much(made) -> list[Case]:
    """More than there may be of it."""
    seventeen = [(number, NAME + b"_%d" % number, "x") for number in range(1, 18)]
    huge = [(number, NAME + b"_%d" % number, "a" * 3000) for number in (1, 2)]
    single = [(1, NAME + b"_1", json.dumps(long(300)))]
    text = json.dumps({**long(10), "fill": "a" * 70_000})
    bomb = [(1, NAME + b"_1", text[:40_000]), (2, NAME + b"_2", text[40_000:])]
    return [
        made.refused("17_chunks", together(made, seventeen), MALFORMED, "16 are the most"),
        made.refused("chunks_of_no_json", together(made, huge), CLAIMS, "each is signed, the whole is nothing"),
        made.refused("1_chunk", together(made, single), CLAIMS, "what is not cut has no chunks"),
        made.refused("chunks_over_64_kib", together(made, bomb), CLAIMS if made.before == INVALID else LONG, "more than is ever joined"),
        made.refused("chunk_over_8192_bytes", made.cookies(made.chunk("chunks-2"), [(NAME + b"_1", b"A" * 8193)]), LONG, "over the cap"),
    ]


def changed(made, first: bytes, one, two) -> list[Case]:
    """One character of one of the values differs."""
    found = []
    for place, value in (("first_value", first), ("chunk_1", one[1]), ("chunk_2", two[1])):
        for at in (2, 5, 19):
            digit = b"0" if value[-at : len(value) - at + 1] != b"0" else b"1"
            other = value[:-at] + digit + value[len(value) - at + 1 :]
            values = [other if each == value else each for each in (first, one[1], two[1])]
            text = made.cookies(values[0], [(one[0], values[1]), (two[0], values[2])])
            found.append(made.refused(f"{place}_changed_{at}_from_its_end", text, INVALID, "one character differs"))
    return found


def tied(made) -> list[Case]:
    """Chunks of two logins: Streamlit ties them together by nothing, the gate by the key and the time alone."""
    anna, eve = long(400, 1), long(400, 2, user="eve")
    (_, name_1, head), _ = cut(anna, 250)
    _, (_, name_2, tail) = cut(eve, 250 - len("anna") + len("eve"))

    def spliced(seconds: float, key=CURRENT) -> bytes:
        """Eve's tail, signed so much later, behind Anna's head, signed a minute ago."""
        first, one = made.chunk("chunks-2", at=NOW - 60), made.chunk(head, 1, at=NOW - 60)
        return made.cookies(first, [(name_1, one), (name_2, made.chunk(tail, 2, key, NOW - 60 + seconds))])

    why = "two logins' chunks, signed more than a second apart"
    return [
        *[made.refused(f"of_two_logins_{seconds:+}s", spliced(seconds), CLAIMS, why) for seconds in (-DAY, -60, -3, -2, 2, 3, 30)],
        made.refused("of_two_logins_one_expired", spliced(-made.max_age), EXPIRED, "the second is over"),
        made.refused("of_two_logins_one_early", spliced(91), "session_not_yet_valid", "the second is not yet"),
        made.refused("of_two_keys", spliced(0, OLD), INVALID, "one key signs a login", keys=TWO),
        made.refused("of_a_strangers_key", spliced(0, STRANGER), INVALID, "another secret"),
        made.accepted("of_two_logins_within_a_second", spliced(1), "nothing tells them apart but the time", "anna", at=NOW - 60),
    ]  # fmt: skip
