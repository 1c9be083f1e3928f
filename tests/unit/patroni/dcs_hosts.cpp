#include "patroni/dcs_hosts.hpp"

#include "patroni/configuration_files.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"

#include <chrono>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::patroni;
using system::Endpoint;

namespace {

using Environment = std::map<std::string, std::string>;

std::vector<std::string> hosts(const std::string& text, const Environment& environment = {}) {
    std::vector<std::string> result;
    for (const auto& endpoint : dcs_hosts(*yaml::parse(text, "patroni.yml"), environment)) {
        result.push_back(endpoint.host + " " + endpoint.port);
    }
    return result;
}

using Hosts = std::vector<std::string>;

std::string why_away(const ConfigurationSource& source, Silence silence = Silence::may_end) {
    return DcsLook(source, *load_tree(source), silence).why_away();
}

}  // namespace

TEST_CASE("the servers of a DCS are found in each form that Patroni reads") {
    CHECK(hosts("etcd: {host: '10.0.0.1:2380'}") == Hosts{"10.0.0.1 2380"});
    CHECK(hosts("etcd3: {hosts: 'etcd-1:2379, etcd-2.example.com'}") ==
          Hosts{"etcd-1 2379", "etcd-2.example.com 2379"});
    CHECK(hosts("etcd3: {hosts: ['[2001:db8::1]:4001', '[::1]']}") == Hosts{"2001:db8::1 4001", "::1 2379"});
    CHECK(hosts("etcd3: {hosts: [a], port: 23790}") == Hosts{"a 23790"});
    CHECK(hosts("etcd: {url: 'https://user:secret@etcd.example.com:2379/v2'}") == Hosts{"etcd.example.com 2379"});
    CHECK(hosts("etcd: {proxy: 'http://localhost', hosts: [elsewhere]}") == Hosts{"localhost 2379"});
    CHECK(hosts("consul: {host: '127.0.0.1:8501'}") == Hosts{"127.0.0.1 8501"});
    CHECK(hosts("consul: {url: 'https://consul'}") == Hosts{"consul 8500"});
    CHECK(hosts("zookeeper: {hosts: [z1, 'z2:2182']}") == Hosts{"z1 2181", "z2 2182"});
}

TEST_CASE("a variable overrides the file") {
    CHECK(hosts("etcd3: {hosts: a}", {{"PATRONI_ETCD3_HOSTS", "b:1,c-d:2"}}) == Hosts{"b 1", "c-d 2"});
    CHECK(hosts("scope: demo", {{"PATRONI_ETCD_HOST", "b:1"}}) == Hosts{"b 1"});
    CHECK(hosts("etcd3: {hosts: a}", {{"PATRONI_ETCD3_HOSTS", ""}, {"PATRONI_ETCD3_USERNAME", "u"}}) ==
          Hosts{"a 2379"});
}

TEST_CASE("what is not understood is asked as ever") {
    CHECK(hosts("scope: demo").empty());
    CHECK(hosts("etcd3: {srv: example.com, hosts: a}").empty());
    CHECK(hosts("etcd3: {srv_suffix: s, hosts: a}").empty());
    CHECK(hosts("etcd3: {hosts: a}\nconsul: {host: b}").empty());
    CHECK(hosts("etcd3: {hosts: a}\nkubernetes: {namespace: b}").empty());
    CHECK(hosts("etcd3: {hosts: a}\nraft: {}").empty());
    CHECK(hosts("etcd3: {hosts: a}", {{"PATRONI_KUBERNETES_USE_ENDPOINTS", "true"}}).empty());
    CHECK(hosts("consul: {}").empty());
    CHECK(hosts("etcd3: {hosts: []}").empty());
    CHECK(hosts("etcd3: {hosts: ['a', '::1:2379']}").empty());
    CHECK(hosts("etcd3: {hosts: 'a:port'}").empty());
    CHECK(hosts("etcd3: {hosts: a}", {{"PATRONI_ETCD3_HOSTS", "['b:1', 'c:2']"}}).empty());
    CHECK(hosts("etcd3: {hosts: a}", {{"PATRONI_ETCD3_PORT", "1"}}).empty());
}

