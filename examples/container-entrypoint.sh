#!/bin/sh
# Entrypoint for a Patroni container that has its data on a volume. Run it as user postgres instead of
# `patroni /etc/patroni.yml`. A container has no systemd, so this script finishes an interrupted bootstrap before Patroni starts.
set -eu
configuration=${1:-/etc/patroni.yml}
# In a container, process 1 ignores every signal that it does not catch.
trap '{ kill "${!:-}" && wait "$!"; } 2>/dev/null || true; exit 143' TERM INT
until patroni_pgbackrest resume --patroni-config="$configuration" & wait "$!"; do
  echo "patroni_pgbackrest resume failed: Patroni is not started; next try in 30 s" >&2
  sleep 30 &
  wait "$!"
done
trap - TERM INT
exec patroni "$configuration"
