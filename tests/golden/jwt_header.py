"""JWT cases about the header: strict JSON, the algorithm, parameters that change the meaning, and the key id."""

import json

import jwt

import strict_json
from cases import Case, base64url
from jwt_tokens import (
    ABSENT,
    CURRENT,
    HEADER_TEXT,
    OLD,
    accepted,
    claims,
    claims_text,
    encoded,
    header_text,
    mac,
    refused,
    signed,
)

MALFORMED = "token_malformed"


def cases() -> list[Case]:
    return [*json_text(), *types(), *algorithms(), *parameters(), *key_ids()]


def json_text() -> list[Case]:
    unusual = strict_json.spaced(HEADER_TEXT) + strict_json.unusual(HEADER_TEXT)
    return [
        *(refused(f"header_{name}", signed(text), MALFORMED, why) for name, text, why in strict_json.broken(HEADER_TEXT)),
        *(accepted(f"header_{name}", signed(text), why) for name, text, why in unusual),
        refused(
            "header_algorithm_twice",
            signed(strict_json.with_member(HEADER_TEXT, '"alg":"HS256"')),
            MALFORMED,
            "even the same value twice is a duplicate",
        ),
        refused(
            "header_other_algorithm_first",
            signed('{"alg":"none",' + HEADER_TEXT[1:]),
            MALFORMED,
            "the first or the last may count: neither does",
        ),
        refused(
            "header_key_id_twice",
            signed(strict_json.with_member(HEADER_TEXT, f'"k\\u0069d":"{OLD.id}"')),
            MALFORMED,
            "a duplicate after unescaping",
        ),
    ]


def types() -> list[Case]:
    found = []
    for member in ("alg", "kid", "typ"):
        for name, value in (
            ("number", "256"), ("null", "null"), ("true", "true"), ("array", '["HS256"]'), ("object", "{}"),
        ):  # fmt: skip
            token = signed(header_text(**{member: value}))
            found.append(refused(f"{member}_is_{name}", token, MALFORMED, f"{member} is a text when it is there"))
    for name, kind in (("lower_case", "jwt"), ("of_an_access_token", "at+jwt"), ("other", "JOSE"), ("long", "x" * 500)):
        found.append(accepted(f"typ_{name}", encoded(claims(), typ=kind), "the type of a token is not judged"))
    return [
        *found,
        accepted("typ_absent", encoded(claims(), typ=""), "typ is optional"),
        accepted("typ_empty", signed(header_text(typ='""')), "the type of a token is not judged"),
        accepted("content_type", encoded(claims(), cty="JWT"), "members that change no meaning are let be"),
        accepted("unknown_member", encoded(claims(), region="north"), "members that change no meaning are let be"),
    ]


def algorithms() -> list[Case]:
    reason = "algorithm_not_allowed"
    # In each but the last ones the signature is a good HMAC-SHA256: only the name is wrong.
    names = [
        "none", "None", "NONE", "nOnE", "", "hs256", "Hs256", "HS256 ", " HS256", "HS256\n", "HS256\0", "HS-256", "HS 256",
        "HS2560", "HS25", "HS384", "HS512", "RS256", "ES256", "PS256", "EdDSA", "dir", "A256GCM", "ＨＳ256", "HMAC",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
    ]  # fmt: skip
    found = [
        refused(f"algorithm_{name!r}", signed(header_text(alg=json.dumps(name))), reason, "only HS256, exactly") for name in names
    ]
    payload = base64url(claims_text().encode())
    for name, algorithm in (("HS384", "SHA384"), ("HS512", "SHA512")):
        token = jwt.encode(claims(), CURRENT.secret, algorithm=name, headers={"kid": CURRENT.id}).encode()
        found.append(refused(f"algorithm_{name}_signed_so", token, reason, f"a good {name} token under the right secret"))
        message = f"{base64url(HEADER_TEXT.encode())}.{payload}"
        signature = mac(message, CURRENT.secret, getattr(jwt.algorithms.HMACAlgorithm, algorithm))
        why = f"the header says HS256, the signature is {name}'s"
        token = f"{message}.{base64url(signature)}".encode()
        found.append(refused(f"signature_of_{name}", token, "signature_invalid", why))
        token = f"{message}.{base64url(signature[:32])}".encode()
        found.append(refused(f"signature_of_{name}_cut_to_32_bytes", token, "signature_invalid", why))
    unsigned = jwt.encode(claims(), None, algorithm="none", headers={"kid": CURRENT.id}).encode()
    return [
        *found,
        refused("algorithm_absent", signed(header_text(alg=ABSENT)), reason, "the algorithm must be said"),
        refused("algorithm_only_in_other_case", signed(header_text(alg=ABSENT, ALG='"HS256"')), reason, "names are exact"),
        refused("header_empty_object", signed("{}"), reason, "the algorithm must be said"),
        refused("algorithm_none_unsigned", unsigned, MALFORMED, "PyJWT's own unsigned token: its signature is empty"),
        refused("algorithm_none_and_zeros", unsigned + b"A" * 43, reason, "PyJWT's own unsigned token with a signature"),
        accepted(
            "algorithm_escaped",
            signed(header_text(alg='"\\u0048S256"')),
            "the name is compared after unescaping",
        ),
    ]


