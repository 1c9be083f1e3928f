#!/bin/sh
# Entrypoint of a Patroni container whose data lies on a volume: as user postgres, in place of `patroni /etc/patroni.yml`.
# A container has no systemd, so a bootstrap that was interrupted is ended here, before Patroni starts.
set -eu
configuration=${1:-/etc/patroni.yml}
# The first process of a container ignores signals that it does not catch.
trap '{ kill "${!:-}" && wait "$!"; } 2>/dev/null || true; exit 143' TERM INT
until patroni_pgbackrest resume --patroni-config="$configuration" & wait "$!"; do
  echo "patroni_pgbackrest resume failed: Patroni is not started; next try in 30 s" >&2
  sleep 30 &
  wait "$!"
done
trap - TERM INT
exec patroni "$configuration"
