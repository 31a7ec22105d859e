/* A VFS that wraps the default one; see faultvfs.go. The declarations of SQLite's
** interface are those that its documentation gives (c3ref/vfs, c3ref/io_methods),
** as far as they are used here. */
#include "faultvfs.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef long long i64;
typedef struct sqlite3_file sqlite3_file;
typedef struct sqlite3_vfs sqlite3_vfs;
typedef struct sqlite3_io_methods sqlite3_io_methods;

struct sqlite3_file {
  const sqlite3_io_methods *pMethods;
};

struct sqlite3_io_methods {
  int iVersion;
  int (*xClose)(sqlite3_file *);
  int (*xRead)(sqlite3_file *, void *, int, i64);
  int (*xWrite)(sqlite3_file *, const void *, int, i64);
  int (*xTruncate)(sqlite3_file *, i64);
  int (*xSync)(sqlite3_file *, int);
  int (*xFileSize)(sqlite3_file *, i64 *);
  int (*xLock)(sqlite3_file *, int);
  int (*xUnlock)(sqlite3_file *, int);
  int (*xCheckReservedLock)(sqlite3_file *, int *);
  int (*xFileControl)(sqlite3_file *, int, void *);
  int (*xSectorSize)(sqlite3_file *);
  int (*xDeviceCharacteristics)(sqlite3_file *);
  int (*xShmMap)(sqlite3_file *, int, int, int, void volatile **);
  int (*xShmLock)(sqlite3_file *, int, int, int);
  void (*xShmBarrier)(sqlite3_file *);
  int (*xShmUnmap)(sqlite3_file *, int);
};

struct sqlite3_vfs {
  int iVersion;
  int szOsFile;
  int mxPathname;
  sqlite3_vfs *pNext;
  const char *zName;
  void *pAppData;
  int (*xOpen)(sqlite3_vfs *, const char *, sqlite3_file *, int, int *);
  int (*xDelete)(sqlite3_vfs *, const char *, int);
  int (*xAccess)(sqlite3_vfs *, const char *, int, int *);
  int (*xFullPathname)(sqlite3_vfs *, const char *, int, char *);
  void *(*xDlOpen)(sqlite3_vfs *, const char *);
  void (*xDlError)(sqlite3_vfs *, int, char *);
  void (*(*xDlSym)(sqlite3_vfs *, void *, const char *))(void);
  void (*xDlClose)(sqlite3_vfs *, void *);
  int (*xRandomness)(sqlite3_vfs *, int, char *);
  int (*xSleep)(sqlite3_vfs *, int);
  int (*xCurrentTime)(sqlite3_vfs *, double *);
  int (*xGetLastError)(sqlite3_vfs *, int, char *);
  int (*xCurrentTimeInt64)(sqlite3_vfs *, i64 *);
};

extern sqlite3_vfs *sqlite3_vfs_find(const char *);
extern int sqlite3_vfs_register(sqlite3_vfs *, int);

enum {
  OK = 0,
  FULL = 13,
  IOERR_WRITE = 10 | (3 << 8),
  IOERR_FSYNC = 10 | (4 << 8),
  IOERR_TRUNCATE = 10 | (6 << 8),
  IOERR_READ = 10 | (1 << 8),
  OPEN_MAIN_DB = 0x100,
  OPEN_WAL = 0x80000,
  FAIL = 1,
  FILL = 2,
  CUT = 3,
  STALE = 4,
  READONLY = 5,
  SECTOR = 512
};

/* change is one write, or a truncation (b is NULL), that no sync has covered yet. */
typedef struct change {
  struct change *next;
  i64 off;
  int n;
  unsigned char *b;
} change;

/* disk is what is remembered of one path: what would survive now, and what has
** changed since. */
typedef struct disk {
  struct disk *next;
  char *path;
  unsigned char *durable;
  i64 size;
  change *first, **last;
  int known;
} disk;

