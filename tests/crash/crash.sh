#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# crash.sh [KILLS]: the daemon is killed, in parts and whole, under load; nothing acknowledged may be lost or doubled.
set -eu
cd "$(dirname "$0")/../.."
exec python3 tests/crash/crash.py --kills "${1:-100}"
