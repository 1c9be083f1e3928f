#pragma once

#include <string>

/// What pgBackRest printed for one stanza with a plain repo1 and an encrypted repo2 (shortened to two backups).
namespace samples {

/// 2.33: no lsn, no error, no repository reference.
inline const std::string version_2_33 =
    R"json([{"archive":[{"database":{"id":1,"repo-key":1},"id":"13-1","max":"000000010000000000000007","min":"000000010000000000000001"},{"database":{"id":1,"repo-key":2},"id":"13-1","max":"000000010000000000000007","min":"000000010000000000000001"}],"backup":[{"archive":{"start":"000000010000000000000002","stop":"000000010000000000000002"},"backrest":{"format":5,"version":"2.33"},"database":{"id":1,"repo-key":1},"info":{"delta":23213814,"repository":{"delta":3075913,"size":3075913},"size":23213814},"label":"20261122-111728F","prior":null,"reference":null,"timestamp":{"start":1795346248,"stop":1795346251},"type":"full"},{"archive":{"start":null,"stop":null},"backrest":{"format":5,"version":"2.33"},"database":{"id":1,"repo-key":2},"info":{"delta":23213814,"repository":{"delta":3101104,"size":3101104},"size":23213814},"label":"20261122-111732F","prior":null,"reference":null,"timestamp":{"start":1795346252,"stop":1795346256},"type":"full"}],"cipher":"mixed","db":[{"id":1,"repo-key":1,"system-id":7710953412442782829,"version":"13"},{"id":1,"repo-key":2,"system-id":7710953412442782829,"version":"13"}],"name":"demo","repo":[{"cipher":"none","key":1,"status":{"code":0,"message":"ok"}},{"cipher":"aes-256-cbc","key":2,"status":{"code":0,"message":"ok"}}],"status":{"code":0,"lock":{"backup":{"held":false}},"message":"ok"}}])json";

/// 2.45.
inline const std::string version_2_45 =
    R"json([{"archive":[{"database":{"id":1,"repo-key":1},"id":"15-1","max":"000000010000000000000007","min":"000000010000000000000001"},{"database":{"id":1,"repo-key":2},"id":"15-1","max":"000000010000000000000007","min":"000000010000000000000001"}],"backup":[{"archive":{"start":"000000010000000000000002","stop":"000000010000000000000002"},"backrest":{"format":5,"version":"2.45"},"database":{"id":1,"repo-key":1},"error":true,"info":{"delta":23213814,"repository":{"delta":3075913,"size":3075913},"size":23213814},"label":"20261122-111728F","lsn":{"start":"0/2000028","stop":"0/2000100"},"prior":null,"reference":null,"timestamp":{"start":1795346248,"stop":1795346251},"type":"full"},{"archive":{"start":"000000010000000000000007","stop":"000000010000000000000007"},"backrest":{"format":5,"version":"2.45"},"database":{"id":1,"repo-key":1},"error":false,"info":{"delta":1851657,"repository":{"delta":209282,"size":3118864},"size":23582453},"label":"20261122-111728F_20261122-111736I","lsn":{"start":"0/7000028","stop":"0/7000100"},"prior":"20261122-111728F","reference":["20261122-111728F"],"timestamp":{"start":1795346256,"stop":1795346258},"type":"incr"}],"cipher":"mixed","db":[{"id":1,"repo-key":1,"system-id":7710953412442782829,"version":"15"},{"id":1,"repo-key":2,"system-id":7710953412442782829,"version":"15"}],"name":"demo","repo":[{"cipher":"none","key":1,"status":{"code":0,"message":"ok"}},{"cipher":"aes-256-cbc","key":2,"status":{"code":0,"message":"ok"}}],"status":{"code":0,"lock":{"backup":{"held":false}},"message":"ok"}}]
)json";

/// 2.60: bundled backups say size-map instead of the repository's size, locks are told for restore as well.
inline const std::string version_2_60 =
    R"json([{"archive":[{"database":{"id":2,"repo-key":1},"id":"18-2","max":"000000030000001000000007","min":"000000010000000000000001"},{"database":{"id":1,"repo-key":1},"id":"17-1","max":null,"min":null}],"backup":[{"annotation":{"by":"cron"},"archive":{"start":"000000030000001000000002","stop":"000000030000001000000003"},"backrest":{"format":5,"version":"2.60.0"},"database":{"id":2,"repo-key":1},"error":false,"info":{"delta":23213814,"repository":{"delta":3075913,"delta-map":12,"size-map":12},"size":23213814},"label":"20261122-111728F","lsn":{"start":"10/2000028","stop":"10/3000100"},"prior":null,"reference":null,"timestamp":{"start":1795346248,"stop":1795346251},"type":"full"}],"cipher":"none","db":[{"id":1,"repo-key":1,"system-id":7710953412442782829,"version":"17"},{"id":2,"repo-key":1,"system-id":18446744073709551615,"version":"18"}],"name":"demo","repo":[{"cipher":"none","key":1,"status":{"code":0,"lock":{"backup":{"held":true}},"message":"ok"}}],"status":{"code":0,"lock":{"backup":{"held":true},"restore":{"held":false}},"message":"ok"}}])json";

/// A stanza without backups whose repositories have these entries: `{"cipher":"none","key":1,"status":{…}}`.
inline std::string without_backups(const std::string& repositories, int status) {
    return R"json([{"archive":[],"backup":[],"cipher":"none","db":[],"name":"demo","repo":[)json" + repositories +
           R"json(],"status":{"code":)json" + std::to_string(status) +
           R"json(,"lock":{"backup":{"held":false}},"message":"x"}}])json";
}

inline std::string repository(int key, int code, const std::string& message, const std::string& cipher = "none") {
    return R"json({"cipher":")json" + cipher + R"json(","key":)json" + std::to_string(key) +
           R"json(,"status":{"code":)json" + std::to_string(code) + R"json(,"message":")json" + message +
           R"json("}})json";
}

}  // namespace samples
