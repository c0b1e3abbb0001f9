#!/usr/bin/env bash
# Puts what the end-to-end tests need from npm into a cache outside of the source tree: buf, and DuckDB as a writer of
# Parquet, both pinned. Safe to call again.
#
# Without npm it installs the packages of section [e2e] of tools/packages.txt; where that is not possible either, it
# says so, and the tests that need them are skipped.
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
CACHE="${JANGBU_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/jangbu}"
BUF_VERSION="$(cat "$ROOT/tests/e2e/buf.version")"
DUCKDB_VERSION="$(cat "$ROOT/tests/e2e/duckdb.version")"
BUF="$CACHE/buf-$BUF_VERSION"
DUCKDB="$CACHE/duckdb-$DUCKDB_VERSION"

say() { printf 'e2e setup: %s\n' "$*" >&2; }

if [ -x "$BUF/node_modules/.bin/buf" ] && [ -d "$DUCKDB/node_modules" ]; then exit 0; fi

if ! command -v npm >/dev/null; then
  packages="$(awk '/^\[/ { on = ($0 == "[e2e]") } on && /^[a-z0-9]/' "$ROOT/tools/packages.txt" | tr '\n' ' ')"
  say "npm is missing; installing $packages"
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      say "neither root nor sudo is here: install $packages; until then those tests are skipped"
      exit 0
    fi
    as_root=(sudo)
  fi
  apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600)
  # shellcheck disable=SC2086  # one word a package
  "${apt[@]}" install -y --no-install-recommends $packages >&2 ||
    { "${apt[@]}" update >&2 && "${apt[@]}" install -y --no-install-recommends $packages >&2; } ||
    { say "apt-get could not install them; those tests are skipped"; exit 0; }
fi

# install DIR PACKAGE@VERSION
install() {
  local dir="$1" package="$2"
  if [ -d "$dir/node_modules" ]; then return 0; fi
  say "installing $package into $dir"
  mkdir -p "$dir.new"
  printf '{"name":"jangbu-e2e","private":true}\n' > "$dir.new/package.json"
  # Their install scripts only copy programs to another place, so scripts stay off.
  if npm install --prefix "$dir.new" --no-audit --no-fund --no-save --ignore-scripts --loglevel=error "$package" >&2; then
    rm -rf "$dir"
    mv "$dir.new" "$dir"
  else
    rm -rf "$dir.new"
    say "npm could not install $package; the tests that need it are skipped"
  fi
}

install "$BUF" "@bufbuild/buf@$BUF_VERSION"
case "$(uname -m)" in
  x86_64) install "$DUCKDB" "@duckdb/node-bindings-linux-x64@$DUCKDB_VERSION" ;;
  aarch64) install "$DUCKDB" "@duckdb/node-bindings-linux-arm64@$DUCKDB_VERSION" ;;
esac