TEST_CASE("Kubernetes is known by its section, or by a variable of it") {
    CHECK(is_on_kubernetes(*yaml::parse("kubernetes: {}\n", "patroni.yml"), {}));
    CHECK(is_on_kubernetes(yaml::Node{}, {{"PATRONI_KUBERNETES_NAMESPACE", "a"}}));
    CHECK_FALSE(is_on_kubernetes(*yaml::parse("etcd3: {host: a}\n", "patroni.yml"), {{"PATRONI_ETCD3_HOSTS", "a"}}));
}

TEST_CASE("Kubernetes is not the DCS where Patroni takes another one first, or does not see the variable") {
    const std::map<std::string, std::string> of_pod{{"PATRONI_KUBERNETES_LABELS", "{app: a}"}};
    CHECK_FALSE(is_on_kubernetes(*yaml::parse("etcd3: {host: a}\n", "patroni.yml"), of_pod));
    CHECK_FALSE(is_on_kubernetes(*yaml::parse("consul: {host: a}\n", "patroni.yml"), of_pod));
    CHECK(is_on_kubernetes(*yaml::parse("zookeeper: {hosts: a}\n", "patroni.yml"), of_pod));
    auto of_service = of_pod;
    of_service["PATRONI_ETCD_SERVICE_HOST"] = "10.0.0.1";
    of_service["PATRONI_ETCD_PORT"] = "tcp://10.0.0.1:2379";
    CHECK(is_on_kubernetes(yaml::Node{}, of_service));
    of_service["PATRONI_ETCD_HOSTS"] = "a:2379";
    CHECK_FALSE(is_on_kubernetes(yaml::Node{}, of_service));
    ConfigurationSource source{std::nullopt, of_pod};
    CHECK(variables_in_force(source) == of_pod);
    source.environment["PATRONI_CONFIGURATION"] = "zookeeper: {hosts: a}\n";
    CHECK(variables_in_force(source).empty());
}

TEST_CASE("a DCS that nothing answers for is away, and one that is not known is not") {
    const Files files;
    ConfigurationSource source;
    source.path = files.write("patroni.yml", "etcd3: {hosts: '127.0.0.1:1,[::1]:1'}\n");
    CHECK(why_away(source) == "nothing answers at 127.0.0.1:1, [::1]:1");
    CHECK_FALSE(DcsLook(source, *load_tree(source), Silence::may_end).is_silent());
    source.path = files.write("patroni.yml", "kubernetes: {}\n");
    CHECK(why_away(source).empty());
    CHECK(DcsLook(source, *load_tree(source), Silence::may_end).is_known());
    CHECK_FALSE(DcsLook(source, *load_tree(source), Silence::may_end).is_silent());
    source.path.reset();
    source.environment = {{"PATRONI_CONFIGURATION", "etcd3: {hosts: '127.0.0.1:1'}"}, {"PATRONI_ETCD3_HOSTS", "b"}};
    CHECK(why_away(source) == "nothing answers at 127.0.0.1:1");
}

TEST_CASE("a DCS that accepts connections and is silent is away for who only looks, and is asked by a restore") {
    const int file = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::listen(file, 16) == 0);  // the kernel chooses a port of 0.0.0.0, and accepts for it
    sockaddr_in address{};
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(file, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    const auto server = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    const Files files;
    for (const std::string section : {"etcd3: {hosts: '", "zookeeper: {hosts: '"}) {
        ConfigurationSource source;
        source.path = files.write("patroni.yml", section + server + "'}\n");
        CHECK(why_away(source, Silence::may_end).empty());
        const auto began = std::chrono::steady_clock::now();
        CHECK(why_away(source, Silence::is_away) == "nothing answers at " + server);
        CHECK(std::chrono::steady_clock::now() - began < longest_look + std::chrono::seconds(2));
        const DcsLook look(source, *load_tree(source), Silence::may_end);
        CHECK(look.is_silent());
        CHECK(look.is_known());
    }
    ::close(file);
}
