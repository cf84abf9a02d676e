#ifndef LEASTJOBS_FILE_LIMIT_H
#define LEASTJOBS_FILE_LIMIT_H

/* Raises this process's limit of open files to the hard one, setrlimit(2), as far as it may. */
void file_limit_raise(void);

#endif
