package io.rocksgc;

import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * A keyspace of which the library knows anything.
 *
 * @param state empty means that no metadata were loaded
 * @param gcType empty means that the keyspace is not registered, or that everything is kept
 * @param keptWhole everything of the keyspace is kept: it is paused, or its type is in doubt
 * @param ownSafePoint unsigned; 0 means none
 * @param effectiveSafePoint unsigned; 0 means that nothing is collected
 * @param name "" means unknown
 */
public record KeyspaceInfo(
    int id,
    Optional<KeyspaceState> state,
    Optional<GcType> gcType,
    boolean keptWhole,
    long ownSafePoint,
    long effectiveSafePoint,
    String name) {
  private static final int KEPT_WHOLE = -2;

  static KeyspaceInfo read(ByteBuffer info) {
    int type = info.getInt(Header.KeyspaceInfoLayout.GC_TYPE);
    return new KeyspaceInfo(
        info.getInt(Header.KeyspaceInfoLayout.ID),
        known(KeyspaceState.class, info.getInt(Header.KeyspaceInfoLayout.STATE)),
        known(GcType.class, type),
        type == KEPT_WHOLE,
        info.getLong(Header.KeyspaceInfoLayout.OWN_SAFE_POINT),
        info.getLong(Header.KeyspaceInfoLayout.EFFECTIVE_SAFE_POINT),
        Bytes.readText(info.getLong(Header.KeyspaceInfoLayout.NAME)));
  }

  private static <E extends Enum<E> & Numbered> Optional<E> known(Class<E> type, int number) {
    return number < 0 ? Optional.empty() : Optional.of(Numbered.find(type, number));
  }
}
