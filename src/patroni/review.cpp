#include "patroni/review.hpp"

namespace patroni_pgbackrest::patroni {

std::vector<Finding> review(const ConfigurationSource& source, const Intent& intent) {
    std::vector<Finding> findings;
    const auto tree = load_tree(source);
    if (!tree) {
        return findings;
    }
    review_method(*tree, findings);
    review_repeated_keys(repeated_keys(source), findings);
    review_archiving(*tree, intent, findings);
    review_replica_methods(*tree, intent, findings);
    review_node(*tree, source, intent, findings);
    return findings;
}

}  // namespace patroni_pgbackrest::patroni
