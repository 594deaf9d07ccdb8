// parts.h - the parts of the adaptor's tests.
#ifndef PARTS_H
#define PARTS_H

#include "../cpp_check.h"

void TestLibrary(const char* library, const char* other_abi, const char* lacking);
void TestContext(const char* library);
void TestInstall(const char* library);
void TestProtocol(const char* library);
void TestFiles(const char* library);

#endif
