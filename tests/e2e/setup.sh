#!/usr/bin/env bash
# Puts what the end-to-end tests need from npm into a cache outside of the source tree: buf, pinned. Safe to call again.
#
# Without npm it installs the packages of section [e2e] of tools/packages.txt; where that is not possible either, it
# says so, and the tests that need buf are skipped.
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
CACHE="${JANGBU_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/jangbu}"
BUF_VERSION="$(cat "$ROOT/tests/e2e/buf.version")"
DIR="$CACHE/buf-$BUF_VERSION"

say() { printf 'e2e setup: %s\n' "$*" >&2; }

if [ -x "$DIR/node_modules/.bin/buf" ]; then exit 0; fi

if ! command -v npm >/dev/null; then
  packages="$(awk '/^\[/ { on = ($0 == "[e2e]") } on && /^[a-z0-9]/' "$ROOT/tools/packages.txt" | tr '\n' ' ')"
  say "npm is missing; installing $packages"
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      say "neither root nor sudo is here: install $packages; until then the tests with buf are skipped"
      exit 0
    fi
    as_root=(sudo)
  fi
  apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600)
  # shellcheck disable=SC2086  # one word a package
  "${apt[@]}" install -y --no-install-recommends $packages >&2 ||
    { "${apt[@]}" update >&2 && "${apt[@]}" install -y --no-install-recommends $packages >&2; } ||
    { say "apt-get could not install them; the tests with buf are skipped"; exit 0; }
fi

say "installing @bufbuild/buf $BUF_VERSION into $DIR"
mkdir -p "$DIR.new"
printf '{"name":"jangbu-e2e","private":true}\n' > "$DIR.new/package.json"
# Its install script only copies the program to another place, so scripts stay off.
if npm install --prefix "$DIR.new" --no-audit --no-fund --no-save --ignore-scripts --loglevel=error \
  "@bufbuild/buf@$BUF_VERSION" >&2; then
  rm -rf "$DIR"
  mv "$DIR.new" "$DIR"
else
  rm -rf "$DIR.new"
  say "npm could not install buf; the tests with buf are skipped"
fi
