/*
 * Makes a disk fail on command. Preloaded into a process, it reads its orders from the file named by FAULT_ORDERS, afresh at
 * every call, one order a line: `<what> <errno> <end of the path>`. Without the file nothing fails. What was made to fail is
 * written to the file named by FAULT_LOG, so that a test can see that the fault really happened.
 *
 *   sync   fsync and fdatasync
 *   write  write, pwrite, ftruncate
 *   read   read and pread
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void note(const char *what, const char *path) {
  const char *log = getenv("FAULT_LOG");
  if (log == NULL) return;
  int fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return;
  char line[4200];
  int length = snprintf(line, sizeof line, "%s %s\n", what, path);
  if (length > 0) syscall(SYS_write, fd, line, (size_t)length);
  syscall(SYS_close, fd);
}

/* The error ordered for this call, 0 for none. */
static int ordered(const char *what, int fd) {
  const char *file = getenv("FAULT_ORDERS");
  if (file == NULL) return 0;
  int before = errno;
  int orders = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC);
  if (orders < 0) {
    errno = before;
    return 0;
  }
  char text[1024];
  long length = syscall(SYS_read, orders, text, sizeof text - 1);
  syscall(SYS_close, orders);
  errno = before;
  if (length <= 0) return 0;
  text[length] = '\0';

  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  long size = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
  errno = before;
  if (size <= 0) return 0;
  path[size] = '\0';

  char *rest = NULL;
  size_t path_length = strlen(path);
  for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
    char op[16], end[512];
    int error = 0;
    if (sscanf(line, "%15s %d %511s", op, &error, end) != 3 || strcmp(op, what) != 0) continue;
    size_t end_length = strlen(end);
    if (end_length > path_length || strcmp(path + path_length - end_length, end) != 0) continue;
    note(what, path);
    errno = before;
    return error;
  }
  return 0;
}

#define REAL(name, type) ((type)dlsym(RTLD_NEXT, name))
#define FAIL_IF_ORDERED(what, fd)     \
  do {                                \
    int error = ordered(what, fd);    \
    if (error != 0) {                 \
      errno = error;                  \
      return -1;                      \
    }                                 \
  } while (0)

int fsync(int fd) {
  FAIL_IF_ORDERED("sync", fd);
  return REAL("fsync", int (*)(int))(fd);
}

int fdatasync(int fd) {
  FAIL_IF_ORDERED("sync", fd);
  return REAL("fdatasync", int (*)(int))(fd);
}

ssize_t read(int fd, void *data, size_t size) {
  FAIL_IF_ORDERED("read", fd);
  return (ssize_t)syscall(SYS_read, fd, data, size);
}

ssize_t pread(int fd, void *data, size_t size, off_t at) {
  FAIL_IF_ORDERED("read", fd);
  return (ssize_t)syscall(SYS_pread64, fd, data, size, at);
}

ssize_t pread64(int fd, void *data, size_t size, off64_t at) {
  FAIL_IF_ORDERED("read", fd);
  return (ssize_t)syscall(SYS_pread64, fd, data, size, at);
}

ssize_t write(int fd, const void *data, size_t size) {
  FAIL_IF_ORDERED("write", fd);
  return (ssize_t)syscall(SYS_write, fd, data, size);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
  FAIL_IF_ORDERED("write", fd);
  return (ssize_t)syscall(SYS_pwrite64, fd, data, size, at);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
  FAIL_IF_ORDERED("write", fd);
  return (ssize_t)syscall(SYS_pwrite64, fd, data, size, at);
}

int ftruncate(int fd, off_t size) {
  FAIL_IF_ORDERED("write", fd);
  return (int)syscall(SYS_ftruncate, fd, size);
}

int ftruncate64(int fd, off64_t size) {
  FAIL_IF_ORDERED("write", fd);
  return (int)syscall(SYS_ftruncate, fd, size);
}
