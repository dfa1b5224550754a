#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tools.sh [RUNS]: milliseconds of tbedgec's commands, JSON on standard output. See tools_bench.py.
exec python3 "$(dirname "$0")/tools_bench.py" "$@"
