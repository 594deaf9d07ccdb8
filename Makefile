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
  ROCKSDB_PREFIX = $(BUNDLED)
  ROCKSDB_FLAGS = -I$(ROCKSDB_PREFIX)/include -L$(ROCKSDB_PREFIX)/lib -Wl,-rpath,$(ROCKSDB_PREFIX)/lib
  ROCKSDB_SETUP = bundled
  CXX_STANDARD = c++20
else ifneq ($(ROCKSDB),system)
  $(error ROCKSDB=$(ROCKSDB) is unknown; it is system or bundled)
else
  ROCKSDB_SETUP = system
  CXX_STANDARD = c++17
endif
# Where the tests find RocksDB: empty = the system's.
export ROCKS_GC_TEST_ROCKSDB = $(ROCKSDB_PREFIX)
# The library under test, as it is shipped.
export ROCKS_GC_TEST_LIBRARY = $(LIBRARY)

.PHONY: lib demo test test-all bench bench-steady bench-decision bench-codec bench-destroy bench-destroy-many bench-latency bench-elsewhere \
  charts book bundled system clean install packages rocksdbjni \
  test-bindings-quick test-bindings bench-bindings fleet fleet-demo fleet-rounds install-fleet bench-fleet

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

# What the fleet's programs and tests need.
FLEET_PACKAGES = etcd-server faketime protobuf-compiler libprotobuf-dev util-linux
# The library of a node, and the command of the workers and the control plane.
fleet: lib $(ROCKSDB_SETUP)
	@.ci/setup $(FLEET_PACKAGES) libclang-dev
	cargo build --release -p rocks-gc-fleet
	@mkdir -p $(C_OUT)
	c++ $(CXX_FLAGS) -Iinclude $(subst -I,-isystem ,$(filter -I%,$(ROCKSDB_FLAGS))) examples/fleet_node.cc -o $(C_OUT)/fleet_node \
	  $(filter-out -I%,$(ROCKSDB_FLAGS)) -lrocksdb -ldl -lpthread

# Three members of etcd, two workers, three nodes on RocksDB: half a minute.
fleet-demo: fleet
	@.ci/setup python3
	python3 examples/fleet_demo.py $(RELEASE)/rocks-gc $(LIBRARY) $(RELEASE)/librocks_gc_fleet.so $(C_OUT)/fleet_node

# The search of five million states of the protocol, and two hundred rounds of faults with real processes: a quarter of an hour.
fleet-rounds: lib $(ROCKSDB_SETUP)
	@.ci/setup $(FLEET_PACKAGES) libclang-dev g++
	cargo test --release -p rocks-gc-fleet --lib nothing_breaks_with_two_faults -- --ignored --nocapture
	cargo test -p rocks-gc-fleet --test rounds -- --ignored --nocapture

# What a follower of 100,000 keyspaces costs, and what 1,000 followers cost etcd: two minutes.
bench-fleet: lib
	@.ci/setup $(FLEET_PACKAGES) libclang-dev
	cargo bench -p rocks-gc-fleet --bench scale

test: lib $(ROCKSDB_SETUP)
	@.ci/setup g++ libc6-dev binutils python3 valgrind $(FLEET_PACKAGES)
	$(if $(shell cargo fmt --version 2>/dev/null),cargo fmt --all --check,@echo "no rustfmt: the format is not checked")
	$(if $(shell cargo clippy --version 2>/dev/null),cargo clippy --all-targets -p rocks-gc -p rocks-gc-fleet -p rocks-gc-pd -- -D warnings,@echo "no clippy: lints are not checked")
	cargo test
	cargo test -p rocks-gc-fleet -p rocks-gc-pd
	$(ASAN_TEST)
	$(MAKE) test-bindings-quick

# The library itself under AddressSanitizer, which a stable compiler has but hides: its own tests, and every export called from C.
ASAN_TARGET = x86_64-unknown-linux-gnu
ASAN_RUNTIME = $(shell rustc --print sysroot)/lib/rustlib/$(ASAN_TARGET)/lib/librustc-stable_rt.asan.a
ASAN_CARGO = env -u ROCKS_GC_TEST_LIBRARY ROCKS_GC_TEST_SANITIZER_RUNTIME=$(ASAN_RUNTIME) RUSTC_BOOTSTRAP=1 \
  RUSTFLAGS=-Zsanitizer=address CARGO_TARGET_DIR=$(CARGO_TARGET_DIR)/asan cargo test --target $(ASAN_TARGET)
ASAN_TEST = $(if $(wildcard $(ASAN_RUNTIME)),$(ASAN_CARGO) --lib --test rules --test splits && \
  $(ASAN_CARGO) --test hosts every_function_does,@echo "no sanitizer runtime: the library is not tested under it")

