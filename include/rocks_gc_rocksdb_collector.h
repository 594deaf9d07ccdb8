/* rocks_gc_rocksdb_collector.h - the table properties of rocks-gc, for C++ servers.
 * rocks_gc_rocksdb.h includes it, and rocks_gc::Install sets the factory. */
#ifndef ROCKS_GC_ROCKSDB_COLLECTOR_H
#define ROCKS_GC_ROCKSDB_COLLECTOR_H

#include <rocksdb/table_properties.h>

#include <new>
#include <string>

#include "rocks_gc_library.h"

namespace rocks_gc {

/* Counts what one table file holds, and writes it into the file's properties. Without memory the
 * file has no properties of this library, and more compactions get a filter. */
class Collector final : public ROCKSDB_NAMESPACE::TablePropertiesCollector {
 public:
  /* collector may be NULL. */
  Collector(const Library& library, rgc_collector_t* collector)
      : library_(library), functions_(library.functions()), collector_(collector) {}
  ~Collector() override { functions_.rgc_collector_destroy(collector_); }
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  const char* Name() const override { return "rocks_gc.collector"; }

  ROCKSDB_NAMESPACE::Status AddUserKey(const ROCKSDB_NAMESPACE::Slice& key,
                                       const ROCKSDB_NAMESPACE::Slice& value,
                                       ROCKSDB_NAMESPACE::EntryType type,
                                       ROCKSDB_NAMESPACE::SequenceNumber, uint64_t) override {
    functions_.rgc_collector_add(collector_, ValueType(type), key.data(), key.size(), value.data(),
                                 value.size());
    return ROCKSDB_NAMESPACE::Status::OK();
  }

  ROCKSDB_NAMESPACE::Status Finish(
      ROCKSDB_NAMESPACE::UserCollectedProperties* properties) override {
    functions_.rgc_collector_finish(collector_, &Collector::Emit, properties);
    return ROCKSDB_NAMESPACE::Status::OK();
  }

  ROCKSDB_NAMESPACE::UserCollectedProperties GetReadableProperties() const override { return {}; }

 private:
  static int ValueType(ROCKSDB_NAMESPACE::EntryType type) {
    switch (type) {
      case ROCKSDB_NAMESPACE::kEntryPut:
        return RGC_VALUE;
      case ROCKSDB_NAMESPACE::kEntryDelete:
      case ROCKSDB_NAMESPACE::kEntrySingleDelete:
      case ROCKSDB_NAMESPACE::kEntryDeleteWithTimestamp:
        return RGC_TOMBSTONE;
      case ROCKSDB_NAMESPACE::kEntryRangeDeletion:
        return RGC_RANGE_TOMBSTONE;
      case ROCKSDB_NAMESPACE::kEntryMerge:
        return RGC_MERGE_OPERAND;
      case ROCKSDB_NAMESPACE::kEntryBlobIndex:
        return RGC_BLOB_INDEX;
      default:
        return RGC_WIDE_COLUMNS;
    }
  }

  static void Emit(void* properties, const rgc_property_t* property) {
    ROCKS_GC_TRY_ {
      (*static_cast<ROCKSDB_NAMESPACE::UserCollectedProperties*>(
          properties))[std::string(property->name, property->name_len)] =
          std::string(property->value, property->value_len);
    }
    ROCKS_GC_CATCH_ {}
  }

  const Library library_;
  const Functions& functions_;
  rgc_collector_t* const collector_;
};

/* Creates the collector of each file of a column family. It holds a reference to its rgc_t, which
 * may be destroyed before the factory. */
class CollectorFactory final : public ROCKSDB_NAMESPACE::TablePropertiesCollectorFactory {
 public:
  /* kind and reference as for rocks_gc::Factory. */
  CollectorFactory(const Library& library, rgc_t* gc, int kind, void* reference)
      : library_(library),
        gc_(gc),
        kind_(kind),
        reference_(reference),
        name_(std::string(library->rgc_factory_name(reference)) + ".collector") {}
  ~CollectorFactory() override { library_->rgc_factory_destructor(reference_); }
  CollectorFactory(const CollectorFactory&) = delete;
  CollectorFactory& operator=(const CollectorFactory&) = delete;

  /* "rocks_gc.default.collector" and so on. OPTIONS files record it. */
  const char* Name() const override { return name_.c_str(); }

  ROCKSDB_NAMESPACE::TablePropertiesCollector* CreateTablePropertiesCollector(
      ROCKSDB_NAMESPACE::TablePropertiesCollectorFactory::Context) override {
    rgc_collector_t* collector = library_->rgc_collector_create(gc_, kind_, nullptr);
    /* RocksDB does not handle exceptions. */
    auto* made = new (std::nothrow) Collector(library_, collector);
    if (made == nullptr) library_->rgc_collector_destroy(collector);
    return made;
  }

 private:
  const Library library_;
  rgc_t* const gc_;
  const int kind_;
  void* const reference_;
  const std::string name_;
};

}  // namespace rocks_gc

#endif
