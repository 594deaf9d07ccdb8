/* What UnloadTest calls. */
#include <dlfcn.h>
#include <jni.h>

/* Closes a library up to ten times, and tells whether it is still loaded. */
jboolean Java_UnloadTest_survives(JNIEnv *java, jclass test, jstring path) {
  (void)test;
  const char *name = (*java)->GetStringUTFChars(java, path, NULL);
  void *library = dlopen(name, RTLD_LAZY | RTLD_NOLOAD);
  for (int i = 0; library && i < 10; i++) {
    dlclose(library); /* this program's own handle, and then one that is not */
    dlclose(library);
    library = dlopen(name, RTLD_LAZY | RTLD_NOLOAD);
  }
  (*java)->ReleaseStringUTFChars(java, path, name);
  return library != NULL;
}
