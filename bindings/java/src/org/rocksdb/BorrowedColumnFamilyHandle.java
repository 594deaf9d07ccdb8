package org.rocksdb;

/**
 * A column family's handle that closes with its DB. The worker of rocks-gc uses the handle until the
 * detach, so a program's close must not free it. It lies in this package because only this package
 * can build a ColumnFamilyHandle.
 */
public final class BorrowedColumnFamilyHandle extends ColumnFamilyHandle {
  public BorrowedColumnFamilyHandle(RocksDB db, ColumnFamilyHandle owner) {
    super(db, owner.getNativeHandle());
  }

  @Override
  protected void disposeInternal() {}
}
