#pragma once

#include "yaml/tree.hpp"

#include <string>

namespace patroni_pgbackrest::yaml {

/// A text, and what was read from it.
struct Document {
    std::string text;
    std::string name;  ///< the beginning of places
    NodePtr tree;
};

/// Throws as parse().
Document read(std::string text, std::string name);

}  // namespace patroni_pgbackrest::yaml
