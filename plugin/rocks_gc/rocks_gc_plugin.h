/* rocks_gc_plugin.h - rocks-gc by name: in OPTIONS files, in option strings, in ldb and db_bench.
 * See README.md. */
#ifndef ROCKS_GC_PLUGIN_H
#define ROCKS_GC_PLUGIN_H

#include <rocksdb/utilities/object_registry.h>

#include <string>

/* Registers the compaction filter factories "rocks_gc.default", "rocks_gc.write",
 * "rocks_gc.ttl_v1" and "rocks_gc.dropped_only"; for each of them the factory of table properties,
 * "rocks_gc.default.collector" and so on; and the event listener "rocks_gc.listener". Returns the number of objects that the library has then. A RocksDB built with the plugin calls
 * it. A program on another RocksDB compiles rocks_gc_plugin.cc and calls, once and before it reads
 * options:
 *
 *     rocksdb::ObjectLibrary::Default()->Register(rocks_gc_register, "rocks_gc");
 */
extern "C" int rocks_gc_register(ROCKSDB_NAMESPACE::ObjectLibrary& library,
                                 const std::string& argument);

#endif
