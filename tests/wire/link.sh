#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# link.sh [TEST...]: runs link.py; needs python3 and a build (TBE_BUILD, else build/) with the test cloud.
command -v python3 >/dev/null || { echo "skipped: python3 is not installed"; exit 77; }
exec python3 "$(dirname "$0")/link.py" "$@"
