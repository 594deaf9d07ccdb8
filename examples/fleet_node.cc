// fleet_node.cc - a server on RocksDB that is one node of a fleet: keyspaces, safe points, schemas
// and ranges come from etcd (rocks_gc_fleet.h). It reads commands from standard input, and answers
// each with one line, so that a shell or a test drives it.
//
//   fleet_node LIBROCKS_GC LIBROCKS_GC_FLEET FOLDER OPTION=VALUE...     (of rgc_fleet_options_set)
//
// Column families: "default" holds RawKV rows (mode r) whose old versions readers may read at a
// timestamp. "lock" holds locks, here only their start timestamps: the key is the keyspace and the
// row. A lock stands for a transaction that began, and whose end is not known.
#include <rocks_gc_fleet.h>
#include <rocks_gc_rocksdb_store.h>
#include <rocksdb/db.h>

#include <cinttypes>
#include <cstdio>
#include <functional>
#include <iostream>
#include <map>
#include <mutex>
#include <sstream>
#include <thread>

namespace {

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "fleet_node: %s\n", what.c_str());
  std::exit(1);
}
void Check(const std::string& error) {
  if (!error.empty()) Fail(error);
}
void Check(const rocksdb::Status& status) {
  if (!status.ok()) Fail(status.ToString());
}
void Check(const rocks_gc::Status& status) { Check(status.text()); }

// The functions of rocks_gc_fleet.h.
struct FleetLibrary {
  explicit FleetLibrary(const char* path) {
    void* handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) Fail(dlerror());
    const auto find = [&](auto& function, const char* name) {
      function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(handle, name));
      if (function == nullptr) Fail(dlerror());
    };
    find(options_create, "rgc_fleet_options_create");
    find(options_set, "rgc_fleet_options_set");
    find(options_destroy, "rgc_fleet_options_destroy");
    find(load, "rgc_fleet_load");
    find(follow, "rgc_fleet_follow");
    find(may_serve, "rgc_fleet_may_serve");
    find(may_lock, "rgc_fleet_may_lock");
    find(hold, "rgc_fleet_hold");
    find(is_held, "rgc_fleet_is_held");
    find(release, "rgc_fleet_release");
    find(status, "rgc_fleet_status");
    find(close, "rgc_fleet_close");
  }

  decltype(&rgc_fleet_options_create) options_create;
  decltype(&rgc_fleet_options_set) options_set;
  decltype(&rgc_fleet_options_destroy) options_destroy;
  decltype(&rgc_fleet_load) load;
  decltype(&rgc_fleet_follow) follow;
  decltype(&rgc_fleet_may_serve) may_serve;
  decltype(&rgc_fleet_may_lock) may_lock;
  decltype(&rgc_fleet_hold) hold;
  decltype(&rgc_fleet_is_held) is_held;
  decltype(&rgc_fleet_release) release;
  decltype(&rgc_fleet_status) status;
  decltype(&rgc_fleet_close) close;
};

class Node {
 public:
  Node(const char* library, const char* fleet_library, const std::string& folder) : fleet_library_(fleet_library) {
    const rocks_gc::Library loaded = rocks_gc::Library::Load(library);
    Check(loaded.error());
    gc_ = rocks_gc::Context::Create(loaded, "data_prefix=z;history=snapshot;schema_id=prefix");
    Check(gc_.error());
    folder_ = folder;
  }