typedef struct {
  sqlite3_file base;
  disk *d; /* NULL for files that do not matter */
  sqlite3_file *real;
} file;

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static disk *disks;
static sqlite3_vfs vfs, *real;
static sqlite3_io_methods methods;
static int ops, at, mode, hit, dead, syncs; /* syncs: they alone meet the fault */
static char struck[64]; /* what the fault met, and in which file */

static void drop(disk *d) {
  while (d->first) {
    change *c = d->first;
    d->first = c->next;
    free(c->b);
    free(c);
  }
  d->last = &d->first;
}

static disk *find(const char *path) {
  disk *d;
  for (d = disks; d; d = d->next)
    if (strcmp(d->path, path) == 0) return d;
  d = calloc(1, sizeof *d);
  d->path = strdup(path);
  d->last = &d->first;
  d->next = disks;
  return disks = d;
}

static void forget(disk *d) {
  drop(d);
  free(d->durable);
  d->durable = NULL;
  d->size = 0;
  d->known = 0;
}

/* learn takes a file's present content for durable. */
static int learn(disk *d, sqlite3_file *f) {
  if (d->known) return OK;
  if (f->pMethods->xFileSize(f, &d->size) != OK) return IOERR_READ;
  d->durable = malloc(d->size + 1);
  d->known = 1;
  if (d->size == 0) return OK;
  return f->pMethods->xRead(f, d->durable, (int)d->size, 0);
}

/* apply makes the first n bytes of a change durable. */
static void apply(disk *d, change *c, i64 n) {
  i64 end = c->b ? c->off + n : c->off;
  if (!c->b || end > d->size) {
    d->durable = realloc(d->durable, end + 1);
    if (end > d->size) memset(d->durable + d->size, 0, end - d->size);
    d->size = end;
  }
  if (c->b) memcpy(d->durable + c->off, c->b, n);
}

/* restore makes the file what is durable. */
static int restore(disk *d) {
  int rc = 0, fd;
  i64 off = 0;
  if (!d->known || (fd = open(d->path, O_RDWR)) < 0) return 0; /* deleted meanwhile */
  while (off < d->size && !rc) {
    ssize_t w = pwrite(fd, d->durable + off, d->size - off, off);
    if (w <= 0) rc = 1;
    off += w;
  }
  rc |= ftruncate(fd, d->size) != 0;
  close(fd);
  return rc;
}

/* fault counts an operation and tells the error that it shall meet. */
static int fault(disk *d, int error) {
  const char *name = strrchr(d->path, '/');
  if (dead) return error;
  ops++;
  if (at == 0 || ops < at || (hit && mode != READONLY)) return OK;
  if ((mode == FILL && error != IOERR_WRITE) || (syncs && error != IOERR_FSYNC)) return OK;
  hit = 1;
  snprintf(struck, sizeof struck, "%s of %s", error == IOERR_WRITE ? "write" : error == IOERR_FSYNC ? "sync" : "truncation",
           name ? name + 1 : d->path);
  if (mode == CUT) dead = 1;
  return mode == FILL ? FULL : error;
}

/* survive makes a random part of what no sync covered durable, some of it torn. */
static void survive(disk *d, unsigned *seed) {
  int some = rand_r(seed) % 3;
  for (change *c = d->first; c && some; c = c->next) {
    i64 n = c->n;
    if (rand_r(seed) % 4 == 0) continue;
    if (some == 2 && rand_r(seed) % 8 == 0) n = n / SECTOR / 2 * SECTOR;
    apply(d, c, n);
  }
}

/* note notes a change of a file whose content is known. b is NULL for a truncation to
** off. */
static void note(disk *d, const void *b, int n, i64 off) {
  change *c = calloc(1, sizeof *c);
  c->off = off;
  if (b) {
    c->b = malloc(n + 1);
    memcpy(c->b, b, n);
    c->n = n;
  }
  *d->last = c;
  d->last = &c->next;
}

static int remember(file *f, const void *b, int n, i64 off) {
  int rc = learn(f->d, f->real);
  if (rc == OK) note(f->d, b, n, off);
  return rc;
}

