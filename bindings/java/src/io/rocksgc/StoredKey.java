package io.rocksgc;

/**
 * A stored key taken apart.
 *
 * @param keyspace Keyspaces.NONE for modes m and t, and for the plain layout
 * @param ts unsigned
 */
public record StoredKey(Mode mode, int keyspace, byte[] userKey, long ts) {}
