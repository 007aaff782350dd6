"""JWT cases about what the signed claims say: strict JSON, types and ranges, texts, issuer and audience."""

import json

import strict_json
from cases import NOW, Case
from jwt_tokens import (
    ABSENT,
    AUDIENCE,
    END,
    EXPIRY,
    ISSUER,
    accepted,
    claims,
    claims_text,
    encoded,
    encoded_bytes,
    refused,
)

MALFORMED = "claims_malformed"
LATEST = 253402300799  # 9999-12-31T23:59:59Z


def cases() -> list[Case]:
    return [*json_text(), *expiry_values(), *other_times(), *texts(), *issuers(), *audiences()]


def with_claim(**changes: str | object) -> bytes:
    return encoded_bytes(claims_text(**changes))


def json_text() -> list[Case]:
    usual = claims_text()
    unusual = strict_json.spaced(usual) + strict_json.unusual(usual)
    repeated = {
        "expiry_twice_later_last": f'"exp":{NOW + 9000}',
        "expiry_twice_same": f'"exp":{EXPIRY}',
        "expiry_twice_by_escape": f'"e\\u0078p":{NOW + 9000}',
        "subject_twice": '"sub":"root"',
        "audience_member_twice": f'"aud":{json.dumps(AUDIENCE)}',
        "duplicate_in_an_unread_object": '"roles":{"a":1,"a":1}',
    }
    return [
        *(
            refused(f"claims_{name}", encoded_bytes(text), MALFORMED, why)
            for name, text, why in strict_json.broken(usual)
            if text
        ),
        *(accepted(f"claims_{name}", encoded_bytes(text), why) for name, text, why in unusual),
        *(
            refused(name, encoded_bytes(strict_json.with_member(usual, member)), MALFORMED, "one name twice")
            for name, member in repeated.items()
        ),
        refused(
            "expiry_twice_later_first",
            encoded_bytes(f'{{"exp":{NOW + 9000},' + usual[1:]),
            MALFORMED,
            "one name twice",
        ),
        accepted("expiry_in_other_case_beside", with_claim(EXP=str(NOW - 9000)), "names are exact: EXP is no exp"),
        accepted("many_members", encoded(claims(**{f"x{number}": number for number in range(300)})), "300 more claims"),
    ]


def expiry_values() -> list[Case]:
    malformed = {
        "absent": ABSENT, "null": "null", "true": "true", "text": f'"{EXPIRY}"', "text_of_zero": '"0"',
        "empty_text": '""',
        "array": f"[{EXPIRY}]", "object": "{}", "not_a_number": "NaN", "infinity": "Infinity",
        "negative_infinity": "-Infinity", "beyond_double": "1e400", "beyond_double_negative": "-1e400",
        "negative": "-1", "negative_fraction": "-0.5", "1e30": "1e30", "one_past_the_latest": str(LATEST + 1),
        "fraction_past_the_latest": f"{LATEST}.5", "in_milliseconds": str(EXPIRY * 1000), "64_bits": str(2**64),
        "63_bits": str(2**63), "30_digits": "9" * 30, "leading_zero": f"0{EXPIRY}", "plus": f"+{EXPIRY}",
        "underscores": "1_800_003_600", "date": '"2027-01-15T09:00:00Z"', "hexadecimal": "0x6B49E010",
    }  # fmt: skip
    found = [
        refused(f"expiry_{name}", with_claim(exp=value), MALFORMED, "exp is required: a JSON number from 0 to the year 9999")
        for name, value in malformed.items()
    ]
    written = {
        "as_float": f"{EXPIRY}.0", "with_exponent": "1.8000036e9", "with_capital_exponent": "1.8000036E+9",
        "scaled_up": "18000036e2", "scaled_down": f"{EXPIRY}000e-3", "many_zeros": f"{EXPIRY}." + "0" * 300,
    }  # fmt: skip
    for name, value in written.items():
        found.append(accepted(f"expiry_{name}", with_claim(exp=value), "the same number, written otherwise"))
    return [
        *found,
        refused("expiry_zero", with_claim(exp="0"), "session_expired", "the first second of the range"),
        refused("expiry_underflow", with_claim(exp="1e-400"), "session_expired", "too small for a double: zero"),
        refused("expiry_latest", with_claim(exp=str(LATEST)), "session_lifetime_too_long", "the last second of the range"),
        accepted("expiry_with_a_fraction", with_claim(exp=f"{EXPIRY}.5"), "fractions count", end=END + 0.5),
    ]


