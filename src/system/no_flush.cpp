#include "system/no_flush.hpp"

#include "system/blocked_signals.hpp"
#include "system/thread.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace patroni_pgbackrest::system {

namespace {

#if defined(__x86_64__)
constexpr unsigned native = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr unsigned native = AUDIT_ARCH_AARCH64;
#else
constexpr unsigned native = 0;  // no process has it: nothing is filtered
#endif

constexpr auto flushes = std::to_array<unsigned>({SYS_fsync, SYS_fdatasync, SYS_sync_file_range, SYS_sync, SYS_syncfs});

constexpr sock_filter load(std::size_t offset) {
    return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<unsigned>(offset));
}

}  // namespace

bool flush_nothing() {
    constexpr std::size_t count = flushes.size() + 5;
    std::array<sock_filter, count> filter{{
        load(offsetof(seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, native, 0, flushes.size() + 1),  // else: allow
        load(offsetof(seccomp_data, nr)),
    }};
    for (std::size_t i = 0; i < flushes.size(); ++i) {
        // To the last instruction, over the rest of these and the one that allows.
        const auto left = static_cast<unsigned char>(flushes.size() - i);
        filter[3 + i] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, flushes[i], left, 0);
    }
    filter[count - 2] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    filter[count - 1] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO);  // with errno 0: the call succeeds
    const sock_fprog program{count, filter.data()};
    // Before Linux 5.16 a filter turns speculation off for all that runs with it, unless it says that it keeps out
    // nobody. A container may know prctl alone.
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) == 0 ||
            ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

int refusal_to_flush_nothing() {
    int refusal = 0;
    auto trying = started([&refusal] {
        const BlockedSignals left_to_the_main_thread(all_signals());
        refusal = flush_nothing() ? 0 : errno;
    });
    if (!trying) {
        return EAGAIN;
    }
    trying->join();
    return refusal;
}

}  // namespace patroni_pgbackrest::system
