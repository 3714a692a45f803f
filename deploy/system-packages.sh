#!/usr/bin/env bash
# See that the named programs are there; as root on Debian install what is missing, otherwise say what to install.
set -euo pipefail
declare -A packages=([espeak-ng]=espeak-ng [chromium]="chromium fonts-noto-cjk")
missing=()
for program in "$@"; do
    command -v "$program" >/dev/null || missing+=(${packages[$program]})
done
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing ${missing[*]} ..." >&2
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
else
    echo "These system packages are missing: ${missing[*]}" >&2
    echo "On Debian: sudo apt-get install ${missing[*]}" >&2
    exit 1
fi
