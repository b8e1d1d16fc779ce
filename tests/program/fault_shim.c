// Preloaded into the program by test_faults.py: makes the n-th and every later call of one kind on
// a file fail, or a disk look nearly full.
//   RG_FAULT=write:3:28   the third write (write, pwrite) to a descriptor above 2 fails with errno 28
//   RG_FAULT=fsync:1:5    the first fsync fails with errno 5
//   RG_FAULT=pread:4:5    the fourth pread of a .safetensors file fails with errno 5
//   RG_FAULT=room:4096:0  every file system has 4096 bytes free
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

static atomic_long calls;

static int is_weights(int descriptor) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t bytes = readlink(link, path, sizeof path);
  return bytes > 12 && memcmp(path + bytes - 12, ".safetensors", 12) == 0;
}

static int fails(const char* kind, int descriptor) {
  char name[16];
  long first;
  int number;
  const char* fault = getenv("RG_FAULT");
  if (!fault || descriptor <= 2 || sscanf(fault, "%15[a-z]:%ld:%d", name, &first, &number) != 3) return 0;
  if (strcmp(name, kind) != 0) return 0;
  if (strcmp(kind, "pread") == 0 && !is_weights(descriptor)) return 0;
  if (++calls < first) return 0;
  errno = number;
  return 1;
}

ssize_t write(int descriptor, const void* data, size_t bytes) {
  static ssize_t (*next)(int, const void*, size_t);
  if (!next) next = dlsym(RTLD_NEXT, "write");
  return fails("write", descriptor) ? -1 : next(descriptor, data, bytes);
}

ssize_t pwrite64(int descriptor, const void* data, size_t bytes, off64_t at) {
  static ssize_t (*next)(int, const void*, size_t, off64_t);
  if (!next) next = dlsym(RTLD_NEXT, "pwrite64");
  return fails("write", descriptor) ? -1 : next(descriptor, data, bytes, at);
}
ssize_t pwrite(int descriptor, const void* data, size_t bytes, off_t at) {
  return pwrite64(descriptor, data, bytes, at);
}

ssize_t pread64(int descriptor, void* data, size_t bytes, off64_t at) {
  static ssize_t (*next)(int, void*, size_t, off64_t);
  if (!next) next = dlsym(RTLD_NEXT, "pread64");
  return fails("pread", descriptor) ? -1 : next(descriptor, data, bytes, at);
}
ssize_t pread(int descriptor, void* data, size_t bytes, off_t at) {
  return pread64(descriptor, data, bytes, at);
}
ssize_t __pread_chk(int descriptor, void* data, size_t bytes, off_t at, size_t room) {
  return bytes > room ? (abort(), -1) : pread64(descriptor, data, bytes, at);
}
ssize_t __pread64_chk(int descriptor, void* data, size_t bytes, off64_t at, size_t room) {
  return bytes > room ? (abort(), -1) : pread64(descriptor, data, bytes, at);
}

int fsync(int descriptor) {
  static int (*next)(int);
  if (!next) next = dlsym(RTLD_NEXT, "fsync");
  return fails("fsync", descriptor) ? -1 : next(descriptor);
}

int statvfs64(const char* path, struct statvfs64* room) {
  static int (*next)(const char*, struct statvfs64*);
  if (!next) next = dlsym(RTLD_NEXT, "statvfs64");
  const int result = next(path, room);
  const char* fault = getenv("RG_FAULT");
  long bytes;
  if (result == 0 && fault && sscanf(fault, "room:%ld:", &bytes) == 1) {
    room->f_frsize = 1024;
    room->f_bavail = (fsblkcnt64_t)bytes / 1024;
  }
  return result;
}
int statvfs(const char* path, struct statvfs* room) {
  return statvfs64(path, (struct statvfs64*)room);
}
