#ifndef PORTTI_FAULTVFS_H
#define PORTTI_FAULTVFS_H
int fault_register(void);
void fault_arm(int n, int mode);
int fault_ops(void);
const char *fault_struck(void);
void fault_die(void);
void fault_lift(void);
int fault_settle(unsigned seed);
#endif