BENCH_FOLDER ?= /dev/shm/rocks_gc_bench
# Figures as CSV files, and charts of them.
BENCH_RESULTS ?= $(CARGO_TARGET_DIR)/benches
CHARTS = $(CACHE)/charts/bin/python
# Compiles benches/$(1).cc, and makes the folder that it works in.
define compile_bench
@mkdir -p $(C_OUT) $(BENCH_FOLDER) $(BENCH_RESULTS)
c++ $(CXX_FLAGS) -Iinclude $(subst -I,-isystem ,$(filter -I%,$(ROCKSDB_FLAGS))) benches/$(1).cc -o $(C_OUT)/$(1) \
  $(filter-out -I%,$(ROCKSDB_FLAGS)) -lrocksdb -ldl -lpthread
endef

# What garbage collection costs compactions: user CPU time against no filter, in a folder that should be in memory. It takes hours, and
# 3 GiB. BENCH_ARGUMENTS="--versions 20000 --rounds 1" takes a minute and shows that it works.
bench: lib $(ROCKSDB_SETUP) charts
	$(call compile_bench,compaction)
	$(C_OUT)/compaction $(LIBRARY) $(BENCH_FOLDER) --csv $(BENCH_RESULTS)/compaction-$(ROCKSDB).csv $(BENCH_ARGUMENTS)
	$(CHARTS) benches/chart.py compaction $(BENCH_RESULTS)/compaction-$(ROCKSDB).csv $(BENCH_RESULTS)/compaction-$(ROCKSDB).svg
	@rm -r $(BENCH_FOLDER)

# What a user feels: ten minutes of updates by 10,000 tenants, one of them stuck, for each way to collect. Three quarters of an hour, and
# 3 GiB. BENCH_ARGUMENTS="--seconds 20" takes two minutes and shows that it works.
bench-steady: lib $(ROCKSDB_SETUP) charts
	$(call compile_bench,steady)
	$(C_OUT)/steady $(LIBRARY) $(BENCH_FOLDER) --csv $(BENCH_RESULTS)/steady-$(ROCKSDB).csv $(BENCH_ARGUMENTS)
	$(CHARTS) benches/chart.py steady $(BENCH_RESULTS)/steady-$(ROCKSDB).csv $(BENCH_RESULTS)/steady-$(ROCKSDB).svg
	@rm -r $(BENCH_FOLDER)

# A Python with matplotlib.
charts:
	@$(CHARTS) -c 'import matplotlib' 2>/dev/null || { \
	  .ci/setup python3 python3-venv && python3 -m venv $(CACHE)/charts && $(CHARTS) -m pip install --quiet matplotlib; }

# Instructions a decision, by valgrind: figures that do not depend on the machine's mood.
bench-decision: lib
	@.ci/setup valgrind
	benches/decision.sh $(LIBRARY) $(C_OUT)

# CPU time of the codec's calls, for one key and for many: half a minute.
bench-codec: lib
	@mkdir -p $(C_OUT)
	cc -std=gnu11 -O2 -Wall -Wextra -Werror -Iinclude benches/codec.c -o $(C_OUT)/codec -ldl
	$(C_OUT)/codec $(LIBRARY)

# Destroying a range, beside what hosts do by hand: ten minutes, and 2.5 GiB.
bench-destroy: lib $(ROCKSDB_SETUP)
	$(call compile_bench,destroy)
	$(C_OUT)/destroy $(LIBRARY) $(BENCH_FOLDER)
	$(C_OUT)/destroy $(LIBRARY) $(BENCH_FOLDER) 1 128 1024
	@rm -r $(BENCH_FOLDER)

# Destroying 1,000 of 5,000 tenants that share files, in 1 GiB: one call each, and one call; then the debt. 40 seconds.
bench-destroy-many: lib $(ROCKSDB_SETUP)
	$(call compile_bench,destroy_many)
	$(C_OUT)/destroy_many $(LIBRARY) $(BENCH_FOLDER)
	@rm -r $(BENCH_FOLDER)

# The latency of puts while 1 GiB is destroyed beside them, and while a host does it by hand. Three minutes, and 3 GiB.
bench-latency: lib $(ROCKSDB_SETUP)
	$(call compile_bench,latency)
	$(C_OUT)/latency $(LIBRARY) $(BENCH_FOLDER)
	@rm -r $(BENCH_FOLDER)

# What calls cost beside few and beside 100,000 records, 10,000 table files and 10,000 tenants: a minute.
bench-elsewhere: lib $(ROCKSDB_SETUP)
	$(call compile_bench,elsewhere)
	$(C_OUT)/elsewhere $(LIBRARY) $(BENCH_FOLDER)
	@rm -r $(BENCH_FOLDER)

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
# Installs the library, its headers, the shim, and files for pkg-config and CMake.
install: lib
	packaging/install.sh $(LIBRARY) "$(DESTDIR)" "$(PREFIX)" "$(LIBDIR)"