def parameters() -> list[Case]:
    reason = "header_parameter_not_allowed"
    values = {
        "crit": ['["exp"]', '["b64"]', "[]", "null", '"exp"'],
        "b64": ["true", "false", "null"],
        "zip": ['"DEF"', '""', "null"],
        "jku": ['"https://attacker.example/keys"', '""'],
        "jwk": [json.dumps({"kty": "oct", "k": base64url(b"attacker")}), "{}", "null"],
        "x5u": ['"https://attacker.example/certificate"'],
        "x5c": ['["MIIB"]', "[]"],
        "x5t": ['"AAAA"', "null"],
        "x5t#S256": ['"AAAA"', "null"],
    }
    found = [
        refused(
            f"header_{member}_{number}",
            signed(header_text(**{member: value})),
            reason,
            f"{member} is refused by its presence, whatever it holds",
        )
        for member, texts in values.items()
        for number, value in enumerate(texts, 1)
    ]
    return [
        *found,
        refused(
            "header_crit_escaped",
            signed(header_text(**{"\\u0063rit": '["exp"]'})),
            reason,
            "an escaped name is the same name",
        ),
        refused(
            "header_crit_with_its_extension",
            signed(header_text(crit='["b64"]', b64="true")),
            reason,
            "PyJWT supports b64; the gate supports no extension",
        ),
        refused("header_all_at_once", signed(header_text(jku='""', jwk="{}", x5u='""', zip='"DEF"')), reason, "several"),
        accepted("header_CRIT", signed(header_text(CRIT='["exp"]')), "names are exact: CRIT means nothing"),
        accepted("header_nested_crit", encoded(claims(), extra={"crit": ["exp"]}), "only the header's own members count"),
        accepted("header_x5t_512", encoded(claims(), **{"x5t#S512": "AAAA"}), "no registered parameter"),
    ]


def key_ids() -> list[Case]:
    reason = "key_unknown"
    unknown = {
        "other": "portal-2025-11",
        "empty": "",
        "path": "../../../../dev/null",
        "url": "https://attacker.example/keys/1",
        "query": "' OR 1=1 --",
        "other_case": CURRENT.id.upper(),
        "trailing_space": CURRENT.id + " ",
        "leading_space": " " + CURRENT.id,
        "trailing_newline": CURRENT.id + "\n",
        "trailing_nul": CURRENT.id + "\0",
        "prefix": CURRENT.id[:-1],
        "longer": CURRENT.id + "1",
        "both": f"{CURRENT.id},{OLD.id}",
        "index": "0",
        "other_dash": CURRENT.id.replace("-", "\u2011"),
        "huge": "k" * 5000,
        "secret": base64url(CURRENT.secret),
    }
    found = [
        refused(f"key_id_{name}", encoded(claims(), kid=kid), reason, "not the id of a configured key")
        for name, kid in unknown.items()
    ]
    escaped = "".join(f"\\u{ord(character):04x}" for character in CURRENT.id)
    return [
        *found,
        refused("key_id_not_in_this_ring", encoded(claims(), OLD), reason, "another session kind's key", keys=(CURRENT,)),
        accepted("key_id_escaped", signed(header_text(kid=f'"{escaped}"')), "the id is compared after unescaping"),
        accepted("key_id_absent", encoded(claims(), kid=ABSENT), "without an id every key is tried"),
        accepted("key_id_in_other_case_of_name", encoded(claims(), kid=ABSENT, KID="nobody"), "names are exact: KID is no kid"),
    ]
