#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# pull.sh: tbedgec pull against a server over HTTP and HTTPS. See pull.py.
exec python3 "$(dirname "$0")/pull.py"
