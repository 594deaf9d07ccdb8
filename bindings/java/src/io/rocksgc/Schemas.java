package io.rocksgc;

import java.util.ArrayList;
import java.util.List;

/**
 * The schemas of a {@link Gc}: parts of a keyspace, by the first 4 bytes of the user keys. The
 * functions need schema_id=prefix. The keyspace is Keyspaces.NONE in the plain layout.
 */
public final class Schemas {
  private static final long MAX_ID = 0xFFFF_FFFFL;
  private final Handle handle;

  Schemas(Handle handle) {
    this.handle = handle;
  }

  /**
   * Loads all valid schemas of a keyspace. It replaces the list before.
   *
   * @param highestIdEver the highest id that was ever allocated, read BEFORE the list
   */
  public void load(int keyspace, long[] validIds, long highestIdEver) {
    Keyspaces.checkOrNone(keyspace);
    int[] ids = new int[validIds.length];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = id(validIds[i]);
    }
    int highest = id(highestIdEver);
    handle.run((gc, error) ->
        Abi.rgc_schemas_load(gc, keyspace, ids, ids.length, highest, error));
  }

  /** Tells the id of a new schema, before the schema's first record is written. */
  public void create(int keyspace, long id) {
    Keyspaces.checkOrNone(keyspace);
    int number = id(id);
    handle.run((gc, error) -> Abi.rgc_schema_create(gc, keyspace, number, error));
  }

  /** Drops a schema with all its data. This is permanent. */
  public void drop(int keyspace, long id) {
    Keyspaces.checkOrNone(keyspace);
    int number = id(id);
    handle.run((gc, error) -> Abi.rgc_schema_drop(gc, keyspace, number, error));
  }

  /** Orders to delete the versions of a schema up to and including a timestamp. */
  public void truncate(int keyspace, long id, long upToTs) {
    Keyspaces.checkOrNone(keyspace);
    int number = id(id);
    handle.run((gc, error) -> Abi.rgc_schema_truncate(gc, keyspace, number, upToTs, error));
  }

  public SchemaState state(int keyspace, long id) {
    Keyspaces.checkOrNone(keyspace);
    int number = id(id);
    long state = handle.ask((gc, error) -> Abi.rgc_schema_state(gc, keyspace, number));
    return Numbered.find(SchemaState.class, (int) state);
  }

  /** The schemas that were listed, created, dropped or truncated, by keyspace and id. */
  public List<SchemaInfo> list() {
    List<SchemaInfo> list = new ArrayList<>();
    handle.run((gc, error) -> Callbacks.listing(
        info -> list.add(SchemaInfo.read(info)),
        each -> {
          Abi.rgc_schemas_foreach(gc, each, 0);
          return 0;
        }));
    return list;
  }

  private static int id(long id) {
    if (id < 0 || id > MAX_ID) {
      throw RocksGcException.invalid("the schema " + id + " is not a number from 0 to " + MAX_ID);
    }
    return (int) id;
  }
}
