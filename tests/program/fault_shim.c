// Preloaded into the program by the tests: makes the n-th and every later call of one kind fail, cuts
// calls short, or takes room away.
//   RG_FAULT=write:3:28      the third write (write, pwrite) to a descriptor above 2 fails with errno 28
//   RG_FAULT=fsync:1:5       the first fsync fails with errno 5
//   RG_FAULT=pread:4:5       the fourth pread of a .safetensors file fails with errno 5
//   RG_FAULT=spillwrite:4:5  the fourth pwrite to a file without a name (spillread: pread of one) fails
//   RG_FAULT=fallocate:1:28  the first posix_fallocate answers 28
//   RG_FAULT=short:1000:0    no write above descriptor 2, and no pread, takes or gives more than 1000 bytes
//   RG_FAULT=stop:3:2        at the third fsync the program sends itself signal 2
//   RG_FAULT=lock:1:38       no file can be locked: errno 38
//   RG_FAULT=rewrite:4:0     before the fourth pread of a .safetensors file its last byte is changed in place
//   RG_FAULT=replace:4:0     before it, FILE.new is renamed over it
//   RG_FAULT=room:4096:0     every file system has 4096 bytes free
//   RG_FAULT=threads:2:11    no more than two threads live at once beside the first
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

static atomic_long calls, threads;

static int fault(const char* kind, long* first, int* number) {
  char name[16];
  const char* text = getenv("RG_FAULT");
  return text && sscanf(text, "%15[a-z]:%ld:%d", name, first, number) == 3 && strcmp(name, kind) == 0;
}

static int name_ends(int descriptor, const char* suffix) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t bytes = readlink(link, path, sizeof path), length = (ssize_t)strlen(suffix);
  return bytes > length && memcmp(path + bytes - length, suffix, (size_t)length) == 0;
}

static int fails(const char* kind, int descriptor) {
  long first;
  int number;
  if (descriptor <= 2 || !fault(kind, &first, &number)) return 0;
  if (strcmp(kind, "pread") == 0 && !name_ends(descriptor, ".safetensors")) return 0;
  if (strncmp(kind, "spill", 5) == 0 && !name_ends(descriptor, " (deleted)")) return 0;
  if (++calls < first) return 0;
  errno = number;
  return 1;
}

static void disturb(int descriptor) {
  long nth;
  int unused;
  const int rewrite = fault("rewrite", &nth, &unused);
  if (!rewrite && !fault("replace", &nth, &unused)) return;
  if (!name_ends(descriptor, ".safetensors") || ++calls != nth) return;
  char link[64], path[4096] = {0}, other[4200];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  if (readlink(link, path, sizeof path - 1) < 0) abort();
  snprintf(other, sizeof other, "%s.new", path);
  if (!rewrite) {
    if (rename(other, path) != 0) abort();
    return;
  }
  FILE* file = fopen(path, "r+b");
  if (!file || fseek(file, -1, SEEK_END) != 0) abort();
  const int last = getc(file);
  if (fseek(file, -1, SEEK_END) != 0 || putc(last ^ 1, file) == EOF || fclose(file) != 0) abort();
}

static size_t cut(int descriptor, size_t bytes) {
  long most;
  int unused;
  return descriptor > 2 && fault("short", &most, &unused) && bytes > (size_t)most ? (size_t)most : bytes;
}

ssize_t write(int descriptor, const void* data, size_t bytes) {
  static ssize_t (*next)(int, const void*, size_t);
  if (!next) next = dlsym(RTLD_NEXT, "write");
  return fails("write", descriptor) ? -1 : next(descriptor, data, cut(descriptor, bytes));
}

ssize_t pwrite64(int descriptor, const void* data, size_t bytes, off64_t at) {
  static ssize_t (*next)(int, const void*, size_t, off64_t);
  if (!next) next = dlsym(RTLD_NEXT, "pwrite64");
  if (fails("write", descriptor) || fails("spillwrite", descriptor)) return -1;
  return next(descriptor, data, cut(descriptor, bytes), at);
}
ssize_t pwrite(int descriptor, const void* data, size_t bytes, off_t at) {
  return pwrite64(descriptor, data, bytes, at);
}

ssize_t pread64(int descriptor, void* data, size_t bytes, off64_t at) {
  static ssize_t (*next)(int, void*, size_t, off64_t);
  if (!next) next = dlsym(RTLD_NEXT, "pread64");
  disturb(descriptor);
  if (fails("pread", descriptor) || fails("spillread", descriptor)) return -1;
  return next(descriptor, data, cut(descriptor, bytes), at);
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

int posix_fallocate64(int descriptor, off64_t at, off64_t bytes) {
  static int (*next)(int, off64_t, off64_t);
  if (!next) next = dlsym(RTLD_NEXT, "posix_fallocate64");
  return fails("fallocate", descriptor) ? errno : next(descriptor, at, bytes);
}
int posix_fallocate(int descriptor, off_t at, off_t bytes) {
  return posix_fallocate64(descriptor, at, bytes);
}

// Whatever the command takes, it travels as a pointer.
#define FCNTL(name)                                                          \
  int name(int descriptor, int command, ...) {                               \
    static int (*next)(int, int, void*);                                     \
    if (!next) next = (int (*)(int, int, void*))dlsym(RTLD_NEXT, #name);     \
    va_list more;                                                            \
    va_start(more, command);                                                 \
    void* argument = va_arg(more, void*);                                    \
    va_end(more);                                                            \
    if (command == F_OFD_SETLK && fails("lock", descriptor)) return -1;      \
    return next(descriptor, command, argument);                              \
  }
FCNTL(fcntl)
FCNTL(fcntl64)

int fsync(int descriptor) {
  static int (*next)(int);
  if (!next) next = dlsym(RTLD_NEXT, "fsync");
  long nth;
  int number;
  if (fault("stop", &nth, &number) && ++calls == nth) raise(number);
  return fails("fsync", descriptor) ? -1 : next(descriptor);
}

struct start {
  void* (*body)(void*);
  void* argument;
};

static void* counted(void* place) {
  const struct start start = *(struct start*)place;
  free(place);
  void* result = start.body(start.argument);
  --threads;
  return result;
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*), void* argument) {
  static int (*next)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  if (!next) next = dlsym(RTLD_NEXT, "pthread_create");
  long most;
  int number;
  if (!fault("threads", &most, &number)) return next(thread, attributes, body, argument);
  if (++threads > most) {
    --threads;
    return number;
  }
  struct start* start = malloc(sizeof *start);
  *start = (struct start){body, argument};
  const int result = next(thread, attributes, counted, start);
  if (result != 0) --threads;
  return result;
}

int statvfs64(const char* path, struct statvfs64* room) {
  static int (*next)(const char*, struct statvfs64*);
  if (!next) next = dlsym(RTLD_NEXT, "statvfs64");
  const int result = next(path, room);
  long bytes;
  int unused;
  if (result == 0 && fault("room", &bytes, &unused)) {
    room->f_frsize = 1024;
    room->f_bavail = (fsblkcnt64_t)bytes / 1024;
  }
  return result;
}
int statvfs(const char* path, struct statvfs* room) {
  return statvfs64(path, (struct statvfs64*)room);
}
