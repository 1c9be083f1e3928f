#pragma once

namespace patroni_pgbackrest::system {

/// For std::visit: a function for each type that a variant may hold.
template <typename... Cases>
struct Overloaded : Cases... {
    using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

}  // namespace patroni_pgbackrest::system
