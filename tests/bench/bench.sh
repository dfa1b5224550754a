#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bench.sh ingest|memory|startup|swap|all [RUNS]: one JSON object per benchmark, medians of RUNS (default 3).
# mosquitto, where a peer makes sense, runs in the same run on the same machine. See bench.py.
# Compiled scripts, with Node.js beside them: sh tests/bench/script_bench.sh
set -eu
cd "$(dirname "$0")/../.."
exec python3 tests/bench/bench.py "${1:-all}" --runs "${2:-3}"
