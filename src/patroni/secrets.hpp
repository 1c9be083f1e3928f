#pragma once

#include <string>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// Whether a key's value is secret: its name contains password, pass, secret, token or credential, or ends with key.
bool names_secret(const std::string& key);

/// The lines of a YAML text, without line feeds, for a person to see. The value of a secret key becomes `****`, on all
/// its lines and where an alias takes it from. So does anything that looks like a secret in a comment, an assignment or
/// a URL. Throws Failure(usage) for broken YAML.
std::vector<std::string> lines_to_show(const std::string& yaml, const std::string& name);

}  // namespace patroni_pgbackrest::patroni
