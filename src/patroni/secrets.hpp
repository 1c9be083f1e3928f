#pragma once

#include "yaml/document.hpp"

#include <string>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// Whether a key's value is secret: its name contains pass, pwd, secret, token, credential or authorization, ends with
/// key, or is auth.
bool names_secret(const std::string& key);

/// Any text: what looks like a secret in a comment, an assignment, an option or a URL becomes `****`, to the end of its
/// line.
std::string text_to_show(const std::string& text);

/// The lines of a YAML text, without line feeds, for a person to see. The value of a secret key becomes `****`, on all
/// its lines and where an alias takes it from. So do a comment behind it, a private key in PEM, and what text_to_show()
/// hides.
std::vector<std::string> lines_to_show(const yaml::Document& document);

}  // namespace patroni_pgbackrest::patroni
