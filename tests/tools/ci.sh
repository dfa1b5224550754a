#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ci.sh: the commands of examples/ci run as they are written. See ci.py.
exec python3 "$(dirname "$0")/ci.py"
