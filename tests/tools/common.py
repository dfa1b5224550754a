# SPDX-License-Identifier: Apache-2.0
"""What the tests of tbedgec's tools share: running it, counting, reading JSON without touching numbers."""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SRC = os.environ.get("TBE_SRC") or os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("TBE_BUILD") or os.path.join(SRC, "build")
SHARED = os.environ.get("TBE_SHARED") or os.path.join(SRC, "..", "shared")
TBEDGEC = os.path.join(BUILD, "tbedgec")
if not os.access(TBEDGEC, os.X_OK):
    sys.exit(f"{TBEDGEC} is not there")

passed = failed = 0


def check(what, good, detail=""):
    """Counts one check; tells what went wrong."""
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print(f"FAIL {what}" + (f"\n    {detail}" if detail else ""))
    return good


def run(*args, stdin=b"", env=None, cwd=None, timeout=120):
    """(status, stdout, stderr) of tbedgec; bytes."""
    full = dict(os.environ, NO_COLOR="1")
    full.pop("CC", None)
    full.update(env or {})
    p = subprocess.run([TBEDGEC, *args], input=stdin, capture_output=True, env=full, cwd=cwd, timeout=timeout,
                       check=False)
    return p.returncode, p.stdout, p.stderr



def load_json(text):
    """JSON with numbers as they are spelled, so that 1 and 1.0 differ."""
    return json.loads(text, parse_float=lambda s: ("num", s), parse_int=lambda s: ("num", s))


def corpus():
    """Rule chain files of ../shared; empty when it is absent."""
    d = os.path.join(SHARED, "corpus", "rule-chains")
    if not os.path.isdir(d):
        return []
    return sorted(os.path.join(d, f) for f in os.listdir(d) if f.endswith(".json"))


def end():
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)
