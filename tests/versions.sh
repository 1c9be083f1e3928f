#!/bin/bash
# Runs tests/real/run on what other Debian versions bring: for each suite a bare root, its own PostgreSQL, Patroni,
# pgBackRest and etcd, and the program built from its own packages. Ends with a table; the exit code is 0 only when
# every suite is green. As root; a root takes 1 to 2 GB. Nothing is left behind but package debootstrap.
#   tests/versions.sh [SUITE...] [-- ARGUMENT...]     bullseye bookworm trixie sid unless named; for tests/real/run
#   tests/versions.sh in SUITE COMMAND...             a command in such a root, the checkout being in /srv/source
#   tests/versions.sh as-patroni SUITE [CASE...]      unit tests that ask Patroni, with that suite's; or other cases of unit_patroni and unit_commands
# VERSIONS_ROOTS=DIRECTORY keeps the roots there for the next run; VERSIONS_MIRROR=URL is where the packages come from.
set -euo pipefail
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$checkout/tests/support/packages.sh"
static_built_in=bookworm # for suites whose compiler and Boost are too old
table=('suite|PostgreSQL|Patroni|pgBackRest|etcd|built|passed|failed') all_green=1

main() {
  [ "$(id -u)" = 0 ] || { echo "run it as root: it makes roots and starts servers as user postgres" >&2 && exit 1; }
  local suites=() suite
  make_roots_directory
  if [ "${1:-}" = in ]; then
    make_root "$2" && copy_sources "$2"
    run in_root 7200 "${@:2}"
    return
  fi
  if [ "${1:-}" = as-patroni ]; then
    run_as_patroni "${@:2}"
    return
  fi
  while [ $# -gt 0 ] && [ "$1" != -- ]; do suites+=("$1") && shift; done
  [ $# = 0 ] || shift
  [ ${#suites[@]} -gt 0 ] || suites=(bullseye bookworm trixie sid)
  for suite in "${suites[@]}"; do
    test_suite "$suite" "$@" || all_green=0
  done
  printf '\n'
  printf '%s\n' "${table[@]}" | column -t -s '|'
  [ $all_green = 1 ]
}

make_roots_directory() {
  install_packages versions
  roots=${VERSIONS_ROOTS:-$(mktemp -d /tmp/patroni_pgbackrest-versions.XXXXXX)}
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  mkdir -p "$roots"
}

clean_up() {
  [ -z "${child:-}" ] || { kill "$child" 2>/dev/null && wait "$child" 2>/dev/null; } || true
  [ -n "${VERSIONS_ROOTS:-}" ] || rm -rf --one-file-system "$roots"
}

test_suite() { # SUITE ARGUMENT...: for tests/real/run
  local suite=$1 built passed=- failed=- log=$roots/$1.log status=0
  shift
  case $suite in
  bullseye) built=static ;;
  *) built=g++ ;;
  esac
  if prepare "$suite" $built; then
    echo "== $suite: tests/real/run $*"
    : >"$log"
    in_root 5400 "$suite" env PATRONI_PGBACKREST=/srv/patroni_pgbackrest /srv/source/tests/real/run "$@" >"$log" 2>&1 &
    child=$!
    tail -n +1 -f --pid=$child "$log" &
    wait $child || status=$?
    wait
    child=
    if [[ $(tail -n 1 "$log") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then passed=${BASH_REMATCH[1]} failed=${BASH_REMATCH[2]}; fi
  else
    echo "== $suite: could not be prepared"
    status=1
  fi
  table+=("$suite|$(versions "$suite")|$(compiler "$suite" $built)|$passed|$failed")
  return $status
}

# In order: the root, its packages, the program.
prepare() { # SUITE BUILT
  local suite=$1 built=$2
  if [ "$built" = static ]; then
    { [ "$suite" = $static_built_in ] || make_root $static_built_in; } && install_sets $static_built_in build &&
      copy_sources $static_built_in && build $static_built_in static patroni_pgbackrest -DPATRONI_PGBACKREST_STATIC=ON &&
      make_root "$suite" && install_sets "$suite" run real && copy_sources "$suite" &&
      cp "$roots/$static_built_in/srv/static/patroni_pgbackrest" "$roots/$suite/srv/"
  else
    make_root "$suite" && install_sets "$suite" build run real && copy_sources "$suite" && build "$suite" release patroni_pgbackrest &&
      cp "$roots/$suite/srv/release/patroni_pgbackrest" "$roots/$suite/srv/"
  fi
}

# A static binary runs in every suite, whatever its compiler.
run_as_patroni() { # SUITE CASE...: for Catch2
  local suite=$1 name program status=0 environment=(HOME=/tmp LANG=C.UTF-8) programs=(unit_patroni unit_commands)
  shift
  [ $# -gt 0 ] || set -- '[as_patroni]'
  make_root $static_built_in && install_sets $static_built_in build tests && copy_sources $static_built_in &&
    build $static_built_in static-tests "${programs[*]}" -DPATRONI_PGBACKREST_STATIC=ON -DPATRONI_PGBACKREST_TESTS=ON &&
    make_root "$suite" && install_sets "$suite" run && copy_sources "$suite" &&
    install -m 755 "${programs[@]/#/$roots/$static_built_in/srv/static-tests/tests/}" "$roots/$suite/srv/" || return
  for name in PATRONI_PGBACKREST_SECONDS PATRONI_PGBACKREST_SEED; do [ -z "${!name:-}" ] || environment+=("$name=${!name}"); done
  for program in "${programs[@]}"; do
    run in_root 7200 "$suite" setpriv --reuid=postgres --regid=postgres --clear-groups env "${environment[@]}" "/srv/$program" "$@" || status=$?
  done
  return $status
}

make_root() { # SUITE
  local root=$roots/$1
  if [ ! -d "$root" ]; then
    rm -rf --one-file-system "$root.part"
    quietly "$1: debootstrap" isolated 1800 debootstrap --variant=minbase "$1" "$root.part" "$(mirror)" || return
    mv "$root.part" "$root"
  fi
  echo "127.0.0.1 localhost $(uname -n)" >"$root/etc/hosts" # PostgreSQL 13 looks localhost up
  cp -L /etc/resolv.conf "$root/etc/resolv.conf"
  # The way to the mirror is this machine's; what is written need not survive a power cut.
  apt-config dump --format '%F "%v";%n' | grep -E '^Acquire::(https?::|Check-|Retries)' >"$root/etc/apt/apt.conf.d/90host" || true
  echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/90throwaway"
}

mirror() {
  local found
  found=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 2>/dev/null | sort -u | head -n 1) || true
  echo "${VERSIONS_MIRROR:-${found:-http://deb.debian.org/debian}}"
}

install_sets() { # SUITE SET...
  local suite=$1
  shift
  mkdir -p "$roots/$suite/srv"
  cp "$checkout/tests/support/packages.sh" "$roots/$suite/srv/"
  quietly "$suite: packages ($*)" in_root 1800 "$suite" bash -c '. /srv/packages.sh && install_packages "$@"' - "$@"
}

copy_sources() { # SUITE: what is as it was keeps its time, so that a kept root builds what changed, and all of that
  local old=$roots/$1/srv/source new=$roots/$1/srv/source.new file
  rm -rf "$new"
  mkdir -p "$new"
  tar -C "$checkout" --exclude=./.git --exclude='./build*' -cf - . | tar -C "$new" --no-same-owner --touch -xf -
  while IFS= read -r -d '' file; do
    ! cmp -s "$old/$file" "$new/$file" || touch -r "$old/$file" "$new/$file"
  done < <(cd "$new" && find . -type f -print0)
  rm -rf "$old"
  mv "$new" "$old"
  chmod -R a+rX "$old"
}

build() { # SUITE NAME TARGET OPTION...
  local suite=$1 name=$2 target=$3
  shift 3
  quietly "$suite: build ($name)" in_root 3600 "$suite" sh -c 'cmake -S /srv/source -B "$@" && ninja -k 0 -C "$1" $0' "$target" \
    "/srv/$name" -G Ninja -DCMAKE_BUILD_TYPE=Release -DPATRONI_PGBACKREST_WERROR=ON -DPATRONI_PGBACKREST_TESTS=OFF \
    "$@"
}

quietly() { # TEXT COMMAND...: shows what it printed only when it failed
  local text=$1 began=$SECONDS status=0
  shift
  echo "== $text"
  run "$@" >"$roots/output" 2>&1 || status=$?
  [ $status = 0 ] || cat "$roots/output"
  echo "== $text: $((SECONDS - began)) s"
  return $status
}

# A child that a signal to this script ends as well.
run() {
  local status=0
  "$@" &
  child=$!
  wait $child || status=$?
  child=
  return $status
}

# Mounts and processes of its own, which end with it, whatever ends it.
# unshare itself does not listen to SIGTERM.
isolated() { # SECONDS COMMAND...
  local seconds=$1
  shift
  exec timeout -k 1 "$seconds" unshare --mount --propagation private --pid --fork --kill-child -- "$@"
}

in_root() { # SECONDS SUITE COMMAND...
  local seconds=$1 root=$roots/$2 name environment=(HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
  shift 2
  for name in http_proxy https_proxy no_proxy; do [ -z "${!name:-}" ] || environment+=("$name=${!name}"); done
  isolated "$seconds" bash -c '
    mount --bind "$1" "$1" && mount -t proc proc "$1/proc" && mount -t sysfs -o ro sysfs "$1/sys" && mount --rbind /dev "$1/dev" && mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm" || exit
    chroot "$1" /usr/bin/env -i "${@:2}"' - "$root" "${environment[@]}" "$@"
}

versions() { # SUITE: the columns of the table
  local printed
  printed=$(in_root 60 "$1" bash -c '
    cd /
    for program in /usr/lib/postgresql/*/bin/postgres patroni pgbackrest etcd; do
      case $program in pgbackrest) $program version ;; *) $program --version ;; esac | head -n 1 | grep -oE "[0-9]+(\.[0-9a-z]+)+" | head -n 1
    done' 2>/dev/null) || printed=-
  echo "${printed//$'\n'/|}"
}

compiler() { # SUITE BUILT
  if [ "$2" = static ]; then
    echo "static, $static_built_in"
  else
    (in_root 60 "$1" bash -c 'echo "g++ $(g++ -dumpfullversion), Boost $(sed -n "s/.*BOOST_LIB_VERSION \"\(.*\)\"/\1/p" /usr/include/boost/version.hpp | tr _ .)"' 2>/dev/null || echo g++)
  fi
}

main "$@"
