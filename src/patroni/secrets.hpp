#pragma once

#include <string>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// Whether a key's value is nobody's business: its name has password, pass, secret, token or credential in it, or ends
/// with key.
bool names_secret(const std::string& key);

/// The lines of a YAML text, without their line feeds, as a person may see them: the value of such a key is `****`, on
/// all its lines and where an alias takes it from, and so is what looks like one in a comment, an assignment or a URL.
/// Throws Failure(usage) for broken YAML.
std::vector<std::string> lines_to_show(const std::string& yaml, const std::string& name);

}  // namespace patroni_pgbackrest::patroni
