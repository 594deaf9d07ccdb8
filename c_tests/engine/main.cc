// main.cc - the engine of rocks_gc_rocksdb_store.h, function by function, on real DBs. Argument: an
// empty folder for them. stand_in.c is the library, linked with -rdynamic.
#include "store.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  for (const Kind kind : {Kind::kDB, Kind::kTransactionDB}) {
    const auto path = [&](const char* name) { return std::string(argv[1]) + "/" + name + (kind == Kind::kDB ? ".db" : ".transactions"); };
    TestReads(kind, path("reads"));
    TestBrokenFiles(kind, path("broken"));
    TestWrites(kind, path("writes"));
    TestDeleteFiles(kind, path("delete_files"));
    TestCompact(kind, path("compact"));
    TestFiles(kind, path("files"));
    TestStalls(kind, path("stalls"));
  }
  TestLocks(std::string(argv[1]) + "/locks");
  TestRefused(std::string(argv[1]) + "/refused");
  TestAttach(std::string(argv[1]) + "/attach");
  TestShim(std::string(argv[1]) + "/shim");
  std::puts("engine: ok");
}
