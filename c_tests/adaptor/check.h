// check.h - checks that say where they failed.
#ifndef CHECK_H
#define CHECK_H

#include <cstdio>
#include <cstdlib>
#include <string>

#define CHECK(condition)                                                            \
  do {                                                                              \
    if (!(condition)) {                                                             \
      std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);          \
      std::exit(1);                                                                 \
    }                                                                               \
  } while (0)

#define CHECK_CONTAINS(text, part)                                                                     \
  do {                                                                                                 \
    const std::string checked_text = (text);                                                           \
    if (checked_text.find(part) == std::string::npos) {                                                \
      std::fprintf(stderr, "%s:%d: %s lacks %s\n", __FILE__, __LINE__, checked_text.c_str(), part);    \
      std::exit(1);                                                                                    \
    }                                                                                                  \
  } while (0)

void TestLibrary(const char* library, const char* other_abi, const char* lacking);
void TestContext(const char* library);
void TestInstall(const char* library);
void TestProtocol(const char* library);

#endif
