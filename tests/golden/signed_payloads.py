"""Payloads of JSON that hold no subject where one is demanded, and those that only a holder of the key could sign."""

import base64
import json
import zlib

from cases import Case, base64url, loose_endings
from signed_cases import CLAIMS, NAMELESS, Format
from signed_shared import SILENT

ANNA = b'{"user":"anna"}'
DEEP = {"subject_from": "user.name"}

# Objects that a library writes without ado, and where the subject was looked for.
NOBODY = {
    "absent": ({"name": "anna"}, "user"), "in_other_case": ({"User": "anna"}, "user"), "null": ({"user": None}, "user"),
    "empty": ({"user": ""}, "user"),
    "too_deep": ({"user": "anna"}, "user.name"), "through_a_list": ({"user": [{"name": "anna"}]}, "user.0.name"),
    "through_null": ({"user": None}, "user.name"), "absent_inside": ({"user": {"id": 7}}, "user.name"),
    "member_with_a_dot": ({"user.name": "anna"}, "user.name"), "outside_the_path": ({"user": {}, "name": "anna"}, "user.name"),
}  # fmt: skip
NO_NAME = {
    "true": ({"user": True}, "user"), "with_fraction": ({"user": 7.5}, "user"), "of_7_0": ({"user": 7.0}, "user"),
    "negative": ({"user": -7}, "user"), "over_2_to_64": ({"user": 2**64}, "user"), "list": ({"user": ["anna"]}, "user"),
    "object": ({"user": {"name": "anna"}}, "user"),
    "of_257_letters": ({"user": "a" * 257}, "user"), "of_258_bytes": ({"user": "é" * 129}, "user"),
    "with_newline": ({"user": "anna\nroot"}, "user"), "with_carriage_return": ({"user": "anna\r"}, "user"),
    "with_nul": ({"user": "anna\0"}, "user"), "with_tab": ({"user": "an\tna"}, "user"),
    "with_escape": ({"user": "\x1b[31manna"}, "user"), "with_delete": ({"user": "anna\x7f"}, "user"),
    "with_c1_control": ({"user": "anna\x85"}, "user"), "with_half_a_pair": ({"user": "anna\ud83e"}, "user"),
}  # fmt: skip

# Texts under a good signature; the second says whether Python's json reads them.
ODD_JSON = {
    "list": b'[{"user":"anna"}]', "text": b'"user"', "number": b"7", "null": b"null",
    "member_twice": b'{"user":"eve","user":"anna"}', "other_member_twice": b'{"a":1,"a":2,"user":"anna"}',
    "member_twice_by_escape": b'{"user":"eve","\\u0075ser":"anna"}', "not_a_number": b'{"user":"anna","a":NaN}',
    "infinity": b'{"user":"anna","a":-Infinity}', "over_the_largest_number": b'{"user":"anna","a":1e999}',
    "byte_order_mark": b'\xef\xbb\xbf{"user":"anna"}', "latin1": b'{"user":"Zo\xeb"}', "utf16": '{"user":"anna"}'.encode("utf-16-le"),
    "cut": b'{"user":"anna"', "two_texts": b'{"user":"anna"}{"user":"eve"}', "comma_at_the_end": b'{"user":"anna",}',
    "single_quotes": b"{'user':'anna'}", "comment": b'{"user":"anna"/**/}', "no_json": b"anna", "form": b"user=anna",
    "nul_at_the_end": b'{"user":"anna"}\0', "raw_newline": b'{"user":"an\nna"}', "overlong_utf8": b'{"user":"\xc0\xaf"}',
    "subject_with_exponent": b'{"user":7e0}', "subject_minus_0": b'{"user":-0}', "subject_with_leading_zero": b'{"user":07}',
    "nested_33_deep": b'{"user":"anna","a":' + b"[" * 32 + b"]" * 32 + b"}",
}  # fmt: skip

# The other way round: odd, and still one text with one meaning.
PLAIN_JSON = {
    "spaced": b' { "user" :\t"anna" }\r\n ', "escaped": b'{"\\u0075ser":"\\u0061nna"}', "raw_utf8": '{"user":"Zoë"}'.encode(),
    "nested_32_deep": b'{"user":"anna","a":' + b"[" * 31 + b"]" * 31 + b"}", "pair_of_escapes": b'{"user":"\\ud83e\\udd8a"}',
}  # fmt: skip


def cases(made: Format) -> list[Case]:
    found = []
    for reason, payloads in ((NAMELESS, NOBODY), (CLAIMS, NO_NAME)):
        for name, (payload, path) in payloads.items():
            settings = {"subject_from": path}
            value = made.told(json.dumps(payload).encode(), settings=settings)
            found.append(made.refused(f"subject_{name}", value, reason, "no subject where one is demanded", settings=settings))
    for name, raw in ODD_JSON.items():
        found.append(made.refused(f"json_{name}", made.told(raw), CLAIMS, "signed, and no JSON object with one meaning"))
    found.append(made.refused("json_empty_object", made.told(b"{}"), NAMELESS, "no member at all"))
    for name, raw in PLAIN_JSON.items():
        subject = json.loads(raw)["user"]
        found.append(made.accepted(f"json_{name}", made.told(raw), "JSON that the library does not write", subject))
    found += texts(made)
    return found if made.always_read else [*found, *unread(made)]


