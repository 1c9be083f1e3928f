#pragma once

#include <string>

namespace patroni_pgbackrest {

/// A patroni.yml in which `check` finds nothing, once postgresql.authentication names a user for replication.
inline const std::string clean_patroni_yml = "scope: demo\n"
                                             "bootstrap:\n"
                                             "  method: pgbackrest\n"
                                             "  pgbackrest:\n"
                                             "    command: /usr/bin/patroni_pgbackrest bootstrap\n"
                                             "    stanza: demo\n"
                                             "  dcs:\n"
                                             "    postgresql:\n"
                                             "      parameters:\n"
                                             "        archive_mode: 'on'\n"
                                             "        archive_command: pgbackrest --stanza=demo archive-push %p\n"
                                             "postgresql:\n"
                                             "  recovery_conf:\n"
                                             "    restore_command: pgbackrest --stanza=demo archive-get %f \"%p\"\n";

}  // namespace patroni_pgbackrest
