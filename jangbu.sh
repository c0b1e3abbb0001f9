#!/usr/bin/env bash
# The one entry: installs what is missing, builds, and runs. `./jangbu.sh help` lists the commands.
# Needs bash and, when packages are missing, apt-get (Debian 12) as root or with sudo.
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
BUILD="${JANGBU_BUILD:-$ROOT/build}"
CACHE="${XDG_CACHE_HOME:-${HOME:-/var/tmp}/.cache}/jangbu"
export CCACHE_DIR="${CCACHE_DIR:-$CACHE/ccache}"
export CCACHE_BASEDIR="${CCACHE_BASEDIR:-$ROOT}"
export CCACHE_NOHASHDIR="${CCACHE_NOHASHDIR:-1}"

say() { printf '== %s\n' "$*" >&2; }
die() { printf 'jangbu.sh: %s\n' "$*" >&2; exit 1; }

help() {
  cat <<'TEXT'
./jangbu.sh COMMAND

  demo [DIR..] [--keep]   build, start a server, upload the folders given (one partner each) or
                          generated ones, confirm, show the books, prove them; --keep leaves the
                          server running
  test [--asan|--tsan] [ctest options]
                          build and run all tests
  build [TARGET..]        build (into build/, or $JANGBU_BUILD)
  serve [OPTIONS]         build and run jangbud serve (--data ./jangbu-data unless given)
  accept DIR [--all]      upload a directory with known truth and compare, one line a check
  bench [FILTER]          build and run the benchmarks
  fmt [--check]           format all sources
  tidy [FILE..]           clang-tidy
  fuzz [SECONDS] [NAME..] run the fuzz targets, each for SECONDS (default 60)
  help                    this
TEXT
}

# --- packages ---

# Packages of the sections named, one a line.
packages() {
  local section="" line
  while IFS= read -r line || [ -n "$line" ]; do
    line="${line%%#*}"
    line="${line//[[:space:]]/}"
    case "$line" in
      "") ;;
      \[*\]) section="${line:1:${#line}-2}" ;;
      *) case " $* " in *" $section "*) printf '%s\n' "$line" ;; esac ;;
    esac
  done < "$ROOT/tools/packages.txt"
}

install_packages() {
  command -v dpkg-query >/dev/null || die "this is not Debian; install what tools/packages.txt lists by other means"
  local missing=() package
  while IFS= read -r package; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing+=("$package")
  done < <(packages "$@")
  [ ${#missing[@]} -eq 0 ] && return
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "these packages are missing, and neither root nor sudo is here to install them: ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing: ${missing[*]}"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3)
  local install=("${apt[@]}" install -y --no-install-recommends "${missing[@]}")
  # Lists may be absent (a fresh image) or old; then the first attempt fails.
  if ! "${install[@]}" >&2; then
    "${apt[@]}" update >&2 || die "apt-get update failed"
    "${install[@]}" >&2 || die "apt-get could not install: ${missing[*]}"
  fi
}

# --- building ---

# As many compilers as there are cores, and as memory for the largest of them (1.5 GB) allows.
jobs_allowed() {
  local cores memory_kb by_memory
  cores="$(nproc)"
  memory_kb="$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo)"
  by_memory=$(( ${memory_kb:-1500000} / 1500000 ))
  [ "$by_memory" -lt 1 ] && by_memory=1
  [ "$by_memory" -lt "$cores" ] && cores="$by_memory"
  printf '%s\n' "$cores"
}

# configure DIR [cmake options]
configure() {
  local dir="$1"
  shift
  cmake -G Ninja -S "$ROOT" -B "$dir" "$@" > "$dir.configure.log" 2>&1 || {
    cat "$dir.configure.log" >&2
    die "cmake failed"
  }
  rm -f "$dir.configure.log"
}

# build_in DIR [targets]
build_in() {
  local dir="$1"
  shift
  say "building in $dir with $(jobs_allowed) jobs"
  ninja -C "$dir" -j "$(jobs_allowed)" "$@" >&2
}

build() {
  install_packages build
  configure "$BUILD"
  build_in "$BUILD" "$@"
}

# --- commands ---

run_tests() {
  local dir="$BUILD" options=() arguments=()
  while [ $# -gt 0 ]; do
    case "$1" in
      --asan)
        dir="$BUILD-asan"
        options=(-DJANGBU_SANITIZE="address;undefined")
        ;;
      --tsan)
        dir="$BUILD-tsan"
        options=(-DJANGBU_SANITIZE=thread)
        # gRPC and RocksDB are not instrumented: what happens inside them is not ours to judge.
        export TSAN_OPTIONS="${TSAN_OPTIONS:-ignore_noninstrumented_modules=1 suppressions=$ROOT/tools/tsan_suppressions.txt}"
        ;;
      *) arguments+=("$1") ;;
    esac
    shift
  done
  install_packages build test
  configure "$dir" "${options[@]}"
  build_in "$dir"
  # What the end-to-end tests need from elsewhere (npm) goes to a cache outside the build.
  if [ -x "$ROOT/tests/e2e/setup.sh" ]; then
    JANGBU_CACHE="$CACHE" "$ROOT/tests/e2e/setup.sh" >&2
  fi
  export JANGBU_CACHE="$CACHE"
  ctest --test-dir "$dir" -j2 --output-on-failure "${arguments[@]}"
}