def unread(made: Format) -> list[Case]:
    """What nobody reads, or not as JSON."""
    whole = {"subject_from": "."}
    return [
        made.accepted("subject_is_the_whole_text", made.told(b"anna@example.org"), "no JSON is asked for", "anna@example.org",
                      settings=whole),
        made.accepted("subject_is_the_whole_json", made.told(b'"anna"'), "the payload's text, JSON's quotes too", '"anna"',
                      settings=whole),
        made.refused("whole_text_of_257_letters", made.told(b"a" * 257), CLAIMS, "over the cap of subjects", settings=whole),
        made.refused("whole_text_with_newline", made.told(b"an\nna"), CLAIMS, "a control character", settings=whole),
        made.refused("whole_text_not_utf8", made.told(b"Zo\xeb"), CLAIMS, "not UTF-8", settings=whole),
        made.accepted("json_unread", made.told(b"anna"), "nothing reads the payload where no subject is asked for",
                      settings=SILENT),
    ]  # fmt: skip


def texts(made: Format) -> list[Case]:
    """Spellings of the payload's bytes, signed: the library's decoder is looser than its encoder."""
    raw = next(text for number in range(1000) if has_marks(made.payload(text := b'{"user":"anna","n":"%d>~?\xc3\xbf"}' % number)))
    padded, bare = base64.b64encode(raw).decode(), made.payload(raw).decode().rstrip("=")
    long = b'{"user":"anna"}  '
    plain = made.payload(raw).decode()
    rows = {
        "other_padding": bare if plain != bare else padded.translate(str.maketrans("+/", "-_")),
        "padded_three_times": bare + "===", "other_alphabet": plain.translate(str.maketrans("+/-_", "-_+/")),
        "space_inside": plain[:8] + " " + plain[8:], "newline_inside": plain[:8] + "\n" + plain[8:],
        "mark_inside": plain[:8] + "!" + plain[8:], "cut_by_one": bare[:-1] if len(bare) % 4 == 2 else bare + "A",
        "nul_inside": plain[:8] + "\0" + plain[8:], "beyond_ascii": plain + "é", "of_padding": "====",
    }  # fmt: skip
    ends = base64url(long)
    fill = "=" * (-len(ends) % 4) if plain != bare or made.payload(b"a").endswith(b"=") else ""
    rows |= {f"loose_ending_{number}": text + fill for number, text in enumerate(loose_endings(ends), 1)}
    why = "signed, and not base64 as the library writes it"
    found = [made.refused(f"payload_{name}", made.told(payload=text.encode()), CLAIMS, why) for name, text in rows.items()]
    if made.always_read:
        return found
    text = rows["mark_inside"].encode()
    why = "nothing reads the payload where no subject is asked for"
    return [*found, made.accepted("payload_unread", made.told(payload=text, settings=SILENT), why, settings=SILENT)]


def has_marks(text: bytes) -> bool:
    marks = text.translate(bytes.maketrans(b"+/", b"-_"))
    return b"-" in marks and b"_" in marks and len(text.rstrip(b"=")) % 4 != 0


def compressed(made: Format) -> list[Case]:
    """zlib, for the libraries that compress: a dot before the payload says so."""

    def packed(raw: bytes, level: int = 9, bits: int = 15) -> bytes:
        packer = zlib.compressobj(level, zlib.DEFLATED, bits)
        return packer.compress(raw) + packer.flush()

    def value(data: bytes, before: bytes = b".") -> bytes:
        return made.told(payload=before + base64url(data).encode())

    def filled(size: int) -> bytes:
        return b'{"user":"anna","fill":"' + b"a" * (size - 25) + b'"}'

    assert len(filled(65536)) == 65536
    good, usual = packed(ANNA), packed(filled(65536))
    rows = {
        "cut": good[:-1], "without_checksum": good[:-4], "with_wrong_checksum": good[:-1] + bytes([good[-1] ^ 1]),
        "with_wrong_header": b"\x78\x00" + good[2:], "raw_deflate": packed(ANNA, bits=-15), "gzip": packed(ANNA, bits=31),
        "empty": b"", "not_at_all": ANNA, "twice": packed(good), "of_nothing": packed(b""), "of_no_json": packed(b"anna"),
        "of_65537_bytes": packed(filled(65537)), "of_a_megabyte": packed(filled(2**20)), "header_alone": good[:2],
        "cut_in_the_middle": usual[: len(usual) // 2],
    }  # fmt: skip
    why = "signed, and no zlib of a payload within 64 KiB"
    found = [made.refused(f"compressed_{name}", value(data), CLAIMS, why) for name, data in rows.items()]
    return [
        *found,
        made.refused("compressed_of_no_subject", value(packed(b'{"name":"anna"}')), NAMELESS, "no such member"),
        *[made.accepted(f"compressed_at_level_{level}", value(packed(ANNA * 1, level)), "any zlib", "anna") for level in (0, 1, 6)],
        made.accepted("compressed_in_a_small_window", value(packed(ANNA, bits=9)), "any zlib", "anna"),
        made.accepted("compressed_65536_bytes", value(usual), "the most that is inflated", "anna"),
        made.refused("compressed_without_the_dot", value(good, b""), CLAIMS, "zlib's bytes are no JSON"),
        made.refused("compressed_with_two_dots", value(good, b".."), CLAIMS, "one dot says it"),
        made.refused("dot_before_plain_json", value(ANNA), CLAIMS, "a dot before what is not compressed"),
        made.accepted("compressed_unread", made.told(payload=b".AAAA", settings=SILENT), "nothing inflates it", settings=SILENT),
    ]  # fmt: skip
