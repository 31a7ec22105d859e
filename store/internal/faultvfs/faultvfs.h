#ifndef PORTTI_FAULTVFS_H
#define PORTTI_FAULTVFS_H
int fault_register(void);
void fault_arm(int n, int mode);
void fault_arm_next(int n, int mode, int syncs);
int fault_ops(void);
const char *fault_struck(void);
void fault_die(void);
void fault_lift(void);
int fault_settle(unsigned seed);
int fault_write(const char *path, const void *b, int n, long long off);
int fault_sync(const char *path);
#endif
