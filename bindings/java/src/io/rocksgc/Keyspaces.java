package io.rocksgc;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/** The keyspaces of a {@link Gc}: GC types, pauses, metadata. */
public final class Keyspaces {
  /** The highest keyspace id. */
  public static final int MAX = Header.KEYSPACE_MAX;
  /** The keyspace of keys that belong to none: modes m and t, and the plain layout. */
  public static final int NONE = -1;
  /** Every safe point, of a barrier. */
  public static final int ALL = -2;

  private final Handle handle;

  Keyspaces(Handle handle) {
    this.handle = handle;
  }

  /** Registers keyspaces with their type, all or none. The first type is valid for the process. */
  public void register(GcType type, int... keyspaces) {
    check(keyspaces);
    if (keyspaces.length == 1) {
      handle.run((gc, error) ->
          Abi.rgc_set_keyspace_gc_type(gc, keyspaces[0], type.number(), error));
    } else {
      handle.run((gc, error) -> Abi.rgc_set_keyspace_gc_types(
          gc, keyspaces, keyspaces.length, type.number(), error));
    }
  }

  /** Keeps everything of a keyspace until it is registered again. */
  public void pause(int keyspace) {
    check(keyspace);
    handle.run((gc, error) -> Abi.rgc_pause_keyspace(gc, keyspace, error));
  }

  /** Loads a keyspace's metadata, and registers its type. */
  public void load(KeyspaceMeta meta) {
    check(meta.id());
    ByteBuffer name = Bytes.fixed(Bytes.text(meta.name(), "the name of keyspace " + meta.id()));
    byte[] typeText =
        Bytes.optionalText(meta.gcManagementType(), "the GC type of keyspace " + meta.id());
    ByteBuffer type = typeText == null ? null : Bytes.fixed(typeText);
    byte[] struct = Bytes.struct(Header.KeyspaceMetaLayout.SIZE);
    Bytes.read(struct)
        .putInt(Header.KeyspaceMetaLayout.ID, meta.id())
        .putInt(Header.KeyspaceMetaLayout.STATE, meta.state().number())
        .putLong(Header.KeyspaceMetaLayout.NAME, Memory.address(name))
        .putLong(
            Header.KeyspaceMetaLayout.GC_MANAGEMENT_TYPE, type == null ? 0 : Memory.address(type));
    try {
      handle.run((gc, error) -> Abi.rgc_keyspace_load(gc, struct, error));
    } finally {
      Reference.reachabilityFence(name);
      Reference.reachabilityFence(type);
    }
  }

  /** Loads a keyspace's metadata from the bytes that PD stores (keyspacepb.KeyspaceMeta). */
  public void load(byte[] protobuf) {
    handle.run((gc, error) ->
        Abi.rgc_keyspace_load_protobuf(gc, protobuf, protobuf.length, error));
  }

  /** The keyspace that owns a name, by the metadata that were loaded. */
  public OptionalInt byName(String name) {
    byte[] text = Bytes.text(name, "the name of a keyspace");
    int[] id = new int[1];
    boolean found =
        handle.ask((gc, error) -> Abi.rgc_keyspace_by_name(gc, text, id, error)) != 0;
    return found ? OptionalInt.of(id[0]) : OptionalInt.empty();
  }

  /** The keyspaces that were loaded or registered, or have a safe point of their own. */
  public List<KeyspaceInfo> list() {
    List<KeyspaceInfo> list = new ArrayList<>();
    handle.run((gc, error) -> Callbacks.listing(
        info -> list.add(KeyspaceInfo.read(info)),
        each -> {
          Abi.rgc_keyspaces_foreach(gc, each, 0);
          return 0;
        }));
    return list;
  }

  static void check(int... keyspaces) {
    for (int keyspace : keyspaces) {
      if (keyspace < 0 || keyspace > MAX) {
        throw RocksGcException.invalid(
            "the keyspace " + keyspace + " is not a number from 0 to " + MAX);
      }
    }
  }

  /** As check, but NONE is allowed. */
  static void checkOrNone(int keyspace) {
    if (keyspace != NONE) {
      check(keyspace);
    }
  }
}
