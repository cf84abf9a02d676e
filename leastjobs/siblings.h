#ifndef LEASTJOBS_SIBLINGS_H
#define LEASTJOBS_SIBLINGS_H

/*
 * The path of another of our programs, for execv(3): in the folder that this one is in, else as
 * PATH finds it. The caller's to free().
 */
char *sibling_path(const char *program);

#endif
