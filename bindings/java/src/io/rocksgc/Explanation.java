package io.rocksgc;

import java.nio.ByteBuffer;

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
  static Explanation read(ByteBuffer info) {
    return new Explanation(
        Bytes.readText(info.getLong(Header.ExplainedLayout.COLUMN_FAMILY)),
        Numbered.find(Mode.class, info.getInt(Header.ExplainedLayout.MODE)),
        info.getInt(Header.ExplainedLayout.KEYSPACE),
        Numbered.find(Why.class, info.getInt(Header.ExplainedLayout.WHY)),
        Bytes.readText(info.getLong(Header.ExplainedLayout.TEXT)),
        info.getLong(Header.ExplainedLayout.OWN_SAFE_POINT),
        info.getLong(Header.ExplainedLayout.EFFECTIVE_SAFE_POINT),
        info.getLong(Header.ExplainedLayout.FILES),
        info.getLong(Header.ExplainedLayout.SAMPLED_VERSIONS),
        info.getLong(Header.ExplainedLayout.ROWS),
        info.getLong(Header.ExplainedLayout.VERSIONS),
        info.getLong(Header.ExplainedLayout.BYTES),
        info.getLong(Header.ExplainedLayout.DUE_VERSIONS),
        info.getLong(Header.ExplainedLayout.DUE_BYTES),
        info.getLong(Header.ExplainedLayout.LAST_LEVEL_VERSIONS),
        info.getLong(Header.ExplainedLayout.LAST_LEVEL_BYTES),
        info.getLong(Header.ExplainedLayout.HELD_VERSIONS),
        info.getLong(Header.ExplainedLayout.HELD_BYTES),
        info.getLong(Header.ExplainedLayout.UNPARSED),
        info.getLong(Header.ExplainedLayout.OLDEST_TS));
  }
}