# Installs a node's library, its header (make install has that, too), and the command.
install-fleet: fleet
	packaging/install_fleet.sh $(RELEASE) "$(DESTDIR)$(PREFIX)" "$(DESTDIR)$(LIBDIR)"

# Every package, with checksums, in dist/.
DIST = $(CURDIR)/dist
VERSION = $(shell packaging/version.sh)
TREE = $(CARGO_TARGET_DIR)/packages
TOOLS = $(CACHE)/tools
packages: lib fleet rocksdbjni
	@.ci/setup binutils python3-venv
	@command -v npm >/dev/null || .ci/setup nodejs npm
	@rm -rf $(DIST) $(TREE) target/packages && mkdir -p $(DIST)
	packaging/install.sh $(LIBRARY) $(TREE)/tar/rocks_gc-$(VERSION) '$${pcfiledir}/../..' '$${prefix}/lib'
	packaging/install_fleet.sh $(RELEASE) $(TREE)/tar/rocks_gc-$(VERSION) $(TREE)/tar/rocks_gc-$(VERSION)/lib
	tar -C $(TREE)/tar -czf $(DIST)/rocks_gc-$(VERSION)-x86_64-linux.tar.gz rocks_gc-$(VERSION)
	packaging/install.sh $(LIBRARY) target/packages/deb /usr /usr/lib/x86_64-linux-gnu
	packaging/install_fleet.sh $(RELEASE) target/packages/fleet/usr target/packages/fleet/usr/lib/x86_64-linux-gnu
	@test -x $(TOOLS)/bin/cargo-deb || cargo install --locked --root $(TOOLS) cargo-deb
	$(TOOLS)/bin/cargo-deb --no-build --output $(DIST)/
	$(TOOLS)/bin/cargo-deb --no-build --variant dev --output $(DIST)/
	$(TOOLS)/bin/cargo-deb --no-build -p rocks-gc-fleet --output $(DIST)/
	bindings/python/package.sh $(LIBRARY) $(DIST)
	bindings/node/package.sh $(LIBRARY) $(DIST)
	bindings/java/package.sh $(LIBRARY) $(DIST)
	bindings/go/package.sh $(DIST)
	bindings/rust/package.sh $(DIST)
	cd $(DIST) && sha256sum * > SHA256SUMS

# Packages, installed into empty projects, with what apt, pip and npm give quickly: three minutes.
QUICK = $(TREE)/quick
test-bindings-quick: lib $(ROCKSDB_SETUP)
	@.ci/setup g++ gcc binutils cmake pkg-config python3-venv golang-go librocksdb-dev
	@command -v node >/dev/null && command -v npm >/dev/null || .ci/setup nodejs npm
	@rm -rf $(QUICK) && mkdir -p $(QUICK)
	packaging/test_install.sh $(LIBRARY)
	bindings/python/package.sh $(LIBRARY) $(QUICK)
	bindings/python/test.sh $(QUICK)
	bindings/node/package.sh $(LIBRARY) $(QUICK)
	bindings/node/test.sh $(QUICK)
	bindings/go/test.sh $(LIBRARY) include

# The rest: Java on rocksdbjni (450 MB are fetched once, and 72 MB are kept), with JNA and on Java 25 without it (100 MB), Debian's
# packages in a chroot, and Rust's crates on RocksDB 11.8.1.
JNI = $(CACHE)/rocksdbjni
rocksdbjni:
	@.ci/setup default-jdk-headless libjna-java python3-venv
	packaging/fetch_rocksdbjni.sh $(JNI)

test-bindings: packages bundled
	@.ci/setup debootstrap
	bindings/java/fetch_java22.sh $(CACHE)/java22
	JAVA22=$(CACHE)/java22/java-runtime/bin/java bindings/java/test.sh $(DIST)
	packaging/test_deb.sh $(DIST) $(CACHE)/debian
	for host in "rocksdb" "rocksdb shim" "rocksdb multi-threaded-cf" "rust-rocksdb"; do \
	  CARGO_TARGET_DIR=$(CACHE)/bindings-rust ROCKSDB_LIB_DIR=$(BUNDLED)/lib ROCKSDB_INCLUDE_DIR=$(BUNDLED)/include \
	  LD_LIBRARY_PATH=$(BUNDLED)/lib bindings/rust/test.sh $(LIBRARY) $(DIST) $$host || exit 1; \
	done

# CPU time of a compaction in each language, against a C host: five minutes.
bench-bindings: packages bundled
	@.ci/setup librocksdb-dev golang-go unzip
	@mkdir -p $(BENCH_FOLDER)
	bindings/cost/run.sh $(LIBRARY) $(DIST) $(BENCH_FOLDER)
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
