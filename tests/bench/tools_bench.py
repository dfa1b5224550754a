# SPDX-License-Identifier: Apache-2.0
"""Wall-clock milliseconds of tbedgec: an incremental build of an unchanged chain, the other commands on one chain, and
check and fmt of the shared corpus in one call, when it is there. Median and best of RUNS (default 20)."""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

SRC = os.environ.get("TBE_SRC") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("TBE_BUILD") or os.path.join(SRC, "build")
SHARED = os.environ.get("TBE_SHARED") or os.path.join(SRC, "..", "shared")
TBEDGEC = os.path.join(BUILD, "tbedgec")
RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 20


def measure(*args, good=(0,)):
    times = []
    for _ in range(RUNS):
        t = time.perf_counter()
        p = subprocess.run([TBEDGEC, *args], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        times.append((time.perf_counter() - t) * 1000)
        if p.returncode not in good:
            sys.exit(f"tbedgec {' '.join(args[:3])}: status {p.returncode}")
    return {"median_ms": round(statistics.median(times), 2), "best_ms": round(min(times), 2), "runs": RUNS}


result = {}
with tempfile.TemporaryDirectory() as d:
    chain = os.path.join(SRC, "examples", "thermostat", "thermostat.yaml")
    out = os.path.join(d, "worker")
    t = time.perf_counter()
    subprocess.run([TBEDGEC, "build", "-o", out, chain], check=True)
    result["build, first"] = {"ms": round((time.perf_counter() - t) * 1000, 1)}
    result["build, unchanged"] = measure("build", "-o", out, chain)
    for name, args in (("check", ()), ("fmt", ()), ("graph", ()), ("bounds", ())):
        result[name] = measure(name, *args, chain)
    result["diff"] = measure("diff", chain, chain)
    corpus = os.path.join(SHARED, "corpus", "rule-chains")
    files = sorted(os.path.join(corpus, f) for f in os.listdir(corpus) if f.endswith(".json")) if os.path.isdir(corpus) else []
    if files:
        result[f"check, {len(files)} files"] = measure("check", *files, good=(0, 1))
        result[f"fmt --check, {len(files)} files"] = measure("fmt", "--check", *files, good=(0, 1))
        largest = max(files, key=os.path.getsize)
        subprocess.run([TBEDGEC, "build", "-o", out, largest], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        result["build, unchanged, largest of the files"] = measure("build", "-o", out, largest)
    else:
        print("the corpus is absent: skipped", file=sys.stderr)
json.dump(result, sys.stdout, indent=2)
print()
