"""What Patroni itself makes of patroni.yml and of PATRONI_* variables: for each line of JSON on standard input,
`{"path": ..., "environment": {...}}`, one on standard output. It runs with Patroni 2.0 to 4.1."""
import json
import logging
import os
import sys
import types

import yaml
from patroni.config import Config
from patroni.postgresql import Postgresql
from patroni.postgresql.bootstrap import Bootstrap
from patroni.postgresql.config import CaseInsensitiveDict, ConfigHandler
from patroni.utils import split_host_port

try:
    from patroni.__main__ import Patroni
except ImportError:  # until 2.0
    from patroni import Patroni

PARAMETERS = 'archive_mode', 'archive_command', 'archive_library', 'password_encryption'


def handler_of(configuration):
    """A ConfigHandler of a server that is not there."""
    handler = object.__new__(ConfigHandler)
    of_citus = types.SimpleNamespace(adjust_postgres_gucs=lambda parameters: None)
    handler._postgresql = types.SimpleNamespace(
        major_version=150000, scope='demo', global_config=None,  # of 3.1 and 3.2
        citus_handler=of_citus, mpp_handler=of_citus)  # the one of 3, the other of 4
    handler._synchronous_standby_names = None
    handler._server_parameters = CaseInsensitiveDict()
    handler._config_dir = '/data'
    handler._config = dict(configuration['postgresql'], listen='127.0.0.1:5432')
    handler.setup_server_parameters()
    return handler


def method_of(section):
    called = []
    bootstrap = object.__new__(Bootstrap)
    bootstrap._initdb = lambda options: called.append('initdb')
    bootstrap._custom_bootstrap = lambda options: called.append(section['method'])
    bootstrap.bootstrap(section)
    return called[0]


def text(value):
    if isinstance(value, bool):
        return 'on' if value else 'off'  # PostgreSQL takes the one for the other
    return '' if value is None else str(value)


def values_of(configuration):
    """What the variables can change, without what is not set."""
    postgresql = configuration['postgresql']
    values = {key: configuration.get(key) for key in ('scope', 'name')}
    values.update((key, postgresql.get(key)) for key in ('data_dir', 'bin_dir', 'config_dir', 'listen'))
    values['log.dir'] = (configuration.get('log') or {}).get('dir')
    for kind in ('superuser', 'replication', 'rewind'):
        role = postgresql['authentication'].get(kind) or {}
        if role.get('username'):
            values.update({kind + '.username': role['username'], kind + '.password': role.get('password')})
    return {key: text(value) for key, value in values.items() if value not in (None, '')}


def seen(path, environment):
    for name in [name for name in os.environ if name.startswith('PATRONI_')]:
        del os.environ[name]
    os.environ.update(environment)
    configuration = Config(path, None)
    section = configuration.get('bootstrap') or {}
    if section.get('dcs'):
        configuration.set_dynamic_configuration(section['dcs'])
    handler = handler_of(configuration)
    recovery_conf = CaseInsensitiveDict(handler.get('recovery_conf') or {})
    methods = Postgresql.create_replica_methods.fget(types.SimpleNamespace(config=handler)) or ['basebackup']
    return {'recovery_conf': {name.lower(): text(value) for name, value in recovery_conf.items()},
            'parameters': {name: text(handler._server_parameters.get(name)) for name in PARAMETERS},
            'methods': list(methods), 'bootstrap': method_of(section), 'values': values_of(configuration)}


def taken(path):
    """The keys whose 4711 is in force, the port, and whether the tags keep the node from bootstrapping."""
    configuration = Config(path, None)
    configuration.set_dynamic_configuration((configuration.get('bootstrap') or {}).get('dcs') or {})
    dynamic = configuration.dynamic_configuration
    of_dcs = {name: dynamic.get(name) for name in ('maximum_lag_on_failover', 'synchronous_mode', 'slots')}
    in_force = {**configuration['postgresql'], **of_dcs, 'use_slots': (dynamic.get('postgresql') or {}).get('use_slots')}
    node = object.__new__(Patroni)
    tags = configuration.get('tags') or {}
    node.__dict__.update(tags=tags, _tags=tags)  # the one of 3, the other of 4
    try:
        port = split_host_port(configuration['postgresql']['listen'], 5432)[1]
    except ValueError:
        port = None
    return {'taken': sorted(name for name, value in in_force.items() if '4711' in str(value)),
            'port': port, 'nofailover': bool(node.nofailover)}


def called(path):
    """The words that Patroni runs, without what it appends; None where it cannot split the line."""
    section = Config(path, None)['bootstrap']
    calls = []

    def call(words, *rest, **more):
        calls.append(words)
        return 1

    bootstrap = object.__new__(Bootstrap)
    bootstrap._postgresql = types.SimpleNamespace(set_state=lambda state: None, scope='demo', data_dir='/data',
                                                  cancellable=types.SimpleNamespace(call=call))
    bootstrap._custom_bootstrap(section[section['method']])
    return {'words': calls[0] if calls else None}


def readable(path):
    with open(path, encoding='utf-8') as file:
        try:
            yaml.safe_load(file)
            return True
        except (yaml.YAMLError, ValueError):
            return False


logging.disable(logging.CRITICAL)
for line in sys.stdin:
    given = json.loads(line)
    path = given['path']
    print(json.dumps({'readable': readable(path)} if path.endswith('.txt') else
                     called(path) if path.endswith('.command.yml') else
                     taken(path) if path.endswith('.level.yml') else seen(path, given['environment'])))