static int xWrite(sqlite3_file *p, const void *b, int n, i64 off) {
  file *f = (file *)p;
  int rc;
  if (!f->d) return f->real->pMethods->xWrite(f->real, b, n, off);
  pthread_mutex_lock(&mu);
  rc = fault(f->d, IOERR_WRITE);
  if (rc == OK) rc = remember(f, b, n, off);
  if (rc == OK) rc = f->real->pMethods->xWrite(f->real, b, n, off);
  pthread_mutex_unlock(&mu);
  return rc;
}

static int xTruncate(sqlite3_file *p, i64 size) {
  file *f = (file *)p;
  int rc;
  if (!f->d) return f->real->pMethods->xTruncate(f->real, size);
  pthread_mutex_lock(&mu);
  rc = fault(f->d, IOERR_TRUNCATE);
  if (rc == OK) rc = remember(f, NULL, 0, size);
  if (rc == OK) rc = f->real->pMethods->xTruncate(f->real, size);
  pthread_mutex_unlock(&mu);
  return rc;
}

static int synced(disk *d) {
  int rc = fault(d, IOERR_FSYNC);
  if (rc == OK)
    for (change *c = d->first; c; c = c->next) apply(d, c, c->n);
  else if (mode == FAIL)
    restore(d); /* the pages are lost at once; STALE: with the next power cut */
  if (rc == OK || (mode != CUT && mode != READONLY)) drop(d);
  return rc;
}

static int xSync(sqlite3_file *p, int flags) {
  file *f = (file *)p;
  int rc;
  if (!f->d) return f->real->pMethods->xSync(f->real, flags);
  pthread_mutex_lock(&mu);
  rc = synced(f->d);
  pthread_mutex_unlock(&mu);
  return rc;
}

static int xRead(sqlite3_file *p, void *b, int n, i64 off) {
  file *f = (file *)p;
  if (f->d && dead) return IOERR_READ;
  return f->real->pMethods->xRead(f->real, b, n, off);
}

#define REAL(p) (((file *)(p))->real)
static int xClose(sqlite3_file *p) {
  int rc = REAL(p)->pMethods ? REAL(p)->pMethods->xClose(REAL(p)) : OK;
  free(REAL(p));
  return rc;
}
static int xFileSize(sqlite3_file *p, i64 *n) { return REAL(p)->pMethods->xFileSize(REAL(p), n); }
static int xLock(sqlite3_file *p, int l) { return REAL(p)->pMethods->xLock(REAL(p), l); }
static int xUnlock(sqlite3_file *p, int l) { return REAL(p)->pMethods->xUnlock(REAL(p), l); }
static int xCheckReservedLock(sqlite3_file *p, int *r) { return REAL(p)->pMethods->xCheckReservedLock(REAL(p), r); }
static int xFileControl(sqlite3_file *p, int op, void *a) { return REAL(p)->pMethods->xFileControl(REAL(p), op, a); }
static int xSectorSize(sqlite3_file *p) { return REAL(p)->pMethods->xSectorSize(REAL(p)); }
static int xDeviceCharacteristics(sqlite3_file *p) { return REAL(p)->pMethods->xDeviceCharacteristics(REAL(p)); }
static int xShmMap(sqlite3_file *p, int i, int n, int e, void volatile **m) {
  return REAL(p)->pMethods->xShmMap(REAL(p), i, n, e, m);
}
static int xShmLock(sqlite3_file *p, int o, int n, int f) { return REAL(p)->pMethods->xShmLock(REAL(p), o, n, f); }
static void xShmBarrier(sqlite3_file *p) { REAL(p)->pMethods->xShmBarrier(REAL(p)); }
static int xShmUnmap(sqlite3_file *p, int d) { return REAL(p)->pMethods->xShmUnmap(REAL(p), d); }

static int xOpen(sqlite3_vfs *v, const char *name, sqlite3_file *p, int flags, int *out) {
  file *f = (file *)p;
  int rc;
  (void)v;
  f->base.pMethods = NULL;
  f->d = NULL;
  f->real = calloc(1, real->szOsFile);
  rc = real->xOpen(real, name, f->real, flags, out);
  if (rc != OK) {
    if (f->real->pMethods) f->real->pMethods->xClose(f->real);
    free(f->real);
    return rc;
  }
  if (name && (flags & (OPEN_MAIN_DB | OPEN_WAL))) {
    pthread_mutex_lock(&mu);
    f->d = find(name);
    pthread_mutex_unlock(&mu);
  }
  f->base.pMethods = &methods;
  return OK;
}

