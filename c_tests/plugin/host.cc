// host.cc - a program with the plugin. RocksDB itself makes its factories. The program loads the
// library only to write and read keys, and to install.
//
// Usage: host LIBRARY COMMAND ARGUMENTS; each command prints its result or its error.
//   fill DB OPTIONS      opens by an option string, writes three versions of two rows and expired
//                        values
//   compact DB OPTIONS   opens by an option string, compacts
//   unprepared DB OPTIONS
//                        the same with options that were read but not prepared
//   foreign DB NAME      opens with a factory of this name that is not the plugin's, like Install's
//   reload DB MORE       opens by the DB's OPTIONS file, gives the factory the options MORE if any,
//                        compacts
//   install DB KIND      opens with the adaptor's Install, compacts nothing
//   reinstall DB KIND    opens by the DB's OPTIONS file with Install instead of its factories, compacts
//   left DB              shows the keys, without any filter
//   options DB           shows the factory, the collectors and the listeners of the OPTIONS file
//   properties DB        shows for each file whether it has the library's property and TiKV's
//   names                shows what the registry makes by name
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/utilities/object_registry.h>
#include <rocksdb/utilities/options_util.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "../cpp_db.h"
#include "rocks_gc_rocksdb.h"

// The name that the .mk gives, declared as RocksDB's build_version.cc declares it.
extern "C" {
int ROCKS_GC_FUNC(ROCKSDB_NAMESPACE::ObjectLibrary&, const std::string&);
}

namespace {

namespace db = ROCKSDB_NAMESPACE;

void Check(const db::Status& status) {
  if (status.ok()) return;
  std::printf("%s\n", status.ToString().c_str());
  std::exit(0);
}

const char* library_path;

// The keys of a store whose options are data_prefix=z.
class Keys {
 public:
  Keys() : gc_(rocks_gc::Context::Create(rocks_gc::Library::Load(library_path), "data_prefix=z")) {
    if (!gc_.ok()) Check(db::Status::InvalidArgument(gc_.error()));
  }
  std::string Encode(const std::string& row, uint64_t ts) const {
    size_t len = 0;
    char* key = gc_->rgc_encode_key(gc_.get(), RGC_MODE_RAW, 7, row.data(), row.size(), ts, &len, nullptr);
    const std::string copy(key, len);
    gc_->rgc_free(key);
    return copy;
  }
  std::string Decode(const db::Slice& stored) const {
    rgc_key_t key{};
    key.struct_size = sizeof(key);
    char* error = nullptr;
    if (gc_->rgc_decode_key(gc_.get(), stored.data(), stored.size(), &key, &error) == 0) {
      gc_->rgc_free(error);
      return stored.ToString();
    }
    const std::string text = std::string(key.user_key, key.user_key_len) + "@" + std::to_string(key.ts);
    gc_->rgc_free(key.user_key);
    return text;
  }
  const rocks_gc::Context& gc() const { return gc_; }

 private:
  rocks_gc::Context gc_;
};

db::Options Parsed(const std::string& text, bool prepare = true) {
  db::ConfigOptions config;
  config.invoke_prepare_options = prepare;
  db::Options options;
  Check(db::GetOptionsFromString(config, db::Options(), text, &options));
  return options;
}

db::Options Loaded(const std::string& path) {
  db::DBOptions options;
  std::vector<db::ColumnFamilyDescriptor> families;
  Check(db::LoadLatestOptions(db::ConfigOptions(), path, &options, &families));
  return db::Options(options, families.at(0).options);
}

void Compact(const db::Options& options, const std::string& path) {
  Database opened;
  Check(db::DB::Open(options, path, opened));
  Check(opened->CompactRange(db::CompactRangeOptions(), nullptr, nullptr));
}

// Read-only, so that the OPTIONS file stays.
void Left(const std::string& path) {
  const Keys keys;
  Database opened;
  Check(db::DB::OpenForReadOnly(db::Options(), path, opened));
  const std::unique_ptr<db::Iterator> it(opened->NewIterator(db::ReadOptions()));
  std::string text;
  for (it->SeekToFirst(); it->Valid(); it->Next()) text += (text.empty() ? "" : " ") + keys.Decode(it->key());
  std::printf("%s\n", text.c_str());
}

void Fill(const std::string& path, const db::Options& options) {
  const Keys keys;
  Database opened;
  Check(db::DB::Open(options, path, opened));
  for (const uint64_t ts : {10, 110, 210}) {
    for (const char* row : {"a", "b"}) Check(opened->Put(db::WriteOptions(), keys.Encode(row, ts), std::string("v\0", 2)));
    // A value of API V1: eight bytes of expiry, here a second after 1970 began.
    Check(opened->Put(db::WriteOptions(), "zexpired" + std::to_string(ts), std::string("v\0\0\0\0\0\0\0\1", 9)));
    Check(opened->Flush(db::FlushOptions()));
  }
}

void Install(const std::string& path, int kind) {
  const Keys keys;
  db::Options options;
  options.create_if_missing = true;
  Check(rocks_gc::Install(keys.gc(), kind, &options, &options));
  Fill(path, options);
}

void Reinstall(const std::string& path, int kind) {
  const Keys keys;
  db::Options options = Loaded(path);
  options.compaction_filter_factory = nullptr;
  Check(rocks_gc::Install(keys.gc(), kind, &options, &options));
  if (options.table_properties_collector_factories.size() != 1) Check(db::Status::Corruption("a second collector"));
  Compact(options, path);
}

class Foreign : public db::CompactionFilterFactory {
 public:
  explicit Foreign(const std::string& name) : name_(name) {}
  const char* Name() const override { return name_.c_str(); }
  std::unique_ptr<db::CompactionFilter> CreateCompactionFilter(const db::CompactionFilter::Context&) override { return nullptr; }

