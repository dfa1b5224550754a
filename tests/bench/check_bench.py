#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_bench.py [RUNS]: how long `tbedgec check` takes over the shared corpus (TBE_SHARED, 129 files in one command)
and over our own chains; per format. One JSON object on stdout, times in ms."""
import glob
import json
import os
import statistics
import subprocess
import sys
import time

src = os.environ.get("TBE_SRC") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
build = os.environ.get("TBE_BUILD") or os.path.join(src, "build")
shared = os.environ.get("TBE_SHARED") or os.path.join(src, "../shared")
runs = int(sys.argv[1]) if len(sys.argv) > 1 else 11


def measure(files, form):
    times, size = [], sum(os.path.getsize(f) for f in files)
    cmd = [os.path.join(build, "tbedgec"), "check", "--format", form, *files]
    for _ in range(runs):
        start = time.perf_counter()
        done = subprocess.run(cmd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        times.append((time.perf_counter() - start) * 1000)
        if done.returncode > 1:
            raise SystemExit(f"status {done.returncode}: {' '.join(cmd[:4])}")
    return {"format": form, "files": len(files), "bytes": size, "runs": runs, "median_ms": round(statistics.median(times), 2),
            "min_ms": round(min(times), 2), "max_ms": round(max(times), 2)}


own = sorted(glob.glob(os.path.join(src, "tests/golden/*/chain.*")) + glob.glob(os.path.join(src, "examples/*/[!.]*[!t].yaml")))
own = [f for f in own if ".test." not in f]
out = {"bench": "check", "own": measure(own, "json")}
corpus = sorted(glob.glob(os.path.join(shared, "corpus/rule-chains/*.json")))
if corpus:
    out["corpus"] = [measure(corpus, form) for form in ("json", "text", "sarif")]
print(json.dumps(out, indent=1))
