#!/bin/bash
# Installs the Debian packages that the build needs, where they are missing.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
    libsndfile1-dev
    libavformat-dev libavcodec-dev libavutil-dev
    libsqlite3-dev
    libedit-dev
    libpng-dev libjpeg-dev
    pkg-config
)

die() {
    echo "setup: $*" >&2
    exit 1
}

command -v swift >/dev/null || die "no swift found; install Swift 6.2 or newer from swift.org"
command -v dpkg-query >/dev/null ||
    die "not a Debian system; install the equivalents of: ${packages[*]}, then run 'swift build'"

missing=()
for package in "${packages[@]}"; do
    state=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
    [[ $state == "install ok installed" ]] || missing+=("$package")
done
[[ ${#missing[@]} -eq 0 ]] && exit 0

echo "setup: installing ${missing[*]}" >&2
root=()
if [[ $EUID -ne 0 ]]; then
    command -v sudo >/dev/null || die "not root and no sudo; install: ${missing[*]}"
    root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
"${root[@]}" apt-get update -qq || die "apt-get update failed"
"${root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
    die "apt-get could not install: ${missing[*]}"
