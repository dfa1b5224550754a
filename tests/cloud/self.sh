#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The test cloud against a bare client.
set -eu
exec python3 "$(dirname "$0")/self.py"