static int xDelete(sqlite3_vfs *v, const char *name, int dir) {
  (void)v;
  if (dead) return IOERR_WRITE;
  pthread_mutex_lock(&mu);
  forget(find(name));
  pthread_mutex_unlock(&mu);
  return real->xDelete(real, name, dir);
}

int fault_register(void) {
  sqlite3_io_methods m = {2,         xClose,      xRead,     xWrite,    xTruncate,   xSync,
                          xFileSize, xLock,       xUnlock,   xCheckReservedLock, xFileControl, xSectorSize,
                          xDeviceCharacteristics, xShmMap,   xShmLock,  xShmBarrier, xShmUnmap};
  methods = m;
  real = sqlite3_vfs_find(NULL);
  if (!real) return 1;
  vfs = *real; /* what is not replaced below goes to the default VFS */
  vfs.iVersion = 2;
  vfs.szOsFile = sizeof(file);
  vfs.pNext = NULL;
  vfs.zName = "fault";
  vfs.xOpen = xOpen;
  vfs.xDelete = xDelete;
  return sqlite3_vfs_register(&vfs, 0);
}

void fault_arm(int n, int m) {
  pthread_mutex_lock(&mu);
  for (disk *d = disks; d; d = d->next) forget(d);
  ops = 0, at = n, mode = m, hit = 0, dead = 0, syncs = 0;
  pthread_mutex_unlock(&mu);
}

void fault_arm_next(int n, int m, int sync) {
  pthread_mutex_lock(&mu);
  at = ops + n, mode = m, hit = 0, syncs = sync;
  pthread_mutex_unlock(&mu);
}

int fault_ops(void) {
  pthread_mutex_lock(&mu);
  int n = ops;
  pthread_mutex_unlock(&mu);
  return n;
}

const char *fault_struck(void) { return hit ? struck : ""; }

void fault_die(void) {
  pthread_mutex_lock(&mu);
  dead = 1;
  pthread_mutex_unlock(&mu);
}

void fault_lift(void) {
  pthread_mutex_lock(&mu);
  at = 0;
  pthread_mutex_unlock(&mu);
}

int fault_settle(unsigned seed) {
  int rc = 0;
  pthread_mutex_lock(&mu);
  for (disk *d = disks; d; d = d->next) {
    survive(d, &seed);
    rc |= restore(d);
    forget(d);
  }
  at = hit = dead = 0;
  pthread_mutex_unlock(&mu);
  return rc;
}

/* learn_path is learn for a file that SQLite does not have open. */
static int learn_path(disk *d) {
  int rc = OK, fd;
  if (d->known) return OK;
  if ((fd = open(d->path, O_RDONLY)) < 0) return IOERR_READ;
  d->size = lseek(fd, 0, SEEK_END);
  d->durable = malloc(d->size + 1);
  d->known = 1;
  if (pread(fd, d->durable, d->size, 0) != d->size) rc = IOERR_READ;
  close(fd);
  return rc;
}

int fault_write(const char *path, const void *b, int n, i64 off) {
  int rc, fd = -1;
  pthread_mutex_lock(&mu);
  disk *d = find(path);
  rc = fault(d, IOERR_WRITE);
  if (rc == OK) rc = learn_path(d);
  if (rc == OK) {
    note(d, b, n, off);
    fd = open(path, O_WRONLY);
    if (fd < 0 || pwrite(fd, b, n, off) != n) rc = IOERR_WRITE;
    if (fd >= 0) close(fd);
  }
  pthread_mutex_unlock(&mu);
  return rc;
}

int fault_sync(const char *path) {
  int rc;
  pthread_mutex_lock(&mu);
  rc = synced(find(path));
  pthread_mutex_unlock(&mu);
  return rc;
}
