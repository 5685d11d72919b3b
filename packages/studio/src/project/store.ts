/** What is kept in the browser: the project, images, thumbnails, the state of training, what was learnt. Nothing is ever sent. */
import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { MetricsLine, TrainingState } from 'mudpt/core';
import type { Measured, ModelSource, PromptFiles, TrainingOutcome, TrainingPlan } from '../worker/protocol.ts';
import type { Project } from './types.ts';

/** Where training stood. */
export interface KeptTraining {
  readonly plan: TrainingPlan;
  /** A safetensors file of everything that training changes. */
  readonly tensors: Uint8Array<ArrayBuffer>;
  readonly state: TrainingState;
  readonly lines: readonly MetricsLine[];
  /** False once a person has paused it: then a reload does not go on by itself. */
  readonly isRunning: boolean;
}

/** What was learnt, and what was measured. */
export interface KeptResult {
  readonly prompts: PromptFiles;
  readonly outcome?: TrainingOutcome;
  readonly lines: readonly MetricsLine[];
}

interface Schema extends DBSchema {
  project: { key: 'current'; value: Project };
  images: { key: string; value: Blob };
  thumbnails: { key: string; value: Blob };
  training: { key: 'current'; value: KeptTraining };
  result: { key: 'current'; value: KeptResult };
  zeroShot: { key: 'current'; value: Measured };
  model: { key: 'current'; value: ModelSource };
}

const STORES = ['project', 'images', 'thumbnails', 'training', 'result', 'zeroShot', 'model'] as const;

let opened: Promise<IDBPDatabase<Schema>> | undefined;

/** The database of this origin; page and workers share it. */
export function database(): Promise<IDBPDatabase<Schema>> {
  opened ??= openDB<Schema>('mudpt-studio', 1, {
    upgrade(db) {
      for (const name of STORES) db.createObjectStore(name);
    },
  });
  return opened;
}

/** Blobs by id, in their order, in one transaction: thousands of their own would hold the page up. Undefined for those that are gone. */
export async function blobsOf(store: 'images' | 'thumbnails', ids: readonly string[]): Promise<(Blob | undefined)[]> {
  const { store: blobs, done } = (await database()).transaction(store);
  const [found] = await Promise.all([Promise.all(ids.map((id) => blobs.get(id))), done]);
  return found;
}

/** Asks the browser not to throw the project away when the disk is full. @returns whether it agreed */
export async function askToKeep(): Promise<boolean> {
  return (await navigator.storage?.persist?.()) ?? false;
}
