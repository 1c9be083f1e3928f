#!/bin/sh
# Entrypoint for a Patroni container that has its data on a volume. Run it as user postgres instead of
# `patroni /etc/patroni.yml`. A container has no systemd, so this script finishes an interrupted bootstrap before Patroni starts.
#
# A stop in the middle of a restore: Patroni 3.3.6, 4.0.5 and later end the restore, which takes a few seconds. Older ones wait
# for its end, until the runtime kills the container. Either way the copy stays on the volume, and the next start goes on with
# it, here, before Patroni. So a longer terminationGracePeriodSeconds is not needed for that; but resume may take long, and a
# startup or liveness probe must not end it.
set -eu
configuration=${1:-/etc/patroni.yml}
# Without that file Patroni takes PATRONI_CONFIGURATION, or the PATRONI_* variables alone, and so does resume.
if [ -e "$configuration" ]; then
  set -- --patroni-config="$configuration"
else
  set --
fi
# In a container, process 1 ignores every signal that it does not catch.
trap '{ kill "${!:-}" && wait "$!"; } 2>/dev/null || true; exit 143' TERM INT
until patroni_pgbackrest resume "$@" & wait "$!"; do
  echo "patroni_pgbackrest resume failed: Patroni is not started; next try in 30 s" >&2
  sleep 30 &
  wait "$!"
done
trap - TERM INT
exec patroni "$configuration"