  ~Node() {
    if (fleet_ != nullptr && !fleet_library_.close(fleet_)) Fail("the follower was not closed");
    Check(attachment_.Detach());
    for (auto* family : families_) Check(db_->DestroyColumnFamilyHandle(family));
    Check(db_->Close());
  }

  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // Load, open, attach, follow: in this order.
  void Start(int argc, char** argv) {
    rgc_fleet_options_t* options = fleet_library_.options_create();
    for (int i = 0; i < argc; ++i) {
      const std::string option = argv[i];
      const size_t equals = option.find('=');
      if (equals == std::string::npos) Fail("not NAME=VALUE: " + option);
      char* error = nullptr;
      fleet_library_.options_set(options, option.substr(0, equals).c_str(), option.substr(equals + 1).c_str(), &error);
      Check(Taken(error));
    }
    rgc_fleet_host_t host{};
    host.struct_size = sizeof host;
    host.state = this;
    host.resolve = [](void* state, uint32_t keyspace, uint64_t up_to) { return static_cast<Node*>(state)->Resolve(keyspace, up_to); };
    host.fenced = [](void* state, const char*) { static_cast<Node*>(state)->fenced_ = true; };
    host.hold_lost = [](void* state, uint32_t, const char*) { ++static_cast<Node*>(state)->holds_lost_; };
    char* error = nullptr;
    fleet_ = fleet_library_.load(gc_.get(), options, &host, 30000, &error);
    Check(Taken(error));
    fleet_library_.options_destroy(options);
    Open();
    fleet_library_.follow(fleet_, 60000, &error);
    Check(Taken(error));
  }

  // Answers commands until the input ends.
  void Serve() {
    for (std::string line; std::getline(std::cin, line);) {
      std::istringstream words(line);
      std::string command;
      words >> command;
      if (command == "quit") break;
      std::cout << Answer(command, words) << std::endl;
    }
  }

 private:
  std::string Answer(const std::string& command, std::istringstream& words) {
    uint32_t keyspace = 0, schema = 0;
    uint64_t ts = 0, ttl = 0;
    std::string row, value;
    if (command == "put") {  // put KEYSPACE ROW TS VALUE
      words >> keyspace >> row >> ts >> value;
      return Serve([&] { return Put(keyspace, row, ts, value); });
    }
    if (command == "sput") {  // sput KEYSPACE SCHEMA ROW TS VALUE
      words >> keyspace >> schema >> row >> ts >> value;
      return Serve([&] { return IsDropped(keyspace, schema) ? "dropped" : Put(keyspace, Schema(schema) + row, ts, value); });
    }
    if (command == "get") {  // get KEYSPACE ROW TS: the newest version at or below TS
      words >> keyspace >> row >> ts;
      return Serve([&] { return Get(keyspace, row, ts); });
    }
    if (command == "sget") {  // sget KEYSPACE SCHEMA ROW TS
      words >> keyspace >> schema >> row >> ts;
      return Serve([&] { return IsDropped(keyspace, schema) ? "dropped" : Get(keyspace, Schema(schema) + row, ts); });
    }
    if (command == "serves") return fleet_library_.may_serve(fleet_) ? "yes" : "no";
    if (command == "schema") {  // schema KEYSPACE SCHEMA: whether it is dropped, and its stored versions
      words >> keyspace >> schema;
      return (IsDropped(keyspace, schema) ? "dropped " : "valid ") + std::to_string(Count(Range(keyspace, Schema(schema), Schema(schema + 1))));
    }
    if (command == "lock") {  // lock KEYSPACE ROW START
      words >> keyspace >> row >> ts;
      return Lock(keyspace, row, ts) ? "ok" : "refused";
    }
    if (command == "locks") return Locks();
    if (command == "stuck") {  // stuck 0 or 1: whether locks cannot be resolved
      words >> ts;
      stuck_ = ts != 0;
      return "ok";
    }
    if (command == "compact") {
      rocksdb::CompactRangeOptions force;
      force.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
      for (auto* family : families_) Check(db_->CompactRange(force, family, nullptr, nullptr));
      Check(gc_.WorkerDrain(10000));
      return "ok";
    }
    if (command == "count") {  // count KEYSPACE: stored versions
      words >> keyspace;
      return std::to_string(Count(Range(keyspace)));
    }
    if (command == "safe") {  // safe KEYSPACE: the effective safe point
      words >> keyspace;
      return std::to_string(gc_->rgc_keyspace_safe_point(gc_.get(), keyspace));
    }
    if (command == "range") {  // range KEYSPACE: its bounds, as `rocks-gc range add` takes them
      words >> keyspace;
      const auto [start, end] = Range(keyspace);
      return rocksdb::Slice(start).ToString(true) + " " + rocksdb::Slice(end).ToString(true);
    }
    if (command == "hold") {  // hold KEYSPACE NAME TS TTL
      words >> keyspace >> row >> ts >> ttl;
      char* error = nullptr;
      fleet_library_.hold(fleet_, keyspace, row.c_str(), ts, ttl, 10000, &error);
      return error == nullptr ? "ok" : Taken(error);
    }
    if (command == "held") {  // held KEYSPACE NAME
      words >> keyspace >> row;
      return fleet_library_.is_held(fleet_, keyspace, row.c_str()) ? "yes" : "no";
    }
    if (command == "release") {  // release KEYSPACE NAME
      words >> keyspace >> row;
      char* error = nullptr;
      fleet_library_.release(fleet_, keyspace, row.c_str(), 10000, &error);
      return error == nullptr ? "ok" : Taken(error);
    }
    if (command == "holds_lost") return std::to_string(holds_lost_);
    if (command == "fenced") return fenced_ ? "yes" : "no";
    if (command == "status") return Taken(fleet_library_.status(fleet_));
    return "unknown command " + command;
  }