def other_times() -> list[Case]:
    found = []
    malformed = {
        "null": "null", "true": "true", "text": f'"{NOW - 60}"', "array": "[]", "object": "{}", "not_a_number": "NaN",
        "infinity": "Infinity", "negative_infinity": "-Infinity", "beyond_double": "1e400", "negative": "-1",
        "negative_fraction": "-0.001", "one_past_the_latest": str(LATEST + 1), "1e30": "1e30", "empty_text": '""',
    }  # fmt: skip
    for claim in ("nbf", "iat"):
        for name, value in malformed.items():
            why = f"{claim}, where it stands, is a JSON number from 0 to the year 9999"
            found.append(refused(f"{claim}_{name}", with_claim(**{claim: value}), MALFORMED, why))
        why = "in range, but in the future"
        token = with_claim(**{claim: str(LATEST)})
        found.append(refused(f"{claim}_latest", token, "session_not_yet_valid", why))
        token = with_claim(**{claim: "1.7999994e9"})
        found.append(accepted(f"{claim}_with_exponent", token, "the same number, written otherwise"))
    return [
        *found,
        accepted("nbf_zero", encoded(claims(nbf=0)), "valid since ever"),
        refused("iat_zero", encoded(claims(iat=0)), "session_expired", "so old that its longest life is over"),
    ]


def texts() -> list[Case]:
    found = []
    for claim in ("sub", "jti", "iss"):
        for name, value in (
            ("number", "7"), ("null", "null"), ("true", "true"), ("array", '["ada"]'), ("object", '{"a":"b"}'),
        ):  # fmt: skip
            token = with_claim(**{claim: value})
            found.append(refused(f"{claim}_{name}", token, MALFORMED, f"{claim}, where it stands, is a text"))
            if claim == "iss":
                why = "a text even where no issuer is configured"
                found.append(refused(f"iss_{name}_unasked", token, MALFORMED, why, issuer=None))
    for code in (0x00, 0x01, 0x09, 0x0A, 0x0D, 0x1B, 0x1F, 0x7F, 0x80, 0x85, 0x9B, 0x9F):
        for claim in ("sub", "jti"):
            token = encoded(claims(**{claim: f"ada{chr(code)}"}))
            found.append(refused(f"{claim}_with_u{code:04x}", token, MALFORMED, "a control character"))
    for code in (
        0x20,
        0x21,
        0x22,
        0x25,
        0x2C,
        0x5C,
        0x7E,
        0xA0,
        0xAD,
        0xE9,
        0x200B,
        0x2028,
        0x202E,
        0xFEFF,
        0xFFFE,
        0x1F600,
        0x10FFFF,
    ):
        subject = f"ada{chr(code)}"
        why = "no control character; what is odd in it is escaped later"
        found.append(accepted(f"sub_with_u{code:04x}", encoded(claims(sub=subject)), why, subject=subject))
    raw = encoded_bytes(json.dumps(claims(sub="Ådå 😀"), ensure_ascii=False))
    raw_control = [
        refused(f"sub_with_raw_u{code:04x}", encoded_bytes(json.dumps(claims(sub=chr(code)), ensure_ascii=False)), MALFORMED,
                "a control character that JSON lets stand unescaped")
        for code in (0x7F, 0x9F)
    ]  # fmt: skip
    return [
        *found,
        *raw_control,
        accepted("sub_raw_utf8", raw, "UTF-8 as it is", subject="Ådå 😀"),
        accepted("sub_absent", encoded(claims(sub=ABSENT)), "a session may name nobody", subject=None),
        accepted("sub_empty", encoded(claims(sub="")), "the empty text names nobody", subject=None),
        accepted("sub_space", encoded(claims(sub=" ")), "nothing is trimmed", subject=" "),
        accepted("sub_of_256", encoded(claims(sub="a" * 256)), "the cap of subjects", subject="a" * 256),
        refused("sub_of_257", encoded(claims(sub="a" * 257)), MALFORMED, "over the cap of subjects"),
        refused("sub_of_258_bytes", encoded(claims(sub="é" * 129)), MALFORMED, "over the cap of subjects, which counts bytes"),
        refused("sub_of_3000", encoded(claims(sub="a" * 3000)), MALFORMED, "over the cap of subjects"),
        accepted("sub_escaped", with_claim(sub='"\\u0061da"'), "the text after unescaping"),
        refused("sub_lone_surrogate", with_claim(sub='"\\ud800"'), MALFORMED, "half a surrogate pair is no character"),
        refused("sub_only_a_control_character", encoded(claims(sub="\0")), MALFORMED, "a control character"),
        refused("sub_control_character_in_front", encoded(claims(sub="\nada")), MALFORMED, "a control character"),
        accepted("jti_text", encoded(claims(jti="5f1c")), "an id changes nothing"),
        accepted("jti_empty", encoded(claims(jti="")), "an id changes nothing"),
    ]


