#!/bin/bash
# Loses a Patroni cluster and brings it back from its pgBackRest repository, with examples/patroni.yml. The servers are
# real; the script starts them itself (loopback, free ports, user postgres). Run it as root on Debian or Ubuntu. It
# installs what is missing and builds the program first (not with PATRONI_PGBACKREST=PROGRAM). Everything it makes is in
# one temporary directory, which it removes at the end.
set -euo pipefail
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$checkout/tests/support/packages.sh"
table=() began=0

main() {
  [ "$(id -u)" = 0 ] || { echo "run it as root: it installs packages and starts servers as user postgres" >&2 && exit 1; }
  step packages packages
  work=$(mktemp -d /tmp/patroni_pgbackrest-demo.XXXXXX)
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  prepare
  step build build
  step etcd start_etcd
  configure initdb
  step "a new cluster" start_patroni
  sql 'create table orders (id int primary key, item text)' >/dev/null
  step "rows and a backup" first_rows_and_backup
  step "more rows" more_rows
  local before after
  before=$(fingerprint)
  step disaster disaster
  configure pgbackrest
  step "the cluster comes back" start_patroni
  after=$(fingerprint)
  report "$before" "$after"
}

step() { # TEXT COMMAND...: runs it, and notes what happened (the command sets $what) and how long it took
  local text=$1 began=$SECONDS
  shift
  echo "== $text"
  what=
  "$@"
  table+=("$text|$what|$((SECONDS - began))")
}

report() { # BEFORE AFTER
  local line step what seconds
  printf '\n%-26s %-66s %s\n' step 'what happened' seconds
  for line in "${table[@]}"; do
    IFS='|' read -r step what seconds <<<"$line"
    printf '%-26s %-66s %7s\n' "$step" "$what" "$seconds"
  done
  printf '\nrows|checksum before: %s, after: %s\n' "$1" "$2"
  if [ "$1" != "$2" ] || [ "${1%%|*}" != 75000 ]; then
    echo "the rows are not those that were lost" >&2
    exit 1
  fi
  echo "every row is back"
}