  void Open() {
    rocksdb::DBOptions options;
    options.create_if_missing = options.create_missing_column_families = true;
    std::vector<rocksdb::ColumnFamilyDescriptor> families = {{"default", {}}, {"lock", {}}};
    for (size_t i = 0; i < families.size(); ++i) {
      families[i].options.write_buffer_size = 1 << 20;
      Check(rocks_gc::Install(gc_, i == 0 ? RGC_KIND_RAW : RGC_KIND_DROPPED_ONLY, &options, &families[i].options));
    }
#if ROCKSDB_MAJOR >= 10
    Check(rocksdb::DB::Open(options, folder_, families, &families_, &db_));
#else
    rocksdb::DB* db = nullptr;
    Check(rocksdb::DB::Open(options, folder_, families, &families_, &db));
    db_.reset(db);
#endif
    Check(rocks_gc::Attachment::Make(gc_, db_.get(), {{RGC_CF_DEFAULT, families_[0]}}, &attachment_));
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(rocksdb::ReadOptions(), families_[1]));
    for (it->SeekToFirst(); it->Valid(); it->Next()) locks_[it->key().ToString()] = std::stoull(it->value().ToString());
    Check(it->status());
  }

  // A text of the library that this program must free.
  std::string Taken(char* text) {
    const std::string taken = text == nullptr ? "" : text;
    gc_->rgc_free(text);
    return taken;
  }

  // A request is answered only while the node may serve, also when it has taken long (F2).
  std::string Serve(const std::function<std::string()>& request) {
    if (!fleet_library_.may_serve(fleet_)) return "not serving";
    const std::string answer = request();
    return fleet_library_.may_serve(fleet_) ? answer : "not serving";
  }

  bool IsDropped(uint32_t keyspace, uint32_t schema) { return gc_->rgc_schema_state(gc_.get(), keyspace, schema) == RGC_SCHEMA_DROPPED; }

  std::string Put(uint32_t keyspace, const std::string& user_key, uint64_t ts, const std::string& value) {
    Check(db_->Put(rocksdb::WriteOptions(), Key(keyspace, user_key, ts), value + '\0'));
    return "ok";
  }

  std::string Key(uint32_t keyspace, const std::string& user_key, uint64_t ts) { return gc_.EncodeKey(RGC_MODE_RAW, keyspace, user_key, ts); }

  static std::string Schema(uint32_t id) {
    return {static_cast<char>(id >> 24), static_cast<char>(id >> 16), static_cast<char>(id >> 8), static_cast<char>(id)};
  }

  std::string Get(uint32_t keyspace, const std::string& user_key, uint64_t ts) {
    const std::string from = Key(keyspace, user_key, ts);
    const size_t row = from.size() - sizeof ts;
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(rocksdb::ReadOptions()));
    it->Seek(from);
    Check(it->status());
    if (!it->Valid() || it->key().size() != from.size() || it->key().ToString().compare(0, row, from, 0, row) != 0) return "none";
    return it->value().ToString().substr(0, it->value().size() - 1);
  }

  // The stored keys of user keys from start to end; without end to the keyspace's last one.
  std::pair<std::string, std::string> Range(uint32_t keyspace, const std::string& start = "", const std::string& last = "") {
    rgc_range_t range{};
    range.struct_size = sizeof range;
    Check(gc_.Call(&rocks_gc::Functions::rgc_encode_range, RGC_MODE_RAW, keyspace, start.data(), start.size(), last.data(), last.size(), &range));
    const std::pair<std::string, std::string> bounds({range.start, range.start_len}, {range.end, range.end_len});
    gc_->rgc_free(range.start);
    gc_->rgc_free(range.end);
    return bounds;
  }

  uint64_t Count(const std::pair<std::string, std::string>& range) {
    const auto& [start, end] = range;
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(rocksdb::ReadOptions()));
    uint64_t versions = 0;
    for (it->Seek(start); it->Valid() && it->key().compare(end) < 0; it->Next()) ++versions;
    Check(it->status());
    return versions;
  }

  // The latch makes the question and the write one step for `resolve` (F1).
  bool Lock(uint32_t keyspace, const std::string& row, uint64_t start) {
    const std::lock_guard<std::mutex> latch(latch_);
    if (!fleet_library_.may_lock(fleet_, keyspace, start)) return false;
    const std::string key = std::to_string(keyspace) + "/" + row;
    rocksdb::WriteOptions durable;
    durable.sync = true;
    Check(db_->Put(durable, families_[1], key, std::to_string(start)));
    locks_[key] = start;
    return true;
  }

  // Rolls back what began at or below up_to. A real host looks at the primary first.
  int Resolve(uint32_t scope, uint64_t up_to) {
    const std::lock_guard<std::mutex> latch(latch_);
    if (stuck_) return 0;
    rocksdb::WriteOptions durable;
    durable.sync = true;
    for (auto lock = locks_.begin(); lock != locks_.end();) {
      if (ScopeOf(static_cast<uint32_t>(std::stoul(lock->first))) != scope || lock->second > up_to) {
        ++lock;
        continue;
      }
      Check(db_->Delete(durable, families_[1], lock->first));
      lock = locks_.erase(lock);
    }
    return 1;
  }

  // RGC_KEYSPACE_NONE for a keyspace that follows the global safe point.
  uint32_t ScopeOf(uint32_t keyspace) {
    std::pair<uint32_t, uint32_t> found(keyspace, keyspace);
    const auto look = [](void* state, const rgc_keyspace_info_t* info) {
      auto* wanted = static_cast<std::pair<uint32_t, uint32_t>*>(state);
      if (info->id == wanted->first && info->gc_type == RGC_GC_GLOBAL) wanted->second = RGC_KEYSPACE_NONE;
      return 0;
    };
    gc_->rgc_keyspaces_foreach(gc_.get(), look, &found);
    return found.second;
  }

  std::string Locks() {
    const std::lock_guard<std::mutex> latch(latch_);
    std::string all;
    for (const auto& [key, start] : locks_) all += (all.empty() ? "" : " ") + key + ":" + std::to_string(start);
    return all;
  }

  FleetLibrary fleet_library_;
  rocks_gc::Context gc_;
  std::string folder_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
  rocks_gc::Attachment attachment_;  // goes before the DB
  rgc_fleet_t* fleet_ = nullptr;
  std::mutex latch_;
  std::map<std::string, uint64_t> locks_;  // what is in the family "lock"
  std::atomic<bool> stuck_{false}, fenced_{false};
  std::atomic<int> holds_lost_{0};
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) Fail("usage: fleet_node LIBROCKS_GC LIBROCKS_GC_FLEET FOLDER OPTION=VALUE...");
  Node node(argv[1], argv[2], argv[3]);
  node.Start(argc - 4, argv + 4);
  std::cout << "ready" << std::endl;
  node.Serve();
}
