#!/usr/bin/env bash
# Make a virtual environment from a lock file: environment.sh FOLDER LOCKFILE. Whole or not at all.
set -euo pipefail
target=$1 lock=$2
python=${PYTHON:-python3.11}
command -v "$python" >/dev/null || python=python3
if ! "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
    echo "Yoyak needs Python 3.11 with venv; '$python' is not that." >&2
    echo "On Debian: apt-get install python3.11 python3.11-venv   (or set PYTHON=/path/to/python3.11)" >&2
    exit 1
fi
mkdir -p "$(dirname "$target")"
free_kb=$(df -Pk "$(dirname "$target")" | awk 'NR == 2 {print $4}')
if [ "$free_kb" -lt 10485760 ]; then
    echo "The environment takes about 8 GB; $((free_kb / 1048576)) GB are free at $(dirname "$target")." >&2
    exit 1
fi
echo "Installing $lock (once; about 8 GB, some minutes) ..." >&2
rm -rf "$target"
"$python" -m venv "$target"
if "$target/bin/pip" install -q uv==0.13.9 2>/dev/null; then
    VIRTUAL_ENV="$target" "$target/bin/uv" pip install -q --compile-bytecode -r "$lock"
else
    "$target/bin/pip" install -q -r "$lock"
fi
touch "$target/.ready"