prepare() {
  bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
  postgres=(setpriv --reuid=postgres --regid=postgres --init-groups
    env "HOME=$work" "PATH=$bin:/usr/bin:/bin" "PGBACKREST_CONFIG=$work/pgbackrest.conf")
  local etcd_peer_port
  read -r etcd_port etcd_peer_port rest_port port < <(/usr/bin/python3 -c '
import socket
sockets = [socket.socket() for _ in range(4)]
for each in sockets: each.bind(("127.0.0.1", 0))
print(*[each.getsockname()[1] for each in sockets])')
  etcd=http://127.0.0.1:$etcd_port etcd_peer=http://127.0.0.1:$etcd_peer_port
  install -d -o postgres -g postgres -m 2775 /var/run/postgresql
  install -d -o postgres -g postgres -m 755 "$work"
  install -d -o postgres -g postgres -m 700 "$work"/{etcd,repository,log,lock,spool}
  cat >"$work/pgbackrest.conf" <<CONF
[global]
repo1-path=$work/repository
log-path=$work/log
lock-path=$work/lock
spool-path=$work/spool
repo1-retention-full=2
start-fast=y
[demo]
pg1-path=$work/data
pg1-port=$port
CONF
  chmod 644 "$work/pgbackrest.conf"
}

packages() {
  install_packages build run
  what="$(postgres_version), Patroni $(patroni --version | cut -d ' ' -f 2), $(pgbackrest version)"
}
postgres_version() { "$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)"/postgres --version | cut -d ' ' -f 2-3 | tr -d '()'; }

build() {
  local program=${PATRONI_PGBACKREST:-$work/build/patroni_pgbackrest}
  if [ -z "${PATRONI_PGBACKREST:-}" ] && ! {
    cmake -S "$checkout" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DPATRONI_PGBACKREST_TESTS=OFF &&
      ninja -C "$work/build" patroni_pgbackrest
  } >"$work/build.log" 2>&1; then
    cat "$work/build.log" >&2
    return 1
  fi
  install -m 755 "$program" "$work/patroni_pgbackrest"
  what=$("$work/patroni_pgbackrest" --version)
}

as_postgres() { (cd "$work" && exec "${postgres[@]}" "$@"); }

start() { # NAME COMMAND...: in the background, its output in NAME.log
  local name=$1
  shift
  (cd "$work" && exec "${postgres[@]}" "$@") >>"$work/$name.log" 2>&1 &
}

wait_for() { # SECONDS WHAT COMMAND...
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    if [ $SECONDS -ge $end ]; then
      echo "waited in vain for $what" >&2
      tail -n 40 "$work/patroni.log" >&2 || true
      return 1
    fi
    sleep .2
  done
}

start_etcd() {
  start etcd etcd --name demo --data-dir "$work/etcd" --listen-client-urls "$etcd" --advertise-client-urls "$etcd" \
    --listen-peer-urls "$etcd_peer" --initial-advertise-peer-urls "$etcd_peer" --initial-cluster "demo=$etcd_peer"
  etcd_pid=$!
  wait_for 30 etcd curl -sf -m 2 "$etcd/health"
  what="one etcd on 127.0.0.1:$etcd_port"
}

# examples/patroni.yml with free ports and the paths of this demo. METHOD is initdb for the first cluster: it has no backup.
configure() { # METHOD
  sed -e "s|^  method: .*|  method: $1|" -e "s|/usr/bin/patroni_pgbackrest|$work/patroni_pgbackrest|" \
    -e "s|127.0.0.1:2379|127.0.0.1:$etcd_port|" -e "s|127.0.0.1:8008|127.0.0.1:$rest_port|" \
    -e "s|127.0.0.1:5432|127.0.0.1:$port|" -e "s|/var/lib/postgresql/15/demo|$work/data|" \
    -e "s|/usr/lib/postgresql/15/bin|$bin|" -e "s|/var/lib/postgresql/pgpass-demo|$work/pgpass|" \
    "$checkout/examples/patroni.yml" >"$work/patroni.yml"
  chown postgres: "$work/patroni.yml"
  chmod 600 "$work/patroni.yml"
}

start_patroni() {
  start patroni patroni "$work/patroni.yml"
  patroni_pid=$!
  wait_for 120 "a leader" leader_or_gone
  curl -sf -m 2 "http://127.0.0.1:$rest_port/primary" >/dev/null || { tail -n 40 "$work/patroni.log" >&2 && return 1; }
  what="leader with bootstrap.method: $(sed -n 's/^  method: //p' "$work/patroni.yml"), timeline $(timeline)"
}
timeline() { sql 'checkpoint; select timeline_id from pg_control_checkpoint()' | tail -n 1; }

leader_or_gone() { curl -sf -m 2 "http://127.0.0.1:$rest_port/primary" || ! kill -0 "$patroni_pid"; }

sql() { as_postgres psql -X -h /var/run/postgresql -p "$port" -v ON_ERROR_STOP=1 -Atc "$1" postgres; }

fingerprint() { sql "select count(*), coalesce(sum(hashtext(id || item)), 0) from orders"; }

first_rows_and_backup() {
  as_postgres pgbackrest --stanza=demo --log-level-console=warn stanza-create
  sql "insert into orders select i, md5(i::text) from generate_series(1, 50000) i" >/dev/null
  as_postgres pgbackrest --stanza=demo --log-level-console=warn --type=full backup
  what="50,000 rows, full backup $(basename "$work"/repository/backup/demo/*F)"
}

more_rows() {
  local segment
  sql "insert into orders select i, md5(i::text) from generate_series(50001, 75000) i" >/dev/null
  segment=$(sql "select pg_walfile_name(pg_switch_wal())")
  wait_for 60 "the WAL to be archived" is_archived "$segment"
  what="25,000 rows after the backup, WAL archived up to ${segment:8}"
}
is_archived() { [ "$(sql "select last_archived_wal >= '$1' from pg_stat_archiver")" = t ]; }

stop_patroni() {
  [ -n "${patroni_pid:-}" ] || return 0
  kill "$patroni_pid" 2>/dev/null || true
  wait_for 30 "Patroni to stop" is_gone "$patroni_pid" || kill -KILL "$patroni_pid"
  patroni_pid=
}
is_gone() { ! kill -0 "$1"; }

disaster() {
  stop_patroni
  rm -rf "$work/data"
  # What `patronictl remove demo` does.
  ETCDCTL_API=3 etcdctl --endpoints="$etcd" del --prefix /service/demo/ >/dev/null
  what="Patroni stopped, data directory and DCS entry removed"
}

clean_up() {
  local status=$? postmaster
  set +e
  stop_patroni 2>/dev/null
  postmaster=$(head -n 1 "$work/data/postmaster.pid" 2>/dev/null)
  if [ -n "$postmaster" ] && kill -INT "$postmaster" 2>/dev/null; then
    wait_for 20 "PostgreSQL to stop" is_gone "$postmaster" 2>/dev/null || kill -QUIT "$postmaster"
  fi
  if [ -n "${etcd_pid:-}" ]; then kill "$etcd_pid" && wait "$etcd_pid"; fi
  rm -rf "$work"
  exit $status
}

main "$@"
