/* WhisperX's uploads to a storage and downloads from it. There is no storage: what is uploaded is
 * dropped, what is downloaded is made up. */
#ifndef SIM_STORAGE_H
#define SIM_STORAGE_H

struct conn;

/* The file's data as the real server answers them; 500 if the instance has no storage. */
void storage_answer_upload(struct conn *conn);

/* JOBS_RESULT_BYTES bytes (or X-Sim-Result-Bytes); 404 for a key that begins with "missing". */
void storage_answer_download(struct conn *conn);

#endif
