"""Makes the golden vectors with the real libraries: one file a library.

python tests/golden/make.py           writes the files
python tests/golden/make.py --check   makes them in memory; exit code 1 if a committed file says otherwise
"""

import json
import os
import sys
import zlib
from collections import Counter
from importlib.metadata import version
from pathlib import Path

sys.dont_write_bytecode = True  # nothing but those files appears here

import bokeh_ids  # noqa: E402
import bokeh_payloads  # noqa: E402
import bokeh_tokens  # noqa: E402
import jwt_claims  # noqa: E402
import jwt_damage  # noqa: E402
import jwt_eddsa  # noqa: E402
import jwt_header  # noqa: E402
import jwt_keys  # noqa: E402
import jwt_order  # noqa: E402
import jwt_shape  # noqa: E402
import jwt_times  # noqa: E402
import signed_django  # noqa: E402
import signed_django_legacy  # noqa: E402
import signed_express  # noqa: E402
import signed_flask  # noqa: E402
import signed_itsdangerous  # noqa: E402
import signed_jupyter  # noqa: E402
import signed_starlette  # noqa: E402
import signed_streamlit  # noqa: E402
import signed_streamlit_tornado  # noqa: E402
import signed_tornado  # noqa: E402
from cases import ACCEPTED, Case  # noqa: E402
from elsewhere import Unreachable  # noqa: E402
from originals import ACCEPTS, opinion  # noqa: E402

HERE = Path(__file__).parent
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

FILES = {
    "jwt.json": ("PyJWT", [jwt_shape, jwt_damage, jwt_header, jwt_keys, jwt_claims, jwt_times, jwt_order]),
    "jwt_eddsa.json": ("PyJWT", [jwt_eddsa]),
    "bokeh.json": ("bokeh", [bokeh_ids, bokeh_tokens, bokeh_payloads]),
    "signed_tornado.json": ("tornado", [signed_tornado]),
    "signed_itsdangerous.json": ("itsdangerous", [signed_itsdangerous]),
    "signed_flask.json": ("Flask", [signed_flask]),
    "signed_starlette.json": ("starlette", [signed_starlette]),
    "signed_django.json": ("Django", [signed_django]),
    "signed_django_legacy.json": ("Django 5.2.8", [signed_django_legacy]),
    "signed_express.json": ("cookie-signature", [signed_express]),
    "signed_jupyter.json": ("jupyter_server", [signed_jupyter]),
    "signed_streamlit.json": ("streamlit", [signed_streamlit]),
    "signed_streamlit_tornado.json": ("streamlit 1.56.0", [signed_streamlit_tornado]),
}

# Libraries that target/venv does not have, and what says which versions are asked.
NOT_HERE = {
    "cookie-signature": signed_express.versions,
    "Django 5.2.8": signed_django_legacy.LIBRARY.versions,
    "jupyter_server": signed_jupyter.LIBRARY.versions,
    "streamlit": signed_streamlit.LIBRARY.versions,
    "streamlit 1.56.0": signed_streamlit_tornado.LIBRARY.versions,
}

# The gate is stricter than the originals, never laxer, but for these. Only a key holder can make any of them.
LAXER = {
    "expiry_fraction_ahead": "PyJWT cuts the fraction off exp and so ends up to a second early",
    "extra_empty": "the gate never inflates, so it cannot see that there is nothing to inflate",
    "extra_garbage": "the gate never inflates, so it cannot see that this is no zlib",
    "extra_with_past_expiry": "the gate never inflates; bokeh lets an inner expiry win over the outer one",
    **{
        f"clock_ahead_by_{ahead}": "the gate allows for a signer's clock that is ahead; itsdangerous, Flask and Starlette do not"
        for ahead in ("1", "30", "300", "half_a_second")
    },
    **{
        name: "without subject_from the gate never reads the payload, and so cannot see that it is none"
        for name in ("payload_unread", "json_unread", "compressed_unread")
    },
    "subject_is_the_whole_text": "subject_from: . asks for no JSON, where the library always does",
    "subject_is_the_whole_json": "subject_from: . asks for no object, where Flask and Starlette do",
}


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    without = os.environ.get("DASHGATE_GOLDEN_WITHOUT") if arguments else None
    documents = {}
    for name, (library, modules) in FILES.items():
        try:
            if library != without:
                documents[name] = document(library, modules)
        except Unreachable as problem:
            if not arguments:
                raise
            print(f"left out: {name} is not made anew, because {problem}")
    judge_laxity([record for made in documents.values() for record in made["cases"]], whole=len(documents) == len(FILES))
    if arguments:
        return max([check(name, made) for name, made in documents.items()])
    for name, made in documents.items():
        (HERE / name).write_text(render(made), encoding="ascii")
        print(f"{name}: {summary(made['cases'])}")
    return 0


