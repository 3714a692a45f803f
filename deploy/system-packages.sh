#!/usr/bin/env bash
# See that what is named is there; as root on Debian install what is missing, otherwise say what to install.
set -euo pipefail
declare -A packages=(
    [espeak-ng]=espeak-ng
    [chromium]=chromium
    [pango]="libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
    [korean-font]="fonts-noto-cjk fontconfig"
)
is_there() {
    case $1 in
        pango) [[ "$(/sbin/ldconfig -p)" == *libpangoft2-1.0.so.0*  && "$(/sbin/ldconfig -p)" == *libharfbuzz-subset.so.0* ]] ;;
        korean-font) command -v fc-list >/dev/null && [ -n "$(fc-list :lang=ko)" ] ;;
        *) command -v "$1" >/dev/null ;;
    esac
}
missing=()
for name in "$@"; do
    is_there "$name" || missing+=(${packages[$name]})
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
