# find_package(rocks_gc) gives the target rocks_gc::rocks_gc, and ROCKS_GC_SHIM_DIR with the sources
# of the shim.
find_path(ROCKS_GC_INCLUDE_DIR rocks_gc.h NO_DEFAULT_PATH REQUIRED
  HINTS "${CMAKE_CURRENT_LIST_DIR}/../../../include"
        "${CMAKE_CURRENT_LIST_DIR}/../../../../include")
get_filename_component(ROCKS_GC_SHIM_DIR "${ROCKS_GC_INCLUDE_DIR}/../share/rocks_gc/shim" ABSOLUTE)
get_filename_component(ROCKS_GC_LIBRARY "${CMAKE_CURRENT_LIST_DIR}/../../librocks_gc.so.1" ABSOLUTE)
if(NOT TARGET rocks_gc::rocks_gc)
  add_library(rocks_gc::rocks_gc SHARED IMPORTED)
  set_target_properties(rocks_gc::rocks_gc PROPERTIES
    IMPORTED_LOCATION "${ROCKS_GC_LIBRARY}"
    IMPORTED_SONAME librocks_gc.so.1
    INTERFACE_INCLUDE_DIRECTORIES "${ROCKS_GC_INCLUDE_DIR}")
endif()
