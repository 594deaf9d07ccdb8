package io.rocksgc;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.rocksdb.BorrowedColumnFamilyHandle;
import org.rocksdb.ColumnFamilyDescriptor;
import org.rocksdb.ColumnFamilyHandle;
import org.rocksdb.ColumnFamilyOptions;
import org.rocksdb.ExportImportFilesMetaData;
import org.rocksdb.ImportColumnFamilyOptions;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;

/**
 * An open RocksDB with an attached Gc. {@link #close()} detaches and then closes the DB, so any
 * order of closing the Gc, the families' handles and the DB is right.
 */
public final class AttachedDb extends RocksDB {
  private final Gc gc;
  /** The object that RocksDB.open made. It owns the DB and the families' handles. */
  private final RocksDB opened;
  private final Map<String, ColumnFamilyHandle> families = new LinkedHashMap<>();
  /** A rocksdb_t, and a rocksdb_column_family_handle_t for each family. */
  private final List<ByteBuffer> structs = new ArrayList<>();

  AttachedDb(
      Gc gc,
      RocksDB opened,
      List<RocksDbJni.FamilyToOpen> toOpen,
      List<ColumnFamilyHandle> handles) {
    super(opened.getNativeHandle());
    this.gc = gc;
    this.opened = opened;
    storeDefaultColumnFamilyHandle(opened.getDefaultColumnFamily());
    try {
      List<Family> attached = new ArrayList<>();
      for (int i = 0; i < handles.size(); i++) {
        String name = new String(toOpen.get(i).descriptor().getName(), StandardCharsets.UTF_8);
        families.put(name, new BorrowedColumnFamilyHandle(this, handles.get(i)));
        if (toOpen.get(i).role() != null) {
          attached.add(new Family(
              toOpen.get(i).role(), name, struct(handles.get(i).getNativeHandle())));
        }
      }
      gc.bind(RocksDbJni.libraryPath());
      gc.attach(
          struct(opened.getNativeHandle()),
          handles.isEmpty() ? List.of(Family.DEFAULT) : attached,
          this);
    } catch (Throwable e) {
      disOwnNativeHandle();
      opened.close();
      throw e;
    }
  }

  /** A family that was opened, by its name. Its handle closes with the DB. */
  public ColumnFamilyHandle family(String name) {
    ColumnFamilyHandle family = families.get(name);
    if (family == null) {
      throw RocksGcException.invalid(
          "the DB was opened without the family " + name + "; it has " + families.keySet());
    }
    return family;
  }

  /** Detaches, and closes the DB. If the detach is refused, the DB stays open. */
  @Override
  public synchronized void close() {
    if (isOwningHandle()) {
      giveUp();
      opened.close();
    }
  }

  @Override
  public synchronized void closeE() throws RocksDBException {
    if (isOwningHandle()) {
      giveUp();
      opened.closeE();
    }
  }

  /** Ends what uses the DB, here and in the library. */
  private void giveUp() {
    gc.detach(this);
    families.values().forEach(ColumnFamilyHandle::close);
    disOwnNativeHandle();
  }

  /** C's struct around a C++ object: its first field is the pointer. */
  private long struct(long object) {
    ByteBuffer struct = ByteBuffer.allocateDirect(16).order(ByteOrder.nativeOrder());
    struct.putLong(0, object);
    structs.add(struct);
    return Memory.address(struct);
  }

  // Handles belong to the RocksDB that frees them.

  @Override
  public ColumnFamilyHandle createColumnFamily(ColumnFamilyDescriptor descriptor)
      throws RocksDBException {
    return opened.createColumnFamily(descriptor);
  }

  @Override
  public List<ColumnFamilyHandle> createColumnFamilies(
      ColumnFamilyOptions options, List<byte[]> names) throws RocksDBException {
    return opened.createColumnFamilies(options, names);
  }

  @Override
  public List<ColumnFamilyHandle> createColumnFamilies(List<ColumnFamilyDescriptor> descriptors)
      throws RocksDBException {
    return opened.createColumnFamilies(descriptors);
  }

  @Override
  public ColumnFamilyHandle createColumnFamilyWithImport(
      ColumnFamilyDescriptor descriptor,
      ImportColumnFamilyOptions options,
      ExportImportFilesMetaData metadata)
      throws RocksDBException {
    return opened.createColumnFamilyWithImport(descriptor, options, metadata);
  }

  @Override
  public ColumnFamilyHandle createColumnFamilyWithImport(
      ColumnFamilyDescriptor descriptor,
      ImportColumnFamilyOptions options,
      List<ExportImportFilesMetaData> metadata)
      throws RocksDBException {
    return opened.createColumnFamilyWithImport(descriptor, options, metadata);
  }

  @Override
  public void destroyColumnFamilyHandle(ColumnFamilyHandle handle) {
    if (handle instanceof BorrowedColumnFamilyHandle) {
      handle.close();
    } else {
      opened.destroyColumnFamilyHandle(handle);
    }
  }
}
