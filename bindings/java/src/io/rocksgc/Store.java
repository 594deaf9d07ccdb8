package io.rocksgc;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** What needs the attached store of a {@link Gc}: its worker, collecting, explaining. */
public final class Store {
  @FunctionalInterface
  private interface Explainer {
    long explain(long gc, long each, long[] error);
  }

  private final Handle handle;

  Store(Handle handle) {
    this.handle = handle;
  }

  /** The number of rows, schemas, debts and destroys that wait for the worker. */
  public long pending() {
    return handle.ask((gc, error) -> Abi.rgc_worker_pending(gc));
  }

  /**
   * Waits until nothing is pending.
   *
   * @return how many are still pending at the end of the time
   */
  public long drain(Duration timeout) {
    return handle.ask((gc, error) ->
        Abi.rgc_worker_drain(gc, Math.max(0, timeout.toMillis()), error));
  }

  /** The files that the worker has still to compact. */
  public Debt debt() {
    byte[] struct = Bytes.struct(Debt.SIZE);
    handle.run((gc, error) -> Abi.rgc_debt(gc, struct, error));
    return Debt.read(Bytes.read(struct));
  }

  /** Collects garbage now, in everything. */
  public CollectReport collect() {
    return collect(null, Range.ALL, 0);
  }

  /**
   * Collects garbage now.
   *
   * @param family null means the families with roles DEFAULT and WRITE
   * @param maxBytes the most bytes of files to read and compact; 0 means no limit
   */
  public CollectReport collect(String family, Range range, long maxBytes) {
    byte[] name = Bytes.optionalText(family, "a family's name");
    byte[] report = Bytes.struct(CollectReport.SIZE);
    handle.run((gc, error) -> Abi.rgc_collect(
        gc, name, range.start(), range.startLength(), range.end(), range.endLength(), maxBytes,
        report, error));
    return CollectReport.read(Bytes.read(report));
  }

  /** Tells what collect would do, and changes nothing. */
  public CollectReport collectDryRun(String family, Range range, long maxBytes) {
    byte[] name = Bytes.optionalText(family, "a family's name");
    byte[] report = Bytes.struct(CollectReport.SIZE);
    handle.run((gc, error) -> Abi.rgc_collect_dry_run(
        gc, name, range.start(), range.startLength(), range.end(), range.endLength(), maxBytes,
        report, error));
    return CollectReport.read(Bytes.read(report));
  }

  /** Tells why nothing is collected of the keyspaces that have keys in a range. */
  public Explained explain(Range range) {
    return explained((gc, each, error) -> Abi.rgc_explain(
        gc, range.start(), range.startLength(), range.end(), range.endLength(), each, 0, error));
  }

  /** Tells why nothing is collected of a keyspace. */
  public Explained explain(int keyspace) {
    Keyspaces.check(keyspace);
    return explained((gc, each, error) ->
        Abi.rgc_explain_keyspace(gc, keyspace, each, 0, error));
  }

  private Explained explained(Explainer explainer) {
    List<Explanation> answers = new ArrayList<>();
    String text = Bytes.takeText(handle.ask((gc, error) -> Callbacks.listing(
        info -> answers.add(Explanation.read(info)),
        each -> explainer.explain(gc, each, error))));
    return new Explained(text, answers);
  }
}
