"""What every signed format refuses: values changed, cut and joined after they were signed, and other spellings of them."""

import hashlib
import hmac

from cases import ALPHABET, NOW, Case
from signed_cases import CLAIMS, CURRENT, INVALID, MALFORMED, USER, Format
from signed_shared import SILENT

HEX = "0123456789abcdef"


def cases(made: Format) -> list[Case]:
    found = [*tampered(made), *cut(made), *signatures(made), *spellings(made), *surroundings(made)]
    if made.max_age is None:
        return found
    found += odd_times(made)
    return [*found, *parts(made)] if made.before == INVALID else found


def tampered(made: Format) -> list[Case]:
    signed, signature = made.split(made.unwire(made.make(USER)))
    begin = made.begin(signed)
    changed = {f"payload_character_{place}": (signed, begin + place) for place in ((0, 1, 5, 11) if made.json else range(4))}
    if made.max_age is not None:
        time = made.time(NOW)
        changed |= {f"time_character_{place}": (signed, signed.rindex(time) + place) for place in (0, 2, len(time) - 1)}
    changed |= {f"signature_character_{place}": (signature, place) for place in (0, 1, 7, 13, 20, len(signature) - 2)}
    why = "one character differs"
    return [
        made.refused(name, made.wire(made.joined(swapped(signed, place), signature) if text is signed
                                     else made.joined(signed, swapped(signature, place))), INVALID, why)
        for name, (text, place) in changed.items()
    ]  # fmt: skip


def swapped(text: bytes, place: int) -> bytes:
    """One character is another of its kind: a digit stays a digit, a hexadecimal digit one."""
    letter = chr(text[place])
    digits = next(digits for digits in ("0123456789", HEX, ALPHABET[:62], letter) if letter in digits)
    changed = digits[(digits.index(letter) + 1) % len(digits)] if len(digits) > 1 else "A"
    return text[:place] + changed.encode() + text[place + 1 :]


