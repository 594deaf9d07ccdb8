# rocks_gc.mk - what RocksDB's build takes from this folder. Its Makefile includes this file; its CMakeLists.txt and the one here read
# it line by line, so that each list stands on one line, with one space on either side of "=".
rocks_gc_SOURCES = rocks_gc_plugin.cc
rocks_gc_HEADERS = rocks_gc_plugin.h
rocks_gc_FUNC = rocks_gc_register
rocks_gc_LIBS = dl
rocks_gc_LDFLAGS = -ldl

# The adaptor's headers: in the tree that this folder is linked from, or beside the sources.
rocks_gc_FOLDER := $(dir $(realpath $(lastword $(MAKEFILE_LIST))))
ROCKS_GC_INCLUDE ?= $(patsubst %/,%,$(dir $(firstword $(wildcard $(rocks_gc_FOLDER)../../include/rocks_gc_rocksdb.h $(rocks_gc_FOLDER)rocks_gc_rocksdb.h))))
ifeq ($(wildcard $(ROCKS_GC_INCLUDE)/rocks_gc_rocksdb.h),)
  $(error rocks_gc: no rocks_gc_rocksdb.h in ROCKS_GC_INCLUDE="$(ROCKS_GC_INCLUDE)"; set it to the include folder of rocks-gc, or make plugin/rocks_gc a symbolic link into its tree)
endif
rocks_gc_CXXFLAGS = -I$(ROCKS_GC_INCLUDE)
