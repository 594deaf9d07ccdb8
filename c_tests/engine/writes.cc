// writes.cc - write.
#include <rocksdb/statistics.h>
#include <rocksdb/utilities/optimistic_transaction_db.h>
#include <rocksdb/utilities/transaction_db.h>

#include <thread>

#include "store.h"

namespace {

void Batches(const Store& store) {
  MUST(store.Write({PutOf(DEFAULT, "a", "1"), PutOf(OTHER, "a", "2"), PutOf(DEFAULT, Bytes("\0"), ""), DeleteOf(OTHER, "absent")}));
  CHECK(store.Has(DEFAULT, "a", "1") && store.Has(OTHER, "a", "2") && store.Has(DEFAULT, Bytes("\0"), ""));

  // In this order.
  MUST(store.Write({PutOf(DEFAULT, "b", "1"), DeleteOf(DEFAULT, "b"), PutOf(DEFAULT, "b", "2"), DeleteRangeOf(DEFAULT, "c", "d"),
                  PutOf(DEFAULT, "c", "3"), PutOf(OTHER, "c", "4"), DeleteRangeOf(OTHER, "c", Bytes("c\0"))}));
  CHECK(store.Has(DEFAULT, "b", "2") && store.Has(DEFAULT, "c", "3") && store.Lacks(OTHER, "c"));
  MUST(store.Write({DeleteOf(DEFAULT, "b"), DeleteOf(OTHER, "a")}));
  CHECK(store.Lacks(DEFAULT, "b") && store.Lacks(OTHER, "a") && store.Has(DEFAULT, "a", "1"));

  // The end is no part of it, and an empty range is nothing.
  for (const char* key : {"k1", "k2", "k3"}) MUST(store.Put(DEFAULT, key, key));
  MUST(store.Write({DeleteRangeOf(DEFAULT, "k1", "k3"), DeleteRangeOf(DEFAULT, "k3", "k3")}));
  CHECK(store.Lacks(DEFAULT, "k1") && store.Lacks(DEFAULT, "k2") && store.Has(DEFAULT, "k3", "k3"));
  MUST(store.Write({}));
  MUST(store.Write({}, RGC_WRITE_FLAG_SYNC | RGC_WRITE_FLAG_NO_SLOWDOWN));
}

// One bad write: none of them is done, and the DB goes on.
void AllOrNone(const Store& store) {
  const auto refused = [&](const rgc_write_t& bad, const char* why) {
    FAILS(store.Write({PutOf(DEFAULT, "first", "v"), PutOf(OTHER, "second", "v"), bad, PutOf(OTHER, "last", "v")}), why);
    CHECK(store.Lacks(DEFAULT, "first") && store.Lacks(OTHER, "second") && store.Lacks(OTHER, "last"));
    MUST(store.Put(DEFAULT, "goes on", "v"));
  };
  refused(PutOf(NONE, "k", "v"), "Invalid argument: no column family has the index 2, in writes[2]");
  rgc_write_t other = DeleteOf(DEFAULT, "a");
  other.op = 3;
  refused(other, "Invalid argument: no write has the op 3, in writes[2]");
  refused(DeleteRangeOf(DEFAULT, "b", "a"), "Invalid argument: the range to delete is inverted, in writes[2]");
  refused(DeleteRangeOf(DEFAULT, "b", ""), "Invalid argument: the range to delete is inverted, in writes[2]");
}

void Durable(const Store& store, const Statistics& statistics) {
  const auto count = [&](Tickers ticker) { return statistics.getTickerCount(ticker); };
  uint64_t synced = count(WAL_FILE_SYNCED), logged = count(WRITE_WITH_WAL);
  MUST(store.Put(DEFAULT, "k", "v"));
  CHECK(count(WAL_FILE_SYNCED) == synced && count(WRITE_WITH_WAL) == logged + 1);
  MUST(store.Write({PutOf(DEFAULT, "k", "w")}, RGC_WRITE_FLAG_SYNC));
  CHECK(count(WAL_FILE_SYNCED) == synced + 1 && count(WRITE_WITH_WAL) == logged + 2);
  MUST(store.Write({PutOf(DEFAULT, "k", "x")}, RGC_WRITE_FLAG_NO_SLOWDOWN));
  CHECK(count(WAL_FILE_SYNCED) == synced + 1 && count(WRITE_WITH_WAL) == logged + 3);
}

}  // namespace

void TestWrites(Kind kind, const std::string& path) {
  Options options = QuietOptions();
  options.statistics = CreateDBStatistics();
  {
    const Store store(kind, path, options);
    Batches(store);
    AllOrNone(store);
    Durable(store, *options.statistics);
  }
  // What was not flushed was in the WAL.
  const Store store(kind, path, options);
  CHECK(store.Has(DEFAULT, "k", "x") && store.Has(DEFAULT, "goes on", "v") && store.Lacks(DEFAULT, "k1"));
}

// A key that a transaction has locked is written all the same, and at once.
void TestLocks(const std::string& path) {
  const Store store(Kind::kTransactionDB, path, QuietOptions());
  auto* host = static_cast<TransactionDB*>(store.host());
  MUST(store.Put(OTHER, "locked", "before"));
  std::unique_ptr<Transaction> transaction(host->BeginTransaction(WriteOptions()));
  CHECK(transaction->Put(store.handle(OTHER), "locked", "by the transaction").ok());
  WriteOptions options;
  CHECK(host->Put(options, store.handle(OTHER), "locked", "by another").IsTimedOut());
  MUST(store.Write({DeleteOf(OTHER, "locked")}));
  CHECK(store.Lacks(OTHER, "locked"));
  CHECK(transaction->Commit().ok());
  CHECK(store.Has(OTHER, "locked", "by the transaction"));
}
