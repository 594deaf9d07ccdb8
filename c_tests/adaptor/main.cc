// main.cc - the C++ adaptor, part by part. Arguments: librocks_gc.so, and two stand-ins for it
// (stand_in.c).
#include "parts.h"

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  TestLibrary(argv[1], argv[2], argv[3]);
  TestContext(argv[1]);
  TestInstall(argv[1]);
  TestProtocol(argv[1]);
  TestFiles(argv[1]);
  std::puts("adaptor: ok");
}