def cut(made: Format) -> list[Case]:
    value = made.unwire(made.make(USER))
    signed, signature = made.split(value)
    ends = value.removesuffix(signature)
    rows = {f"cut_by_{count}": signature[:-count] for count in (1, 2, 3, 4, 8)}
    rows |= {"cut_to_one": signature[:1], "cut_to_half": signature[: len(signature) // 2], "signature_absent": b"",
             "one_longer": signature + b"A", "four_longer": signature + b"AAAA", "signature_twice": signature * 2,
             "signature_and_zeros": signature + b"00"}  # fmt: skip
    found = []
    for name, text in rows.items():
        reason = INVALID if made.canonical(text) else MALFORMED
        found.append(made.refused(name, made.wire(ends + text), reason, "the signature's text is not whole"))
    return [
        *found,
        made.refused("first_character_absent", made.make(USER).strip(b'"')[1:], made.before, "cut at the front"),
        made.refused("empty_text", b"", MALFORMED, "nothing"),
        made.refused("one_letter", made.wire(b"A"), MALFORMED, "next to nothing"),
        made.refused("only_a_signature", made.wire(signature), MALFORMED, "nothing that is signed"),
        made.refused("separator_and_signature", made.wire(made.separator + signature), MALFORMED, "nothing that is signed"),
        made.refused("only_a_separator", made.wire(made.separator), MALFORMED, "nothing at all"),
        made.refused("2048_letters", made.wire(b"A" * 2048), MALFORMED, "no separator"),
    ]


def signatures(made: Format) -> list[Case]:
    """Well spelled, and wrong."""
    signed, signature = made.split(made.unwire(made.make(USER)))
    raw = made.unspelled(signature)
    hashes = {20: "sha1", 32: "sha256"}
    rows = {
        "of_zeros": bytes(len(raw)), "reversed": raw[::-1], "of_half_its_bytes": raw[: len(raw) // 2],
        "of_one_byte": raw[:1], "with_a_byte_more": raw + b"\0",
        "of_plain_hash": hashlib.new(hashes[len(raw)], CURRENT.secret + signed).digest(),
        "with_key_and_text_swapped": hmac.digest(signed, CURRENT.secret, hashes[len(raw)]),
        "of_sha512": hmac.digest(CURRENT.secret, signed, "sha512"),
        "of_md5": hmac.digest(CURRENT.secret, signed, "md5"),
        "of_nothing": made.unspelled(made.signature(b"")),
        "over_one_byte_more": made.unspelled(made.signature(signed + b".")),
        "of_another_value": made.unspelled(made.split(made.unwire(made.make({"user": "eve"})))[1]),
    }  # fmt: skip
    for bit in (0, 1, 7, 8, 77, 8 * len(raw) - 1):
        changed = bytearray(raw)
        changed[bit // 8] ^= 0x80 >> bit % 8
        rows[f"bit_{bit}"] = bytes(changed)
    why = "not the signature of this text"
    return [
        made.refused(f"signature_{name}", made.wire(made.joined(signed, made.spelled(value))), INVALID, why)
        for name, value in rows.items()
    ]


def spellings(made: Format) -> list[Case]:
    """The right signature in other words: a value has one spelling."""
    people = (made.unwire(made.make({"user": f"anna {number}"})) for number in range(1000))
    signed, signature = next(parts for parts in map(made.split, people) if has_both(made, parts[1]))
    raw = made.unspelled(signature)
    text = signature.decode()
    swap = str.maketrans("+/-_", "-_+/")
    rows = {
        "padded": text + "=", "padded_twice": text + "==", "other_alphabet": text.translate(swap),
        "upper_case": text.upper(), "hex_in_upper_case": raw.hex().upper(), "space_inside": text[:9] + " " + text[9:],
        "newline_at_the_end": text + "\n", "nul_at_the_end": text + "\0", "mark_inside": text[:8] + "!" + text[8:],
        "beyond_ascii": text[:-1] + "é", "fullwidth": text[:-1] + "１", "prefixed": "sha1=" + text,
    }  # fmt: skip
    rows |= {f"loose_ending_{number}": ending for number, ending in enumerate(loose(text), 1)}
    why = "the same bytes in another spelling, or no spelling at all"
    found = []
    for name, changed in rows.items():
        if changed != text:
            reason = INVALID if made.canonical(changed.encode()) else MALFORMED
            value = made.wire(made.joined(signed, changed.encode()))
            found.append(made.refused(f"signature_{name}", value, reason, why))
    return found


def has_both(made: Format, signature: bytes) -> bool:
    marks = [b"-", b"_"] if made.spelled(b"\xfb\xff").startswith(b"-") else [b"+", b"/"]
    return made.spelled(b"\xfb") == b"fb" or all(mark in signature for mark in marks)


def loose(text: str) -> list[str]:
    """Other last characters of which a careless base64 decoder makes the same bytes; none where all bits are used."""
    alphabet = ALPHABET if not {"+", "/"} & set(text) else ALPHABET[:62] + "+/"
    unused = {0: 0, 2: 4, 3: 2}[len(text) % 4]
    last = alphabet.index(text[-1])
    return [text[:-1] + alphabet[last | bits] for bits in range(1, 1 << unused)]


def surroundings(made: Format) -> list[Case]:
    outside = {
        "space": b" ", "tab": b"\t", "newline": b"\n", "nul": b"\0", "comma": b",", "no_break_space": b"\xc2\xa0",
        "latin1_no_break_space": b"\xa0", "byte_ff": b"\xff", "backslash": b"\\",
    }  # fmt: skip
    value = made.make(USER)
    found = []
    for name, extra in outside.items():
        found.append(made.refused(f"{name}_before", extra + value, made.before, "nothing is trimmed"))
        found.append(made.refused(f"{name}_after", value + extra, MALFORMED, "nothing is trimmed"))
    return [
        *found,
        made.refused("quote_before", b'"' + value.strip(b'"'), MALFORMED if made.quotes else made.before, "half a quote"),
        made.refused("quote_after", value.strip(b'"') + b'"', MALFORMED, "half a quote"),
        made.refused("two_values", value + b"," + value, made.joined_values, "one value only"),
        made.refused("twice_quoted", b'""' + value.strip(b'"') + b'""', MALFORMED, "quoted once at most"),
        made.refused("quote_alone", b'"', MALFORMED, "half of nothing"),
        made.refused("quotes_alone", b'""', MALFORMED, "nothing, quoted"),
        made.refused("utf16", value.decode().encode("utf-16"), MALFORMED, "another encoding"),
    ]


def odd_times(made: Format) -> list[Case]:
    """Times that only a holder of the key could sign."""
    rows = {
        "empty": b"", "space": b" ", "negative": b"-1", "signed": b"+" + made.time(NOW), "with_underscore": b"1_1",
        "beyond_ascii": "é".encode(), "of_30_digits": b"9" * 30, "of_a_newline": made.time(NOW) + b"\n",
        "with_a_fraction": made.time(NOW) + b",5", "with_spaces": b" " + made.time(NOW), "of_letters_no_digits": b"@@@@@@",
    }  # fmt: skip
    why = "signed, but the library writes no such time"
    settings = SILENT if made.json else None
    return [
        made.refused(f"time_{name}", made.told(time=text, settings=settings), CLAIMS, why, settings=settings)
        for name, text in {**rows, **made.odd_times()}.items()
    ]


def parts(made: Format) -> list[Case]:
    """Separators and parts that are there twice or not at all, in formats that split from the right."""
    sep, value = made.separator, made.make(USER)
    signed, signature = made.split(value)
    payload, time = made.split(signed)
    return [
        made.refused("no_time", payload + sep + signature, MALFORMED, "two parts"),
        made.refused("no_time_but_signed", made.resigned(payload), MALFORMED, "two parts, signed"),
        made.refused("no_signature", signed, MALFORMED, "two parts"),
        made.refused("no_payload", sep + time + sep + signature, MALFORMED, "an empty part"),
        made.refused("no_payload_but_signed", made.told(payload=b""), MALFORMED, "an empty part, signed"),
        made.refused("time_twice", payload + sep + time + sep + time + sep + signature, INVALID, "four parts"),
        made.refused("payload_twice", payload + sep + value, INVALID, "four parts"),
        made.refused("signature_twice_in_parts", value + sep + signature, INVALID, "four parts"),
        made.refused("value_twice", value + sep + value, INVALID, "six parts"),
        made.refused("separator_twice_before_the_signature", signed + sep + sep + signature, INVALID, "an empty part"),
        made.refused("separator_twice_before_the_time", payload + sep + sep + time + sep + signature, INVALID, "an empty part"),
        made.refused("separator_before", sep + value, INVALID, "an empty part"),
        made.refused("separator_after", value + sep, INVALID, "an empty signature"),
        made.refused("other_separator", value.replace(sep, b"|"), MALFORMED, "no separator at all"),
        made.refused("parts_reversed", sep.join([signature, time, payload]),
                     INVALID if made.canonical(payload.lstrip(sep)) else MALFORMED, "the order counts"),
        made.refused("time_of_another_value", made.joined(made.signed(payload, made.time(NOW - 1)), signature), INVALID,
                     "another time"),
        made.refused("parts_of_two_values", made.joined(made.signed(made.payload(b'{"user":"eve"}'), time), signature),
                     INVALID, "another payload"),
    ]  # fmt: skip
