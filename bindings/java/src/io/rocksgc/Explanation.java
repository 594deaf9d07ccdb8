package io.rocksgc;

import com.sun.jna.Pointer;

/**
 * Why garbage of one keyspace and mode in one column family is not collected. rgc_explained_t in
 * rocks_gc.h says what each number means. The numbers are unsigned.
 *
 * @param keyspace Keyspaces.NONE for modes m and t, and for the plain layout
 * @param text the reason, and what to do
 */
public record Explanation(
    String columnFamily,
    Mode mode,
    int keyspace,
    Why why,
    String text,
    long ownSafePoint,
    long effectiveSafePoint,
    long files,
    long sampledVersions,
    long rows,
    long versions,
    long bytes,
    long dueVersions,
    long dueBytes,
    long lastLevelVersions,
    long lastLevelBytes,
    long heldVersions,
    long heldBytes,
    long unparsed,
    long oldestTs) {
  static Explanation read(Pointer info) {
    return new Explanation(
        Bytes.readText(info.getLong(Abi.ExplainedLayout.COLUMN_FAMILY)),
        Numbered.find(Mode.class, info.getInt(Abi.ExplainedLayout.MODE)),
        info.getInt(Abi.ExplainedLayout.KEYSPACE),
        Numbered.find(Why.class, info.getInt(Abi.ExplainedLayout.WHY)),
        Bytes.readText(info.getLong(Abi.ExplainedLayout.TEXT)),
        info.getLong(Abi.ExplainedLayout.OWN_SAFE_POINT),
        info.getLong(Abi.ExplainedLayout.EFFECTIVE_SAFE_POINT),
        info.getLong(Abi.ExplainedLayout.FILES),
        info.getLong(Abi.ExplainedLayout.SAMPLED_VERSIONS),
        info.getLong(Abi.ExplainedLayout.ROWS),
        info.getLong(Abi.ExplainedLayout.VERSIONS),
        info.getLong(Abi.ExplainedLayout.BYTES),
        info.getLong(Abi.ExplainedLayout.DUE_VERSIONS),
        info.getLong(Abi.ExplainedLayout.DUE_BYTES),
        info.getLong(Abi.ExplainedLayout.LAST_LEVEL_VERSIONS),
        info.getLong(Abi.ExplainedLayout.LAST_LEVEL_BYTES),
        info.getLong(Abi.ExplainedLayout.HELD_VERSIONS),
        info.getLong(Abi.ExplainedLayout.HELD_BYTES),
        info.getLong(Abi.ExplainedLayout.UNPARSED),
        info.getLong(Abi.ExplainedLayout.OLDEST_TS));
  }
}
