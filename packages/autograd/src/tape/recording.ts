/** The recorded ops of a tape, in order, and their backward in reverse. */
import { withHook } from '@mudpt/tensor/internal';
import { carriesGradient, tensorsIn } from '../rule.ts';
import { type Cotangents, type Entry, release, stepBack } from './entry.ts';
import type { Slots } from './slots.ts';

export class Recording {
  private entries: Entry[] = [];
  private closed = false;

  constructor(private readonly slots: Slots) {}

  /** Whether the tape is disposed: an asynchronous body may go on after that, and what it saves would not be released. */
  get isClosed(): boolean {
    return this.closed;
  }

  get length(): number {
    return this.entries.length;
  }

  /** Bytes of memory kept alive for the backward; shared memory counts once. */
  get savedBytes(): number {
    const storages = new Set(this.entries.flatMap((entry) => entry.saved.map((tensor) => tensor.storage)));
    return [...storages].reduce((sum, storage) => sum + storage.bytes, 0);
  }

  /** Appends an entry whose outputs are the floating tensors in `result`. */
  push(entry: Omit<Entry, 'outputs' | 'versions'>, result: unknown): void {
    const outputs = tensorsIn(result)
      .filter(carriesGradient)
      .map((tensor) => this.slots.add(tensor));
    this.entries.push({ ...entry, outputs, versions: entry.saved.map(({ storage }) => storage.version) });
  }

  /** Runs all entries backward and uses them up; cotangents of tensors without an entry stay in `cotangents`. */
  unwind(cotangents: Cotangents): void {
    try {
      withHook(undefined, () => {
        for (let entry = this.entries.pop(); entry; entry = this.entries.pop()) stepBack(entry, cotangents);
      });
    } catch (error) {
      for (const gradient of cotangents.values()) gradient.dispose();
      throw error;
    } finally {
      this.clear();
    }
  }

  close(): void {
    this.clear();
    this.closed = true;
  }

  /** Releases the saved tensors. */
  private clear(): void {
    for (const entry of this.entries) release(entry);
    this.entries = [];
  }
}
