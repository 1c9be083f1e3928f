#include "pgbackrest/capture.hpp"

#include "pgbackrest/error_meaning.hpp"

namespace patroni_pgbackrest::pgbackrest {

process::Captured succeeded_or_again(const std::string& what, process::Captured result, const process::Command& command,
                                     const RetryPolicy& retry) {
    for (Retries retries(retry); !process::succeeded(result.outcome);
         result = process::capture_while_it_works(command)) {
        if (!may_pass(result.outcome, errors_of(result)) || !retries.another(what_happened(result.outcome))) {
            throw failure_of(what, result.outcome, errors_of(result));
        }
    }
    return result;
}

}  // namespace patroni_pgbackrest::pgbackrest
