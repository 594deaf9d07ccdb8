// ldb.cc - RocksDB's ldb, built with the plugin.
#include <rocksdb/ldb_tool.h>

#include "rocks_gc_plugin.h"

int main(int argc, char** argv) {
  rocksdb::ObjectLibrary::Default()->Register(rocks_gc_register, "rocks_gc");
  rocksdb::LDBTool().Run(argc, argv);
}
