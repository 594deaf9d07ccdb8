# Three targets do everything, each with its own set-up on a fresh Debian machine with a Rust toolchain:
#   make lib    the library and its SONAME link, in target/release
#   make demo   a C host and a C++ server load it and collect a real RocksDB
#   make test   the whole suite; make test-all runs it against both RocksDBs
# ROCKSDB=system (Debian's, the default) or bundled (11.8.1 of librocksdb-sys, built once into a cache outside the tree).

ROCKSDB ?= system
CARGO_TARGET_DIR ?= $(CURDIR)/target
export CARGO_TARGET_DIR
RELEASE = $(CARGO_TARGET_DIR)/release
LIBRARY = $(RELEASE)/librocks_gc.so
C_OUT = $(CARGO_TARGET_DIR)/c
CACHE = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/rocks-gc
# Where the bundled RocksDB is built, whatever ROCKSDB is.
BUNDLED = $(CACHE)/rocksdb-11.8.1
C_FLAGS = -std=c11 -O2 -Wall -Wextra -Wpedantic -Werror
CXX_FLAGS = -std=$(CXX_STANDARD) -O2 -Wall -Wextra -Wpedantic -Werror

ifeq ($(ROCKSDB),bundled)
  PREFIX = $(BUNDLED)
  ROCKSDB_FLAGS = -I$(PREFIX)/include -L$(PREFIX)/lib -Wl,-rpath,$(PREFIX)/lib
  ROCKSDB_SETUP = bundled
  CXX_STANDARD = c++20
else ifneq ($(ROCKSDB),system)
  $(error ROCKSDB=$(ROCKSDB) is unknown; it is system or bundled)
else
  ROCKSDB_SETUP = system
  CXX_STANDARD = c++17
endif
# Where the tests find RocksDB: empty = the system's.
export ROCKS_GC_TEST_ROCKSDB = $(PREFIX)
# The library under test, as it is shipped.
export ROCKS_GC_TEST_LIBRARY = $(LIBRARY)

.PHONY: lib demo test test-all bench bench-codec bench-remove bench-destroy bench-destroy-many bench-latency bench-elsewhere book bundled system clean

lib:
	@.ci/setup gcc libc6-dev libclang-dev
	cargo build --release --lib
	@ln -sf librocks_gc.so $(RELEASE)/librocks_gc.so.1

system:
	@.ci/setup g++ librocksdb-dev

bundled:
	@.ci/setup g++ libc6-dev libclang-dev
	@test -e $(BUNDLED)/lib/librocksdb.so.11 || { \
	  echo "building RocksDB 11.8.1 into $(BUNDLED), once: 12 to 19 minutes on two cores"; \
	  ROCKS_GC_BUNDLED_PREFIX=$(BUNDLED) CARGO_TARGET_DIR=$(CACHE)/build cargo build --release -p rocks-gc-bundled-rocksdb \
	    && rm -rf $(CACHE)/build; }

demo: lib $(ROCKSDB_SETUP)
	@mkdir -p $(C_OUT)
	cc $(C_FLAGS) -Iinclude examples/demo*.c -o $(C_OUT)/demo $(ROCKSDB_FLAGS) -lrocksdb -ldl
	c++ $(CXX_FLAGS) -Iinclude $(subst -I,-isystem ,$(filter -I%,$(ROCKSDB_FLAGS))) examples/server.cc -o $(C_OUT)/server \
	  $(filter-out -I%,$(ROCKSDB_FLAGS)) -lrocksdb -ldl -lpthread
	$(C_OUT)/server $(LIBRARY)
	$(C_OUT)/demo $(LIBRARY)

test: lib $(ROCKSDB_SETUP)
	@.ci/setup g++ libc6-dev binutils python3 valgrind
	$(if $(shell cargo fmt --version 2>/dev/null),cargo fmt --all --check,@echo "no rustfmt: the format is not checked")
	$(if $(shell cargo clippy --version 2>/dev/null),cargo clippy --all-targets -- -D warnings,@echo "no clippy: lints are not checked")
	cargo test
	$(ASAN_TEST)

# The library itself under AddressSanitizer, which a stable compiler has but hides: its own tests, and every export called from C.
ASAN_TARGET = x86_64-unknown-linux-gnu
ASAN_RUNTIME = $(shell rustc --print sysroot)/lib/rustlib/$(ASAN_TARGET)/lib/librustc-stable_rt.asan.a
ASAN_CARGO = env -u ROCKS_GC_TEST_LIBRARY ROCKS_GC_TEST_SANITIZER_RUNTIME=$(ASAN_RUNTIME) RUSTC_BOOTSTRAP=1 \
  RUSTFLAGS=-Zsanitizer=address CARGO_TARGET_DIR=$(CARGO_TARGET_DIR)/asan cargo test --target $(ASAN_TARGET)
