"""What Patroni itself makes of patroni.yml: for each path on standard input a line of JSON."""
import json
import sys
import types

import yaml
from patroni.config import Config
from patroni.postgresql import Postgresql
from patroni.postgresql.bootstrap import Bootstrap
from patroni.postgresql.config import CaseInsensitiveDict, ConfigHandler


def handler_of(configuration):
    """A ConfigHandler of a server that is not there."""
    handler = object.__new__(ConfigHandler)
    of_citus = types.SimpleNamespace(adjust_postgres_gucs=lambda parameters: None)
    handler._postgresql = types.SimpleNamespace(
        major_version=150000, scope='demo', citus_handler=of_citus, mpp_handler=of_citus)  # the one of 3, the other of 4
    handler._synchronous_standby_names = None
    handler._config_dir = '/data'
    handler._config = configuration['postgresql'].copy()
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


def seen(path):
    configuration = Config(path, None)
    section = configuration.get('bootstrap') or {}
    if section.get('dcs'):
        configuration.set_dynamic_configuration(section['dcs'])
    handler = handler_of(configuration)
    recovery_conf = CaseInsensitiveDict(handler.get('recovery_conf') or {})
    methods = Postgresql.create_replica_methods.fget(types.SimpleNamespace(config=handler)) or ['basebackup']
    return {'recovery_conf': {name.lower(): text(value) for name, value in recovery_conf.items()},
            'parameters': {name: text(handler._server_parameters.get(name)) for name in ('archive_mode', 'archive_command')},
            'methods': list(methods), 'bootstrap': method_of(section)}


def readable(path):
    with open(path, encoding='utf-8') as file:
        try:
            yaml.safe_load(file)
            return True
        except (yaml.YAMLError, ValueError):
            return False


for line in sys.stdin:
    path = line.strip()
    print(json.dumps({'readable': readable(path)} if path.endswith('.txt') else seen(path)))
