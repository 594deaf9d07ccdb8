#include <rocks_gc_rocksdb.h> // header-only, compiled with the host's own RocksDB
#include <rocksdb/db.h>

int main() { // keyspace 7 has a safe point of its own: no reader reads below 100
  auto gc = rocks_gc::Context::Create(rocks_gc::Library::Load("librocks_gc.so.1"));
  rocks_gc::Status told = gc.SetKeyspaceGcType(7, RGC_GC_KEYSPACE_LEVEL);
  if (told.ok()) told = gc.AdvanceKeyspaceSafePoint(7, 100);
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* db = nullptr; // from RocksDB 9.11 on: std::unique_ptr<rocksdb::DB> db;
  rocksdb::Status s = rocks_gc::Install(gc, RGC_KIND_RAW, &options, &options);
  if (s.ok() && told.ok()) s = rocksdb::DB::Open(options, "quickstart.db", &db);
  if (!s.ok() || !told.ok()) {
    return std::fprintf(stderr, "%s %s\n", s.ToString().c_str(), told.text().c_str()), 1;
  }
  const rocksdb::Slice value("value\0", 6); // the user's bytes and a byte of flags
  for (uint64_t ts : {10, 20, 30}) db->Put({}, gc.EncodeKey(RGC_MODE_RAW, 7, "row", ts), value);
  db->CompactRange({}, nullptr, nullptr);
  uint64_t left = 0;
  db->GetIntProperty("rocksdb.estimate-num-keys", &left); // exact without tombstones
  std::printf("%d of 3 versions left\n", static_cast<int>(left));
  return db->Close().ok() && left == 1 ? 0 : 1;
}
