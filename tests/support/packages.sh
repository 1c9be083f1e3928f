# shellcheck shell=bash disable=SC2034,SC2046
# Installs what is missing on Debian and Ubuntu, without a question and without starting anything. Source it.
#   install_packages build run   the sets to install; does nothing when all of them are there

packages_build=(g++ cmake ninja-build libyaml-cpp-dev libfmt-dev libcli11-dev nlohmann-json3-dev
  zlib1g-dev libbz2-dev liblz4-dev libzstd-dev)
packages_tests=(catch2)
packages_checks=(lintian dpkg-dev file prometheus)
if grep -qsw bookworm /etc/os-release; then packages_checks+=(clang-format-14 clang-tidy-14); fi
packages_browser=(chromium)
packages_faults=(strace xfsprogs)
packages_real=(strace xfsprogs btrfs-progs libfaketime)
packages_fuzz=(clang libclang-rt-dev)
packages_versions=(debootstrap)
packages_run=(postgresql patroni python3-etcd pgbackrest etcd-server etcd-client curl e2fsprogs util-linux)

install_packages() { # SET...
  local set name missing=() names=()
  for set; do declare -n list=packages_$set; names+=("${list[@]}"); done
  for name in "${names[@]}"; do is_installed "$name" || missing+=("$name"); done
  [[ " $* " != *' build '* ]] || has_boost || missing+=(boost)
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ]; then
    echo "missing: ${missing[*]}; run this as root, or install them yourself" >&2
    return 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  without_starting_anything apt-get install -qqy --no-install-recommends $(for name in "${missing[@]}"; do available "$name"; done)
}

is_installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Boost.Process v2 came with 1.81; since 1.86 it is a library.
has_boost() { ls /usr/include/boost/process/v2.hpp /usr/include/boost/process/v2/process.hpp >/dev/null 2>&1; }

available() { # NAME: what the distribution calls it
  case $1 in
  boost)
    local version
    version=$(candidate libboost-dev)
    if dpkg --compare-versions "$version" ge 1.81; then
      echo libboost-dev
      [ -z "$(candidate libboost-process-dev)" ] || echo libboost-process-dev
    else
      apt-cache pkgnames libboost1. | grep -E '^libboost1\.8[1-9]-dev$' | sort | tail -n 1
    fi
    ;;
  etcd-server) [ -n "$(candidate etcd-server)" ] && echo etcd-server || echo etcd ;;
  *) [ -z "$(candidate "$1")" ] || echo "$1" ;;
  esac
}

candidate() { apt-cache policy "$1" | sed -n 's/^  Candidate: //p' | grep -vx '(none)' || true; }

# A policy that forbids starting services, and no cluster `main`: both for as long as the installation takes.
without_starting_anything() { # COMMAND...
  local policy=/usr/sbin/policy-rc.d cluster=/etc/postgresql-common/createcluster.d/patroni_pgbackrest.conf status=0
  local had_etcd=0 had_patroni=0 had_prometheus=0
  ! is_installed etcd-server || had_etcd=1
  ! is_installed patroni || had_patroni=1
  ! is_installed prometheus || had_prometheus=1
  mkdir -p "${cluster%/*}"
  echo 'create_main_cluster = false' >"$cluster"
  if [ -e $policy ]; then policy=; else printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy; fi
  "$@" >/tmp/patroni_pgbackrest-apt.log 2>&1 || status=$?
  [ $status = 0 ] || cat /tmp/patroni_pgbackrest-apt.log >&2
  rm -f "$cluster" $policy /tmp/patroni_pgbackrest-apt.log
  # What was not there before does not start with the machine either.
  [ $had_etcd = 1 ] || update-rc.d etcd disable >/dev/null 2>&1 || true
  [ $had_patroni = 1 ] || update-rc.d patroni disable >/dev/null 2>&1 || true
  [ $had_prometheus = 1 ] || update-rc.d prometheus disable >/dev/null 2>&1 || true
  return $status
}
