// stores.cc - stores that a host must not attach, and that attach refuses where it can see it.
//
// Usage: stores LIBRARY DIRECTORY
#include <rocks_gc_rocksdb_store.h>
#include <rocksdb/utilities/transaction_db.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "open.h"

namespace {

using rocksdb::DB;
using rocksdb::Options;
using rocksdb::Status;
using rocksdb::TransactionDB;
using rocksdb::TransactionDBOptions;

void Check(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what.c_str());
  std::_Exit(1);
}

void Check(const Status& status, const std::string& what) {
  Check(status.ok(), what + ": " + status.ToString());
}

rocks_gc::Context ContextOf(const rocks_gc::Library& library) {
  auto gc = rocks_gc::Context::Create(library);
  Check(gc.ok(), "there is a context");
  return gc;
}

// The base DB of other policies shows prepared, uncommitted data: a filter would judge rows by it.
void WritePolicies(const rocks_gc::Library& library, const std::string& directory) {
  const std::pair<rocksdb::TxnDBWritePolicy, const char*> policies[] = {
      {rocksdb::WRITE_COMMITTED, "committed"}, {rocksdb::WRITE_PREPARED, "prepared"}, {rocksdb::WRITE_UNPREPARED, "unprepared"}};
  for (const auto& [policy, name] : policies) {
    const auto gc = ContextOf(library);
    Options options;
    options.create_if_missing = true;
    Check(rocks_gc::Install(gc, RGC_KIND_RAW, &options, &options), "installs");
    TransactionDBOptions transactions;
    transactions.write_policy = policy;
    TransactionDB* opened = nullptr;
    Check(TransactionDB::Open(options, transactions, directory + "/" + name, &opened), "opens");
    const std::unique_ptr<TransactionDB> db(opened);
    // The host writes meanwhile.
    std::atomic<bool> ends{false};
    std::thread writer([&] {
      for (int i = 0; !ends; ++i) {
        rocksdb::WriteBatch batch;
        for (const char* end : {"a", "b", "c"}) batch.Put("key " + std::to_string(i % 1000) + end, "value");
        Check(db->Write(rocksdb::WriteOptions(), &batch), "the host writes");
      }
    });
    for (int i = 0; i < 20; ++i) {
      rocks_gc::Attachment attachment;
      const Status attached = rocks_gc::Attachment::Make(gc, db.get(), {{RGC_CF_DEFAULT, nullptr}}, &attachment);
      const std::string what = std::string(name) + ": " + attached.ToString();
      if (policy == rocksdb::WRITE_COMMITTED) {
        Check(attached.ok(), what);
      } else {
        Check(attached.IsNotSupported() && attached.ToString().find("WRITE_PREPARED") != std::string::npos, what);
      }
    }
    ends = true;
    writer.join();
  }
}

// Runs of a second DB would drop what the ledger of the first one says.
void OneContextForTwoDBs(const rocks_gc::Library& library, const std::string& directory) {
  const auto gc = ContextOf(library);
  Options options;
  options.create_if_missing = true;
  Check(rocks_gc::Install(gc, RGC_KIND_RAW, &options, &options), "installs");
  DB* opened = nullptr;
  Check(Open<DB>(options, directory + "/first", &opened, 0), "opens");
  const std::unique_ptr<DB> first(opened);
  rocks_gc::Attachment attachment;
  Check(rocks_gc::Attachment::Make(gc, first.get(), {{RGC_CF_DEFAULT, nullptr}}, &attachment), "attaches");

  DB* second = nullptr;
  Status refused = Open<DB>(options, directory + "/second", &second, 0);
  Check(refused.IsInvalidArgument() && refused.ToString().find("one rgc_t serves one DB") != std::string::npos, refused.ToString());
  // The attached DB itself goes on with its options.
  rocksdb::ColumnFamilyHandle* handle = nullptr;
  Check(first->CreateColumnFamily(options, "another", &handle), "makes a column family");
  Check(first->SetOptions({{"write_buffer_size", "1000000"}}), "takes other options");
  Check(first->DestroyColumnFamilyHandle(handle), "gives the handle back");
  // A second attach of one context is refused, and the first one stands.
  rocks_gc::Attachment again;
  refused = rocks_gc::Attachment::Make(gc, first.get(), {{RGC_CF_DEFAULT, nullptr}}, &again);
  Check(!refused.ok() && attachment.attached(), "one context, one attached store");
  Check(!Open<DB>(options, directory + "/second", &second, 0).ok(), "a refused attach ends nothing");
  Check(attachment.Detach(), "detaches");
  Check(Open<DB>(options, directory + "/second", &second, 0), "the context serves another DB when the first one is detached");
  delete second;
}

}  // namespace

int main(int argc, char** argv) {
  Check(argc == 3, "the library and a directory are given");
  const auto library = rocks_gc::Library::Load(argv[1]);
  WritePolicies(library, argv[2]);
  OneContextForTwoDBs(library, argv[2]);
  std::puts("stores: ok");
}