def issuers() -> list[Case]:
    reason = "issuer_not_allowed"
    wrong = {
        "absent": ABSENT, "empty": "", "trailing_slash": ISSUER + "/", "upper_case": ISSUER.upper(),
        "http": ISSUER.replace("https", "http"), "with_port": ISSUER + ":443", "host_only": "portal.example.org",
        "prefix": ISSUER[:-1], "longer": ISSUER + ".attacker.example", "leading_space": " " + ISSUER,
        "trailing_space": ISSUER + " ", "trailing_newline": ISSUER + "\n", "trailing_nul": ISSUER + "\0",
        "percent": ISSUER.replace("p", "%70", 1), "other": "https://attacker.example", "trailing_dot": ISSUER + ".",
    }  # fmt: skip
    return [
        *(refused(f"issuer_{name}", encoded(claims(iss=value)), reason, "compared exactly") for name, value in wrong.items()),
        accepted("issuer_right", encoded(claims()), "the configured issuer"),
        accepted("issuer_escaped", with_claim(iss='"https:\\/\\/portal.example.org"'), "compared after unescaping"),
        accepted("issuer_unasked_and_absent", encoded(claims(iss=ABSENT)), "none is configured", issuer=None),
        accepted("issuer_unasked_and_other", encoded(claims(iss="anyone")), "none is configured", issuer=None),
        accepted("issuer_unasked_and_empty", encoded(claims(iss="")), "none is configured", issuer=None),
        accepted("issuer_unasked_with_control", encoded(claims(iss="a\n")), "it is a text, and nothing reads it", issuer=None),
        accepted("issuer_of_other_shape", encoded(claims(iss="portal")), "any text can be an issuer", issuer="portal"),
    ]


def audiences() -> list[Case]:
    reason = "audience_not_allowed"
    wrong = {
        "absent": ABSENT, "empty": "", "no_slash": AUDIENCE[:-1], "two_slashes": AUDIENCE + "/",
        "path": AUDIENCE + "app",
        "prefix": AUDIENCE[:-2], "upper_case": AUDIENCE.upper(), "capital_host": AUDIENCE.replace("report", "Report"),
        "http": AUDIENCE.replace("https", "http"), "port": "https://report.example.org:443/", "name": "report",
        "dot": "https://report.example.org./", "host": "report.example.org", "leading_space": " " + AUDIENCE,
        "trailing_space": AUDIENCE + " ", "newline": AUDIENCE + "\n", "nul": AUDIENCE + "\0", "query": AUDIENCE + "?",
        "user": "https://ada@report.example.org/", "other": "https://training.example.org/", "wildcard": "*",
        "pattern": "https://*.example.org/", "staging": "https://report.staging.example.org/",
        "fragment": AUDIENCE + "#",
        "percent": AUDIENCE.replace("r", "%72", 1), "comma": f"{AUDIENCE},https://training.example.org/",
        "of_none": [], "of_others": ["https://training.example.org/", "report"], "of_the_empty_text": [""],
        "of_near_misses": [AUDIENCE[:-1], AUDIENCE.upper(), AUDIENCE + " "],
    }  # fmt: skip
    malformed = {
        "null": None, "number": 7, "true": True, "false": False, "object": {AUDIENCE: True},
        "with_number": [AUDIENCE, 7], "with_null": [None, AUDIENCE], "nested": [[AUDIENCE]],
        "with_object": [AUDIENCE, {}],
    }  # fmt: skip
    right = {
        "text": AUDIENCE, "of_one": [AUDIENCE], "first": [AUDIENCE, "x"], "last": ["x", "", AUDIENCE],
        "middle": ["x", AUDIENCE, "y"], "twice": [AUDIENCE, AUDIENCE], "among_200": [*map(str, range(200)), AUDIENCE],
    }  # fmt: skip
    return [
        *(
            refused(f"audience_{name}", encoded(claims(aud=value)), reason, "must name the dashboard exactly")
            for name, value in wrong.items()
        ),
        *(
            refused(f"audience_{name}", encoded(claims(aud=value)), MALFORMED, "a text or an array of texts")
            for name, value in malformed.items()
        ),
        *(accepted(f"audience_{name}", encoded(claims(aud=value)), "names the dashboard") for name, value in right.items()),
        accepted("audience_configured_otherwise", encoded(claims(aud="reports")), "any text can be one", audience="reports"),
    ]
