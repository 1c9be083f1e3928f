#!/usr/bin/python3
"""A contender, and no part of the program: a script as people have it around `pgbackrest restore`. Whoever called it, as
Patroni calls the command of a bootstrap method, starts PostgreSQL.

    bench/wrapper.py PGDATA PGBACKREST_CONFIGURATION
"""
import subprocess
import sys


def main(data_directory, configuration):
    pgbackrest = ['pgbackrest', '--config=' + configuration, '--stanza=demo', '--pg1-path=' + data_directory]
    subprocess.run(pgbackrest + ['--delta', 'restore'], check=True)
    with open(data_directory + '/postgresql.auto.conf', 'a', encoding='utf-8') as file:
        file.write("restore_command = '%s archive-get %%f \"%%p\"'\n" % ' '.join(pgbackrest))
        file.write("recovery_target_timeline = 'latest'\nrecovery_target_action = 'promote'\n")
    with open(data_directory + '/recovery.signal', 'w', encoding='utf-8'):
        pass


if __name__ == '__main__':
    main(*sys.argv[1:])
