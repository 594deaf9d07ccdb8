package io.rocksgc;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongUnaryOperator;

/** Options of a {@link Gc}. {@link RocksGc#describeOptions()} names all of them. */
public final class Options {
  private interface Setting {
    void apply(long options, long[] error);
  }

  private final List<Setting> settings = new ArrayList<>();

  /** Sets one option. */
  public Options set(String name, String value) {
    byte[] nameText = Bytes.text(name, "an option's name");
    byte[] valueText = Bytes.text(value, "the value of option " + name);
    return add((options, error) -> Abi.rgc_options_set(options, nameText, valueText, error));
  }

  /** Sets several options, all or none: "name=value;name=value". */
  public Options parse(String text) {
    byte[] bytes = Bytes.text(text, "the options");
    return add((options, error) -> Abi.rgc_options_parse(options, bytes, error));
  }

  /** A context with these options. They may be used again. */
  public Gc create() {
    return new Gc(this);
  }

  /** A bad setting fails here, where the program makes it. */
  private Options add(Setting setting) {
    with(List.of(setting), options -> 0);
    settings.add(setting);
    return this;
  }

  long createContext() {
    return with(settings, options -> Call.checked(error -> Abi.rgc_create(options, error)));
  }

  private static long with(List<Setting> settings, LongUnaryOperator use) {
    RocksGc.load();
    long options = Abi.rgc_options_create();
    try {
      for (Setting setting : settings) {
        Call.run(error -> setting.apply(options, error));
      }
      return use.applyAsLong(options);
    } finally {
      Abi.rgc_options_destroy(options);
    }
  }
}