 private:
  const std::string name_;
};

void OpenForeign(const std::string& path, const std::string& name) {
  // Newer RocksDBs have no such option: it always is.
  db::Options options = Parsed("create_if_missing=true;fail_if_options_file_error=true");
  options.compaction_filter_factory = std::make_shared<Foreign>(name);
  Compact(options, path);
}

void Describe(const db::Options& options) {
  if (options.compaction_filter_factory == nullptr) Check(db::Status::NotFound("no factory"));
  db::ConfigOptions config;
  config.delimiter = ";";
  std::string text;
  Check(options.compaction_filter_factory->GetOptionString(config, &text));
  std::printf("%s {%s}", options.compaction_filter_factory->Name(), text.c_str());
  for (const auto& collector : options.table_properties_collector_factories) {
    Check(collector->GetOptionString(config, &text));
    std::printf(" %s {%s}", collector->Name(), text.c_str());
  }
  for (const auto& listener : options.listeners) std::printf(" %s", listener->Name());
  std::printf("\n");
}

void Properties(const std::string& path) {
  Database opened;
  Check(db::DB::OpenForReadOnly(db::Options(), path, opened));
  db::TablePropertiesCollection files;
  Check(opened->GetPropertiesOfAllTables(&files));
  std::string text;
  for (const auto& [name, file] : files) {
    const auto& has = file->user_collected_properties;
    text += has.count("rocks_gc.figures") != 0 && has.count("tikv.num_versions") != 0 ? "+" : "-";
  }
  std::printf("%s\n", text.c_str());
}

void Names() {
  std::vector<std::string> names;
  for (const char* type : {db::CompactionFilterFactory::Type(), db::TablePropertiesCollectorFactory::Type()}) {
    db::ObjectLibrary::Default()->GetFactoryNames(type, &names);
  }
  for (const auto& name : names) std::printf("%s ", name.c_str());
  std::printf("\n");
}

}  // namespace

int main(int argc, char** argv) {
  alarm(120);
  std::vector<std::string> arguments(argv, argv + argc);
  arguments.resize(5);
  library_path = argv[1];
  const std::string &command = arguments[2], &path = arguments[3], &text = arguments[4];
  db::ObjectLibrary::Default()->Register(ROCKS_GC_FUNC, "rocks_gc");
  // A RocksDB plugin may be registered twice: built in, and by the program.
  db::ObjectLibrary::Default()->Register(ROCKS_GC_FUNC, "rocks_gc");
  if (command == "fill") {
    Fill(path, Parsed(text));
  } else if (command == "compact") {
    Compact(Parsed(text), path);
  } else if (command == "unprepared") {
    Compact(Parsed(text, false), path);
  } else if (command == "reload") {
    const db::Options options = Loaded(path);
    if (!text.empty()) Check(options.compaction_filter_factory->ConfigureFromString(db::ConfigOptions(), text));
    Compact(options, path);
  } else if (command == "install") {
    Install(path, std::atoi(text.c_str()));
  } else if (command == "reinstall") {
    Reinstall(path, std::atoi(text.c_str()));
  } else if (command == "foreign") {
    OpenForeign(path, text);
  } else if (command == "left") {
    Left(path);
  } else if (command == "properties") {
    Properties(path);
  } else if (command == "options") {
    Describe(Loaded(path));
  } else {
    Names();
  }
}
