#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# device-api.sh [FILE...]: runs recorded device API vectors against a running tbedge. Lists what fails with expected and
# got; last line "N passed, N failed". Default: all copies in device-api-vectors/.
set -eu
here=$(dirname "$0")
exec python3 "$here/device_api.py" "$@"
