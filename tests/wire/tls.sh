#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tls.sh [TEST...]: runs tls.py; needs python3, openssl and a build (TBE_BUILD, else build/).
command -v python3 >/dev/null || { echo "skipped: python3 is not installed"; exit 77; }
exec python3 "$(dirname "$0")/tls.py" "$@"
