// cpp_check.h - for C++: checks that print their place and end the program at once, because
// RocksDB's threads may be blocked.
#ifndef CPP_CHECK_H
#define CPP_CHECK_H

#include <cstdio>
#include <cstdlib>
#include <string>

#define CHECK(condition)                                                            \
  do {                                                                              \
    if (!(condition)) {                                                             \
      std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);          \
      std::_Exit(1);                                                                \
    }                                                                               \
  } while (0)

#define CHECK_CONTAINS(text, part)                                                                                  \
  do {                                                                                                              \
    const std::string checked_text = (text), checked_part = (part);                                                 \
    if (checked_text.find(checked_part) == std::string::npos) {                                                     \
      std::fprintf(stderr, "%s:%d: \"%s\" lacks %s\n", __FILE__, __LINE__, checked_text.c_str(), checked_part.c_str()); \
      std::_Exit(1);                                                                                                \
    }                                                                                                               \
  } while (0)

#endif
