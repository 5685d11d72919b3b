/** Jobs by way of a BullMQ queue, for machines that see the same folder (Node). */
export { connect } from './connection.ts';
export { enqueueJobs, type EnqueueOptions, type EnqueueResult, type QueuedJob } from './enqueue.ts';
export { type JobEnd, type QueueState, workOnJobs, type WorkOptions } from './work.ts';
