package io.rocksgc;

import java.util.List;

/**
 * The answers of {@link Store#explain}.
 *
 * @param text a line for each of the 100 keyspaces with the most garbage
 */
public record Explained(String text, List<Explanation> answers) {}
