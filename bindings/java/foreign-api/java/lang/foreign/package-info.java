/**
 * What the binding uses of Java 22's java.lang.foreign, so that any javac since 17 compiles it. The
 * jar does not hold these. The tests on Java 22 link each method to the real one.
 */
package java.lang.foreign;
