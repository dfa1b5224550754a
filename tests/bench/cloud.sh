#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# cloud.sh drain|sync|chain|memory|all [RUNS]: the edge against the test cloud; one JSON object per benchmark, medians
# of RUNS (default 3). See cloud_bench.py.
set -eu
cd "$(dirname "$0")/../.."
exec python3 tests/bench/cloud_bench.py "${1:-all}" --runs "${2:-3}"