serve() {
  build jangbud jangbu jangbu-extract
  case " $* " in
    *" --data"*) ;;
    *) set -- --data "$PWD/jangbu-data" "$@" ;;
  esac
  exec "$BUILD/bin/jangbud" serve "$@"
}

accept() {
  [ $# -ge 1 ] || die "accept DIR"
  install_packages accept
  build jangbud jangbu jangbu-extract jangbu-accept-pairs
  local python=/usr/bin/python3
  [ -x "$python" ] || python=python3
  "$python" "$ROOT/tools/accept/accept.py" --jangbu "$BUILD/bin/jangbu" --jangbud "$BUILD/bin/jangbud" "$@"
}

bench() {
  install_packages build
  configure "$BUILD"
  build_in "$BUILD"
  local program found=0
  for program in "$BUILD"/bench/*; do
    if [ -f "$program" ] && [ -x "$program" ]; then
      found=1
      say "$(basename "$program")"
      "$program" ${1:+--benchmark_filter="$1"}
    fi
  done
  [ "$found" -eq 1 ] || die "there are no benchmarks"
}

sources() { git -C "$ROOT" ls-files -z -- '*.cc' '*.h'; }

format() {
  install_packages fmt
  if [ "${1:-}" = --check ]; then
    (cd "$ROOT" && sources | xargs -0 clang-format-14 --dry-run --Werror)
  else
    (cd "$ROOT" && sources | xargs -0 clang-format-14 -i)
  fi
}

tidy() {
  install_packages build tidy
  # The linter wants to know how each source is compiled alone.
  local dir="$BUILD-tidy"
  configure "$dir" -DJANGBU_UNITY=OFF
  build_in "$dir" jangbu_proto
  cd "$ROOT"
  if [ $# -gt 0 ]; then
    clang-tidy-14 -p "$dir" --quiet "$@"
  else
    git ls-files -z -- 'base/*.cc' 'ingest/*.cc' 'ledger/*.cc' 'audit/*.cc' 'services/*.cc' |
      xargs -0 -n 1 -P "$(jobs_allowed)" clang-tidy-14 -p "$dir" --quiet
  fi
}

fuzz() {
  local seconds=60 dir="$BUILD-fuzz" target name
  if [[ "${1:-}" =~ ^[0-9]+$ ]]; then
    seconds="$1"
    shift
  fi
  install_packages build fuzz
  configure "$dir" -DCMAKE_CXX_COMPILER=clang++-14 -DJANGBU_FUZZ=ON
  local names=("$@") targets=()
  if [ ${#names[@]} -eq 0 ]; then
    while IFS= read -r name; do names+=("$name"); done < <(
      ninja -C "$dir" -t targets all | sed -n '/^cmake_/d; s/^\([a-z0-9_]*_fuzz\): phony$/\1/p' | sort -u)
  fi
  [ ${#names[@]} -gt 0 ] || die "there are no fuzz targets"
  build_in "$dir" "${names[@]}"
  for name in "${names[@]}"; do
    target="$dir/fuzz/$name"
    # New inputs are kept outside the sources; add the telling ones to tests/fuzz/corpus by hand.
    local found="$CACHE/fuzz/$name" seeds="$ROOT/tests/fuzz/corpus/${name%_fuzz}"
    mkdir -p "$found"
    say "$name for $seconds s"
    local corpora=("$found")
    [ -d "$seeds" ] && corpora+=("$seeds")
    local words="$ROOT/tests/fuzz/dict/${name%_fuzz}.dict" dictionary=()
    [ -f "$words" ] && dictionary=("-dict=$words")
    "$target" -max_total_time="$seconds" -print_final_stats=1 -artifact_prefix="$found/" "${dictionary[@]}" \
      "${corpora[@]}"
  done
}

main() {
  local command="${1:-help}"
  [ $# -gt 0 ] && shift
  case "$command" in
    demo)
      build jangbud jangbu jangbu-extract jangbu-gen-corpus
      JANGBU_BIN="$BUILD/bin" exec "$ROOT/tools/demo.sh" "$@"
      ;;
    test) run_tests "$@" ;;
    build) build "$@" ;;
    serve) serve "$@" ;;
    accept) accept "$@" ;;
    bench) bench "$@" ;;
    fmt) format "$@" ;;
    tidy) tidy "$@" ;;
    fuzz) fuzz "$@" ;;
    help | -h | --help) help ;;
    *)
      help >&2
      exit 2
      ;;
  esac
}

main "$@"
