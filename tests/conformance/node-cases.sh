#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# node-cases.sh [FILE...]: runs recorded rule node cases (one class a file) through the test mode of generated workers.
# Lists what fails with expected and got; last line "N passed, N failed". Default: the copies in node-cases/.
set -eu
exec python3 "$(dirname "$0")/node_cases.py" "$@"
