"""Where the pieces of the other tests, and of the demo, are found."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / path) for path in ("tests", "tests/e2e")]
sys.path.append(str(ROOT / "demo"))     # last: its `edge` and `certificates` are not the tests'
