#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# traces.sh [FILE...]: runs recorded traces of rule chains through the test mode of generated workers, node by node.
# Lists what fails with expected and got; last line "N passed, N failed". Default: the traces beside the project.
set -eu
exec python3 "$(dirname "$0")/traces.py" "$@"
