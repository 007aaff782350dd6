"""Ways to write a JSON object that a strict reader refuses, and unusual ones that it must still take.

Each takes the text of a good object and gives (name, bytes, why). "Strict" is RFC 8259 in UTF-8 without a
byte order mark, no name twice in one object after unescaping, and at most 32 levels, the top object being level 1.
"""

DEEPEST = 32

Variant = tuple[str, bytes, str]


def with_member(text: str, member: str) -> str:
    """The object with one more member at its end."""
    return f"{text[:-1]},{member}}}"


def nested_arrays(levels: int) -> str:
    return "[" * levels + "]" * levels


def nested_objects(levels: int) -> str:
    return '{"n":' * (levels - 1) + "{}" + "}" * (levels - 1)


def broken(text: str) -> list[Variant]:
    good = text.encode()
    return [*broken_encoding(text, good), *broken_whole(text, good), *broken_members(text)]


def broken_encoding(text: str, good: bytes) -> list[Variant]:
    def holding(content: bytes) -> bytes:
        return good[:-1] + b',"x":"' + content + b'"}'

    return [
        ("utf8_bom", b"\xef\xbb\xbf" + good, "a byte order mark is not part of JSON"),
        ("utf16_little_endian", text.encode("utf-16-le"), "JSON here is UTF-8; Python's reader guesses the encoding"),
        ("utf16_big_endian", text.encode("utf-16-be"), "JSON here is UTF-8; Python's reader guesses the encoding"),
        ("utf16_with_mark", text.encode("utf-16"), "JSON here is UTF-8; Python's reader guesses the encoding"),
        ("utf32_little_endian", text.encode("utf-32-le"), "JSON here is UTF-8; Python's reader guesses the encoding"),
        ("stray_byte", holding(b"\xff"), "FF is no UTF-8"),
        ("latin1_letter", holding(b"\xe9"), "Latin-1 is not UTF-8"),
        ("overlong_slash", holding(b"\xc0\xaf"), "an overlong form is no UTF-8"),
        ("raw_surrogate", holding(b"\xed\xa0\x80"), "surrogates do not exist in UTF-8; Python's reader lets them pass"),
        ("beyond_unicode", holding(b"\xf4\x90\x80\x80"), "UTF-8 ends at U+10FFFF"),
        ("cut_sequence", holding(b"\xe2\x82"), "a UTF-8 sequence is cut short"),
        ("raw_newline", holding(b"a\nb"), "control bytes in a string must be escaped"),
        ("raw_tab", holding(b"a\tb"), "control bytes in a string must be escaped"),
        ("raw_nul", holding(b"a\0b"), "control bytes in a string must be escaped"),
    ]


def broken_whole(text: str, good: bytes) -> list[Variant]:
    return [
        ("empty", b"", "nothing is no object"),
        ("only_space", b"  ", "white space is no object"),
        ("array", b"[" + good + b"]", "the top must be an object"),
        ("string", b'"' + text.replace('"', "").encode() + b'"', "the top must be an object"),
        ("number", b"1", "the top must be an object"),
        ("null", b"null", "the top must be an object"),
        ("trailing_comma", good[:-1] + b",}", "JSON has no trailing comma"),
        ("leading_comma", b"{," + good[1:], "JSON has no leading comma"),
        ("unterminated", good[:-1], "the object is not closed"),
        ("closed_twice", good + b"}", "nothing may follow the object"),
        ("two_objects", good + good, "nothing may follow the object"),
        ("trailing_nul", good + b"\0", "nothing may follow the object"),
        ("trailing_text", good + b" x", "nothing may follow the object"),
        ("form_feed_before", b"\x0c" + good, "form feed is no JSON white space"),
        ("no_break_space_before", b"\xc2\xa0" + good, "U+00A0 is no JSON white space"),
        ("single_quotes", text.replace('"', "'").encode(), "JSON strings stand in double quotes"),
        ("comment", b"/*x*/" + good, "JSON has no comments"),
    ]


