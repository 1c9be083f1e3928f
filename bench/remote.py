"""A repository that is far away: a pgbackrest server over TLS, and milliseconds in between."""
import os
import socket

from lab import free_port, read, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))


def has_server(lab):
    """pgBackRest's server came with 2.37."""
    return lab.attempt('pgbackrest', 'help', 'server').returncode == 0


def move_away(lab, data_directory, milliseconds):
    """Serves the repository of pgbackrest.conf, and writes that file again for a client: each direction takes so long."""
    key, certificate = lab.path('tls.key'), lab.path('tls.crt')
    # One certificate for both ends, which is its own authority. pgBackRest compares the name with repo1-host.
    lab.run('openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=127.0.0.1', '-days', '2',
            '-keyout', key, '-out', certificate)
    near, far = free_port(), free_port()
    server = lab.write('server.conf', read(lab.path('pgbackrest.conf')).replace('[global]\n', '[global]\n' + ''.join(
        '%s=%s\n' % setting for setting in {
            'tls-server-address': '127.0.0.1', 'tls-server-port': far, 'tls-server-auth': '127.0.0.1=*',
            'tls-server-ca-file': certificate, 'tls-server-cert-file': certificate, 'tls-server-key-file': key}.items()), 1))
    lab.start('pgbackrest-server', 'pgbackrest', '--config=' + server, 'server')
    delay = lab.write('delay.py', read(os.path.join(HERE, 'delay.py')))
    lab.start('delay', '/usr/bin/python3', '-B', delay, str(near), str(far), str(milliseconds))
    for port in (near, far):
        wait_until('port %d to be listened on' % port, lambda at=port: is_listening(at))
    lab.pgbackrest_configuration(data_directory, settings={
        'repo1-host': '127.0.0.1', 'repo1-host-type': 'tls', 'repo1-host-port': near, 'repo1-host-config': server,
        'repo1-host-ca-file': certificate, 'repo1-host-cert-file': certificate, 'repo1-host-key-file': key})


def is_listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(('127.0.0.1', port)) == 0