def document(library: str, modules: list) -> dict:
    made_by = {**(NOT_HERE[library]() if library in NOT_HERE else {library: version(library)}), "python": PYTHON}
    cases: list[Case] = [case for module in modules for case in module.cases()]
    names = Counter(f"{case.kind} {case.name}" for case in cases)
    repeated = [name for name, count in names.items() if count > 1]
    assert not repeated, f"names used twice: {repeated}"
    return {"made_by": made_by, "cases": [case.record(opinion(case)) for case in cases]}


def judge_laxity(records: list[dict], whole: bool) -> None:
    """Stops where the gate would accept what the original refuses, and where an exception is none any more."""
    laxer = {record["name"] for record in records if record["expect"] == ACCEPTED and record["original"] != ACCEPTS}
    assert laxer <= LAXER.keys(), f"accepted, though the original says no: {sorted(laxer - LAXER.keys())}"
    assert not whole or laxer >= LAXER.keys(), f"no exceptions any more: {sorted(LAXER.keys() - laxer)}"


def render(made: dict) -> str:
    """One case a line, so that a changed case is a changed line."""
    lines = ",\n".join("  " + json.dumps(record) for record in made["cases"])
    return f'{{"made_by": {json.dumps(made["made_by"])},\n "cases": [\n{lines}\n]}}\n'


def summary(records: list[dict]) -> str:
    stricter = sum(record["expect"] != ACCEPTED and record["original"] == ACCEPTS for record in records)
    accepted = sum(record["expect"] == ACCEPTED for record in records)
    refused = len(records) - accepted
    return f"{len(records)} cases, {accepted} accepted, {refused} refused, {stricter} of these taken by the original"


def check(name: str, made: dict) -> int:
    """Compares the committed file with what the libraries say now, case by case and then byte by byte."""
    path = HERE / name
    if not path.exists():
        print(f"{name}: 0 passed, {len(made['cases'])} failed: the file is missing; make.py writes it")
        return 1
    text = path.read_text(encoding="ascii")
    committed = json.loads(text)
    made["made_by"]["python"] = committed["made_by"]["python"]  # recorded, but no reason to fail
    before = {(record["kind"], record["name"]): record for record in committed["cases"]}
    after = {(record["kind"], record["name"]): record for record in made["cases"]}
    wrong = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    print(f"{name}: {len(after.keys() - set(wrong))} passed, {len(wrong)} failed")
    for key in wrong[:20]:
        print(f"  {key[0]} {key[1]}: {difference(before.get(key), after.get(key))}")
    if committed["made_by"] != made["made_by"]:
        print(f"  committed from {committed['made_by']}, made now with {made['made_by']}")
    elif not wrong and text != render(made):
        print("  the same cases, but not the same bytes (order or spacing)")
    if text == render(made):
        return 0
    print(f"  make.py writes the file anew; tests/requirements.txt pins the libraries (zlib here: {zlib.ZLIB_RUNTIME_VERSION})")
    return 1


def difference(before: dict | None, after: dict | None) -> str:
    if before is None or after is None:
        return "not in the committed file" if before is None else "no longer made"
    return "differs in " + ", ".join(member for member in {**before, **after} if before.get(member) != after.get(member))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
