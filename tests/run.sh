#!/bin/bash
# Installs what is missing (as root, on Debian or Ubuntu), builds, and runs every test. The last line is
# `N passed, N failed`; the exit code is 0 only when none failed.
#   tests/run.sh [unit] [process] [fuzz] [faults] [checks] [tidy] [real]     all unless named; tidy is one of the checks
# unit and process run with AddressSanitizer and UndefinedBehaviorSanitizer; real drives the release build on real
# PostgreSQL, pgBackRest, Patroni and etcd, as many tests as can be begun in REAL_SECONDS (all when that is 0); faults
# lets its system calls fail; fuzz feeds the parsers for a minute, beside the next build; checks look at layout,
# clang-tidy, folders, documents, metrics, the bench and, in a browser, the pages of runs. Nothing is left behind but the packages.
set -euo pipefail
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$checkout/tests/support/packages.sh"
passed=0 failed=0 failures=() skipped=() fuzzer= generator=

main() {
  local parts=("$@")
  [ ${#parts[@]} -gt 0 ] || parts=(unit process fuzz faults checks real)
  local sets=(build tests run checks)
  [[ ! " ${parts[*]} " =~ ' fuzz '|' unit '|' process ' ]] || sets+=(fuzz)
  [[ " ${parts[*]} " != *' faults '* ]] || sets+=(faults)
  [[ " ${parts[*]} " != *' real '* ]] || sets+=(real)
  [[ " ${parts[*]} " != *' checks '* ]] || sets+=(browser)
  install_packages "${sets[@]}"
  work=$(mktemp -d /tmp/patroni_pgbackrest-tests.XXXXXX)
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  copy_sources
  local part
  for part in "${parts[@]}"; do
    case $part in
    unit | process | fuzz | faults | checks | tidy | real) "run_$part" ;;
    *) echo "$part: choose from unit, process, fuzz, faults, checks, tidy, real" >&2 && exit 2 ;;
    esac
  done
  [ -z "$fuzzer" ] || finish_fuzz
  [ ${#skipped[@]} = 0 ] || printf 'skipped: %s, which cannot be made here\n' "${skipped[@]}"
  [ ${#failures[@]} = 0 ] || printf 'failed: %s\n' "${failures[@]}"
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}

clean_up() {
  [ -z "${child:-}" ] || { kill "$child" 2>/dev/null && wait "$child" 2>/dev/null; } || true
  [ -z "$fuzzer" ] || { kill "$fuzzer" 2>/dev/null && wait "$fuzzer" 2>/dev/null; } || true
  [ -z "$generator" ] || { kill "$generator" 2>/dev/null && wait "$generator" 2>/dev/null; } || true
  rm -rf "$work"
}

# In a place that user postgres can read, wherever the checkout lies.
copy_sources() {
  chmod 755 "$work"
  mkdir -p "$work/source" "$work/tmp"
  tar -C "$checkout" --exclude=./.git --exclude='./build*' -cf - . | tar -C "$work/source" --no-same-owner -xf -
  chmod -R a+rX "$work/source"
  if [ "$(id -u)" = 0 ]; then chown postgres: "$work/tmp"; fi
}

# A child that a signal to this script ends as well.
run() {
  "$@" &
  child=$!
  local status=0
  wait "$child" || status=$?
  child=
  return $status
}

as_postgres() { # COMMAND...: in place of this shell
  local environment=(env -i "PATH=/usr/local/bin:/usr/bin:/bin" LANG=C.UTF-8 "HOME=$work/tmp" "TMPDIR=$work/tmp"
    UBSAN_OPTIONS=print_stacktrace=1)
  if [ "$(id -u)" = 0 ]; then environment=(setpriv --reuid=postgres --regid=postgres --clear-groups "${environment[@]}"); fi
  cd "$work/tmp"
  exec "${environment[@]}" "$@"
}

count() { # NAME STATUS: 77 is of what cannot be made here
  case $2 in
  0) passed=$((passed + 1)) ;;
  77) skipped+=("$1") ;;
  *) failed=$((failed + 1)) && failures+=("$1") ;;
  esac
}

build() { # NAME OPTION...
  local name=$1
  shift
  [ ! -e "$work/$name/built" ] || return 0
  echo "== building: $name"
  export CCACHE_BASEDIR=$work CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros
  if ! { run cmake -S "$work/source" -B "$work/$name" -G Ninja -DPATRONI_PGBACKREST_WERROR=ON "$@" &&
    run ninja -C "$work/$name"; } >"$work/$name.log" 2>&1; then
    cat "$work/$name.log"
    echo "0 passed, 1 failed"
    exit 1
  fi
  touch "$work/$name/built"
  chmod -R a+rX "$work/$name"
}
# With clang, which has libFuzzer: a second build of everything for that alone takes minutes.
build_sanitized() {
  build sanitize -DCMAKE_BUILD_TYPE=Debug -DPATRONI_PGBACKREST_SANITIZE=ON -DCMAKE_CXX_COMPILER="$(command -v clang++ || command -v g++)"
}
build_release() { build release -DCMAKE_BUILD_TYPE=Release -DPATRONI_PGBACKREST_TESTS=OFF; }

# Leaves the fuzz target running beside what comes next; finish_fuzz counts it.
run_fuzz() {
  build_sanitized
  mkdir -p "$work/tmp/corpus"
  chmod 777 "$work/tmp/corpus"
  (as_postgres "$work/sanitize/fuzz_parsers" -max_total_time=60 -timeout=20 -rss_limit_mb=2048 \
    -artifact_prefix="$work/tmp/" -print_final_stats=1 "$work/tmp/corpus" "$work/source/tests/fuzz/corpus") >"$work/fuzz.output" 2>&1 &
  fuzzer=$!
}

finish_fuzz() {
  local status=0
  wait "$fuzzer" || status=$?
  fuzzer=
  [ $status = 0 ] || tail -n 60 "$work/fuzz.output"
  echo "== fuzz: $(sed -n 's/^stat::number_of_executed_units: */runs /p' "$work/fuzz.output")"
  count fuzz $status
}

# A minute of generated patroni.yml, which Patroni must read as we do, beside the real tests, which mostly wait.
# finish_generated counts it; its seed is printed.
run_generated() {
  local program=$work/sanitize/tests/unit_patroni
  [ -x "$program" ] || return 0
  (as_postgres env PATRONI_PGBACKREST_SECONDS=60 "$program" 'what is in force is what Patroni takes') >"$work/generated.output" 2>&1 &
  generator=$!
}

finish_generated() {
  local status=0
  [ -n "$generator" ] || return 0
  wait "$generator" || status=$?
  generator=
  [ $status = 0 ] || cat "$work/generated.output"
  echo "== generated patroni.yml: $(grep -m 1 PATRONI_PGBACKREST_SEED "$work/generated.output" || echo 'no seed'), 60 s"
  count generated $status
}

run_unit() {
  build_sanitized
  local program
  for program in "$work"/sanitize/tests/unit_*; do
    if [ -x "$program" ] && [ -f "$program" ]; then run_catch "$program"; fi
  done
}

run_process() {
  build_sanitized
  run_catch "$work/sanitize/tests/process_tests"
}

run_catch() { # PROGRAM: its test cases are counted
  local name=${1##*/} output=$work/output status=0 summary began=$SECONDS
  run as_postgres "$1" >"$output" 2>&1 || status=$?
  summary=$(tail -n 5 "$output")
  if [[ $summary =~ All\ tests\ passed\ \(.*\ in\ ([0-9]+)\ test\ case ]] && [ $status = 0 ]; then
    passed=$((passed + BASH_REMATCH[1]))
  else
    cat "$output"
    failures+=("$name")
    if [[ $summary =~ test\ cases:.*\|\ +([0-9]+)\ failed ]]; then failed=$((failed + BASH_REMATCH[1])); else failed=$((failed + 1)); fi
    if [[ $summary =~ test\ cases:.*\|\ +([0-9]+)\ passed ]]; then passed=$((passed + BASH_REMATCH[1])); fi
  fi
  echo "== $name: $(grep -E 'All tests passed|test cases:' "$output" || echo "ended with $status"), $((SECONDS - began)) s"
}

run_real() {
  local options=()
  [ "${REAL_SECONDS:=900}" = 0 ] || options=(--within "$REAL_SECONDS")
  run_generated
  run_with_release real "${options[@]}"
  finish_generated
}
# The same cells each time; tests/faults/run alone takes others.
run_faults() { run_with_release faults --seed 1 --cells 150; }

run_with_release() { # SUITE ARGUMENT...: tests/SUITE/run, whose output is shown as it comes
  build_release
  local output=$work/$1.output
  : >"$output" # tail may be quicker than the child
  PATRONI_PGBACKREST=$work/release/patroni_pgbackrest /usr/bin/python3 "$work/source/tests/$1/run" "${@:2}" >"$output" 2>&1 &
  child=$!
  tail -n +1 -f --pid=$child "$output" &
  local reader=$!
  wait $child || true
  wait $reader || true
  child=
  if [[ $(tail -n 1 "$output") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
    passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
  else
    failed=$((failed + 1)) && failures+=("tests/$1/run")
  fi
  mapfile -t -O ${#failures[@]} failures < <(sed -n 's/^FAILED *[0-9.]* s  //p' "$output" | sort -u)
}

run_tidy() {
  local status=0
  check_tidy || status=$?
  count check_tidy $status
}

# What is right without running the program. One function for each check.
checks=(check_format check_tidy check_folders check_documents check_metrics check_page check_bench check_package)
run_checks() {
  local name status
  for name in "${checks[@]}"; do
    status=0
    "$name" || status=$?
    count "$name" $status
  done
}

# The layout is that of clang-format 14 (Debian 12); other versions differ in details.
check_format() {
  local program
  program=$(command -v clang-format-14 || command -v clang-format || true)
  if [ -z "$program" ] || [[ $("$program" --version) != *' 14.'* ]]; then
    echo '== check_format: there is no clang-format 14' && return 77
  fi
  find "$work/source/src" "$work/source/tests" "$work/source/packaging" -name '*.[ch]pp' -print0 | xargs -0 "$program" --dry-run -Werror
}

# Over a folder's files in one or two pieces, which takes a fifth of the time: a minute on two cores.
check_tidy() {
  command -v run-clang-tidy-14 >/dev/null || { echo '== check_tidy: there is no clang-tidy 14' && return 77; }
  local status=0
  run cmake -S "$work/source" -B "$work/tidy" -G Ninja -DCMAKE_EXPORT_COMPILE_COMMANDS=ON \
    -DPATRONI_PGBACKREST_TESTS=OFF >/dev/null
  run run-clang-tidy-14 -quiet -p "$work/tidy" "$work/tidy/CMakeFiles/" >"$work/output" 2>/dev/null || status=$?
  grep -E '(warning|error): ' "$work/output" | sort -u || true
  return $status
}

# Prints which folder of src uses which. One that reaches up is found, and fails the build.
check_folders() {
  cmake -P "$work/source/src/folders.cmake" || return 1
  local folder
  for folder in system plan; do
    rm -rf "$work/folders" && mkdir -p "$work/folders/$folder"
    echo '#include "commands/check.hpp"' >"$work/folders/$folder/reaching_up.cpp"
    ! cmake -P "$work/source/src/folders.cmake" "$work/folders" >/dev/null 2>&1 || return 1
  done
}

# docs/exit-codes.md and docs/checks.md say what the program's tables say.
check_documents() {
  build_release
  "$work/release/make_documents" --check "$work/source/docs"
}

# Prometheus' own program reads the metrics, and the examples for it.
check_metrics() {
  command -v promtool >/dev/null || { echo '== check_metrics: there is no promtool' && return 77; }
  build_release
  run /usr/bin/python3 -B "$work/source/tests/support/check_metrics.py" "$work/release/patroni_pgbackrest"
}

# A browser reads the pages of runs that failed and that were done, which takes some 40 seconds.
check_page() {
  local browser
  browser=$(command -v chromium || true)
  [ -n "$browser" ] || { echo '== check_page: there is no chromium' && return 77; }
  build_release
  run as_postgres /usr/bin/python3 -B "$work/source/tests/support/check_page.py" "$work/release/patroni_pgbackrest" "$browser"
}

# What bench/run says of its measurements; it measures nothing here.
check_bench() { run as_postgres /usr/bin/python3 -B "$work/source/tests/support/check_bench.py"; }

# The Debian package names its libraries, its maintainer and the homepage that it was given, and lintian has no error.
check_package() {
  local package homepage=https://patroni-pgbackrest.invalid/ status=0
  if ! command -v dpkg-shlibdeps >/dev/null || ! command -v lintian >/dev/null; then
    echo '== check_package: there is no dpkg-dev, or no lintian' && return 77
  fi
  build_release
  if ! run cpack -G DEB --config "$work/release/CPackConfig.cmake" -B "$work/package" -D CPACK_PACKAGE_HOMEPAGE_URL=$homepage \
    >"$work/output" 2>&1; then
    cat "$work/output" && return 1
  fi
  package=$(echo "$work"/package/*.deb)
  dpkg-deb -f "$package" Depends | grep -qE '(^|, )libc6 \(>= [0-9.]+\)' || { echo '== no library in Depends' && status=1; }
  [ "$(dpkg-deb -f "$package" Homepage)" = $homepage ] || { echo '== not the homepage that was given' && status=1; }
  dpkg-deb -f "$package" Maintainer | grep -qE '^[^<@]+ <[^<@ ]+@[^<@ ]+>$' || { echo '== no maintainer' && status=1; }
  chmod 644 "$package"
  run as_postgres lintian --fail-on error --tag-display-limit 0 "$package" || status=1
  return $status
}

main "$@"