ASAN_TEST = $(if $(wildcard $(ASAN_RUNTIME)),$(ASAN_CARGO) --lib --test rules --test splits && \
  $(ASAN_CARGO) --test hosts every_function_does,@echo "no sanitizer runtime: the library is not tested under it")

# Instructions a decision, by valgrind: figures that do not depend on the machine's mood. bench-codec takes half a minute: CPU time of
# the codec's calls, for one key and for many. bench-remove takes an hour: user CPU time of compactions whose garbage goes by removes or
# by skips, in a folder that should be in memory. bench-destroy takes ten minutes there, and 2.5 GiB: destroying a range beside what
# hosts do by hand.
bench: lib
	@.ci/setup valgrind
	benches/decision.sh $(LIBRARY) $(C_OUT)

bench-codec: lib
	@mkdir -p $(C_OUT)
	cc -std=gnu11 -O2 -Wall -Wextra -Werror -Iinclude benches/codec.c -o $(C_OUT)/codec -ldl
	$(C_OUT)/codec $(LIBRARY)

BENCH_FOLDER ?= /dev/shm/rocks_gc_bench
bench-remove: lib $(ROCKSDB_SETUP)
	@mkdir -p $(C_OUT) $(BENCH_FOLDER)
	c++ $(CXX_FLAGS) -Iinclude $(subst -I,-isystem ,$(filter -I%,$(ROCKSDB_FLAGS))) benches/remove_or_skip.cc -o $(C_OUT)/remove_or_skip \
	  $(filter-out -I%,$(ROCKSDB_FLAGS)) -lrocksdb -ldl -lpthread
	$(C_OUT)/remove_or_skip $(LIBRARY) $(BENCH_FOLDER)
	@rm -r $(BENCH_FOLDER)

bench-destroy: lib $(ROCKSDB_SETUP)
	@mkdir -p $(C_OUT) $(BENCH_FOLDER)
	c++ $(CXX_FLAGS) -Iinclude $(subst -I,-isystem ,$(filter -I%,$(ROCKSDB_FLAGS))) benches/destroy.cc -o $(C_OUT)/destroy \
	  $(filter-out -I%,$(ROCKSDB_FLAGS)) -lrocksdb -ldl -lpthread
	$(C_OUT)/destroy $(LIBRARY) $(BENCH_FOLDER)
	$(C_OUT)/destroy $(LIBRARY) $(BENCH_FOLDER) 1 128 1024
	@rm -r $(BENCH_FOLDER)

# Destroying 1,000 of 5,000 tenants that share files, in 1 GiB: one call each, and one call; then the debt. 40 seconds.
bench-destroy-many: lib $(ROCKSDB_SETUP)
	@mkdir -p $(C_OUT) $(BENCH_FOLDER)
	c++ $(CXX_FLAGS) -Iinclude $(subst -I,-isystem ,$(filter -I%,$(ROCKSDB_FLAGS))) benches/destroy_many.cc -o $(C_OUT)/destroy_many \
	  $(filter-out -I%,$(ROCKSDB_FLAGS)) -lrocksdb -ldl -lpthread
	$(C_OUT)/destroy_many $(LIBRARY) $(BENCH_FOLDER)
	@rm -r $(BENCH_FOLDER)

# The latency of puts while 1 GiB is destroyed beside them, and while a host does it by hand. Three minutes, and 3 GiB.
bench-latency: lib $(ROCKSDB_SETUP)
	@mkdir -p $(C_OUT) $(BENCH_FOLDER)
	c++ $(CXX_FLAGS) -Iinclude $(subst -I,-isystem ,$(filter -I%,$(ROCKSDB_FLAGS))) benches/latency.cc -o $(C_OUT)/latency \
	  $(filter-out -I%,$(ROCKSDB_FLAGS)) -lrocksdb -ldl -lpthread
	$(C_OUT)/latency $(LIBRARY) $(BENCH_FOLDER)
	@rm -r $(BENCH_FOLDER)

# What calls cost beside few and beside 100,000 records, 10,000 table files and 10,000 tenants: a minute.
bench-elsewhere: lib $(ROCKSDB_SETUP)
	@mkdir -p $(C_OUT) $(BENCH_FOLDER)
	c++ $(CXX_FLAGS) -Iinclude $(subst -I,-isystem ,$(filter -I%,$(ROCKSDB_FLAGS))) benches/elsewhere.cc -o $(C_OUT)/elsewhere \
	  $(filter-out -I%,$(ROCKSDB_FLAGS)) -lrocksdb -ldl -lpthread
	$(C_OUT)/elsewhere $(LIBRARY) $(BENCH_FOLDER)
	@rm -r $(BENCH_FOLDER)

# The manual as HTML, by mdBook.
book:
	@command -v mdbook >/dev/null || cargo install --locked mdbook
	mdbook build docs --dest-dir $(CARGO_TARGET_DIR)/book

test-all:
	$(MAKE) test ROCKSDB=system
	$(MAKE) test ROCKSDB=bundled

clean:
	cargo clean
