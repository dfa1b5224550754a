#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# diff.sh: tbedgec diff tells each change and nothing else. See diff.py.
exec python3 "$(dirname "$0")/diff.py"
