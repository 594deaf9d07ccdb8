/* check.h - what the C hosts share: assertions that print their place and let the program continue,
 * so that one run shows every failure. */
#ifndef CHECK_H
#define CHECK_H

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What errptr points to before a call, so that a library that reads it, or does not overwrite it,
 * fails. */
#define CHECK_GARBAGE ((char*)(uintptr_t)0x5a5a5a5a5a5a5a5au)

/* How many checks have failed so far. */
int check_failed(void);
/* How many checks failed so far; prints a summary. */
int check_summary(const char* program);

void check_that(int holds, const char* file, int line, const char* what);
void check_equal(uint64_t left, uint64_t right, const char* file, int line, const char* what);
void check_contains(const char* text, const char* part, const char* file, int line);
void check_no_error(char* error, const char* file, int line, const char* call);
/* The arguments end with NULL: the kind, and then what else the text must hold. Frees the text. */
void check_error(char* error, const char* file, int line, const char* call, ...);

#define CHECK(condition) check_that(!!(condition), __FILE__, __LINE__, #condition)
/* Of integers; a failure shows both. */
#define CHECK_EQ(left, right) check_equal((uint64_t)(left), (uint64_t)(right), __FILE__, __LINE__, #left " == " #right)
#define CHECK_CONTAINS(text, part) check_contains(text, part, __FILE__, __LINE__)
/* Where nothing can go on. */
#define REQUIRE(condition)                                                             \
  do {                                                                                 \
    if (!(condition)) {                                                                \
      fprintf(stderr, "%s:%d: required: %s\n", __FILE__, __LINE__, #condition);        \
      exit(1);                                                                         \
    }                                                                                  \
  } while (0)

/* A call that must succeed; it writes `errptr` as its last argument. */
#define SUCCEEDS(...)                                          \
  do {                                                         \
    char* error_ = CHECK_GARBAGE;                              \
    char** errptr = &error_;                                   \
    __VA_ARGS__;                                               \
    check_no_error(error_, __FILE__, __LINE__, #__VA_ARGS__);  \
  } while (0)

/* A call that must fail with this kind of error, and with these texts in it. The macro makes it
 * twice: the second time errptr is NULL, and the call must behave the same. */
#define FAILS(call, ...)                                                   \
  do {                                                                     \
    char* error_ = CHECK_GARBAGE;                                          \
    char** errptr = &error_;                                               \
    call;                                                                  \
    check_error(error_, __FILE__, __LINE__, #call, __VA_ARGS__, NULL);     \
    errptr = NULL;                                                         \
    call;                                                                  \
  } while (0)

/* A literal as pointer and length. */
#define BYTES(literal) (literal), sizeof(literal) - 1

#endif
