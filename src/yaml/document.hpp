#pragma once

#include "yaml/tree.hpp"

#include <memory>
#include <string>

namespace patroni_pgbackrest::yaml {

struct Events;

/// A text, and what was read from it.
struct Document {
    std::string text;
    std::string name;  ///< the beginning of places
    NodePtr tree;
    std::shared_ptr<const Events> events;
};

/// Throws as parse().
Document read(std::string text, std::string name);

}  // namespace patroni_pgbackrest::yaml
