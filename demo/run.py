"""The demo: a portal, a real Bokeh app and a real TensorBoard behind Envoy with dashgate. `cargo xtask demo` runs it.

With --smoke the stack starts on free ports, a client takes the whole journey through it, and a table says what was
tried, expected and got.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from processes import Stopped
from stack import ROOT, USUAL_PORTS, Stack


class Interrupted(Exception):
    """Somebody asked us to end: Ctrl-C, or a signal."""


def main() -> int:
    """Runs the demo until somebody ends it, or the smoke test; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="take the journey with a client, print a table, and end")
    arguments = parser.parse_args()
    os.chdir(ROOT)
    wasm = Path(os.environ.get("DASHGATE_WASM", ROOT / "target/dashgate.wasm"))
    if not wasm.is_file():
        print(f"demo: {wasm} is missing\nhint: cargo xtask build", file=sys.stderr)
        return 1
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    if arguments.smoke:
        directory = Path(tempfile.mkdtemp(prefix="demo-smoke-", dir=ROOT / "target"))
    else:
        directory = ROOT / "target/demo"
        directory.mkdir(parents=True, exist_ok=True)
    stack = Stack(directory, wasm, usual_ports=not arguments.smoke)
    try:
        stack.start(lambda text: print(f"== {text}", file=sys.stderr, flush=True))
        return _smoke(stack) if arguments.smoke else _demo(stack)
    except Stopped as stopped:
        print(f"demo: {stopped}", file=sys.stderr)
        return 1
    except Interrupted:
        print("\nstopping", file=sys.stderr)
        return 130 if arguments.smoke else 0
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)         # a second Ctrl-C must not leave half of them running
        stack.stop()
        if arguments.smoke:
            shutil.rmtree(directory, ignore_errors=True)


def _interrupt(_number, _frame):
    raise Interrupted


def _demo(stack: Stack) -> int:
    moved = {name: port for name, port in stack.ports.items() if port != USUAL_PORTS[name]}
    for name, port in moved.items():
        print(f"port {USUAL_PORTS[name]} ({name}) is taken: using {port}")
    print(f"\n  Open     {stack.origin('portal')}/")
    for user, password in stack.secrets.passwords.items():
        print(f"  Sign in  {user} / {password}")
    print(
        f"\n  The certificate comes from an authority made for this demo, so the browser warns on each of the hosts."
        f"\n  To be rid of that, import {stack.authority.relative_to(ROOT)} as an authority for websites; its private key is not kept."
        f"\n  Metrics  http://127.0.0.1:{stack.ports['metrics']}/stats/prometheus"
        f"\n  Logs     {stack.processes.log_directory.relative_to(ROOT)}/"
        f"\n\nCtrl-C stops everything.",
        flush=True,
    )
    while True:
        stack.processes.check()
        time.sleep(0.5)


def _smoke(stack: Stack) -> int:
    import smoke

    return smoke.run(stack)


if __name__ == "__main__":
    sys.exit(main())