def broken_members(text: str) -> list[Variant]:
    members = [
        ("duplicate_member", '"x":1,"x":1', "one name twice: readers differ on which counts"),
        ("duplicate_after_unescaping", '"x":1,"\\u0078":1', "names are compared after unescaping"),
        ("nested_duplicate", '"x":{"y":1,"y":2}', "no duplicates at any depth"),
        ("duplicate_inside_array", '"x":[{"y":1,"y":2}]', "no duplicates at any depth"),
        ("arrays_33_deep", f'"x":{nested_arrays(DEEPEST)}', "level 33"),
        ("objects_33_deep", f'"x":{nested_objects(DEEPEST)}', "level 33"),
        ("arrays_500_deep", f'"x":{nested_arrays(500)}', "depth must not cost stack"),
        ("not_a_number", '"x":NaN', "NaN is no JSON; Python's reader takes it"),
        ("infinity", '"x":Infinity', "Infinity is no JSON; Python's reader takes it"),
        ("negative_infinity", '"x":-Infinity', "-Infinity is no JSON; Python's reader takes it"),
        ("number_beyond_double", '"x":1e400', "a number that no double holds has no one meaning"),
        ("leading_zero", '"x":01', "no leading zeros"),
        ("plus_sign", '"x":+1', "no plus sign"),
        ("leading_point", '"x":.5', "a digit comes before the point"),
        ("trailing_point", '"x":1.', "a digit comes after the point"),
        ("bare_exponent", '"x":1e', "an exponent has digits"),
        ("hexadecimal", '"x":0x10', "no hexadecimal"),
        ("capital_literal", '"x":True', "literals are lower case"),
        ("missing_value", '"x":', "a member has a value"),
        ("missing_colon", '"x" 1', "a member has a colon"),
        ("unquoted_name", "x:1", "names are strings"),
        ("bad_escape", '"x":"\\x41"', "\\x is no JSON escape"),
        ("short_escape", '"x":"\\u41"', "\\u takes four digits"),
        ("lone_high_surrogate", '"x":"\\ud800"', "half a surrogate pair is no character; Python's reader takes it"),
        ("lone_low_surrogate", '"x":"\\udc00"', "half a surrogate pair is no character; Python's reader takes it"),
        ("swapped_surrogates", '"x":"\\udc00\\ud800"', "a surrogate pair the wrong way round is no character"),
        ("unterminated_string", '"x":"a', "the string is not closed"),
    ]
    return [(name, with_member(text, member).encode(), why) for name, member, why in members]


def spaced(text: str) -> list[Variant]:
    """Objects with the same members, written otherwise."""
    name = text[2 : text.index('"', 2)]
    escaped = f"\\u{ord(name[0]):04x}{name[1:]}"
    return [
        ("space_around", b" \t\r\n" + text.encode() + b"\n ", "JSON white space around the object means nothing"),
        ("space_inside", text.replace('":', '" :\t').encode(), "JSON white space inside the object means nothing"),
        ("escaped_name", text.replace(name, escaped, 1).encode(), "an escaped name is the same name"),
    ]


def unusual(text: str) -> list[Variant]:
    """Objects with one more member that a strict reader has no reason to refuse."""
    members = [
        ("arrays_31_deep", f'"x":{nested_arrays(DEEPEST - 2)}', "level 31"),
        ("arrays_32_deep", f'"x":{nested_arrays(DEEPEST - 1)}', "level 32 is the last one allowed"),
        ("objects_32_deep", f'"x":{nested_objects(DEEPEST - 1)}', "level 32 is the last one allowed"),
        ("wide_array", f'"x":[{"[]," * 40}[]]', "depth counts levels, not brackets"),
        ("same_name_on_two_levels", '"x":{"x":{"x":1}}', "the same name in different objects is no duplicate"),
        ("names_that_differ_in_case", '"x":1,"X":2', "names are compared exactly"),
        ("empty_name", '"":1', "the empty text is a name"),
        ("brackets_in_a_string", f'"x":"{"[" * 40}"', "depth counts brackets outside strings"),
        ("surrogate_pair", '"x":"\\ud83d\\ude00"', "a whole surrogate pair is one character"),
        ("escaped_nul", '"x":"\\u0000"', "an escaped control character is JSON, where no rule reads the member"),
        ("every_escape", '"x":"\\"\\\\\\/\\b\\f\\n\\r\\t"', "all short escapes of RFC 8259"),
        ("raw_text", '"x":"é€😀\u007f"', "UTF-8 needs no escapes, and DEL is none"),
        ("numbers", '"x":[0,-0,-1.5e-3,1E+2,0.0,123456789012345678901234567890]', "all forms of RFC 8259"),
    ]
    return [(name, with_member(text, member).encode(), why) for name, member, why in members]
