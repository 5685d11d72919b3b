/** The recorded ops of a tape, in order, and their backward in reverse. */
import { type Listener, type OpHook, withListener } from '@mudpt/tensor/internal';
import { carriesGradient, tensorsIn } from '../rule.ts';
import { type Cotangents, type Entry, release, stepBack } from './entry.ts';
import type { Slots } from './slots.ts';

export class Recording {
  private entries: Entry[] = [];
  /** The outer tapes of the entries; undefined among them: an entry that none has recorded. */
  private readonly outerHooks = new Set<OpHook | undefined>();
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

  /**
   * Appends an entry whose outputs are the floating tensors in `result`.
   * @param outer the hook of the tape outside of this one that has recorded the same op
   */
  push(entry: Omit<Entry, 'outputs' | 'versions'>, result: unknown, outer?: OpHook): void {
    const outputs = tensorsIn(result)
      .filter(carriesGradient)
      .map((tensor) => this.slots.add(tensor));
    this.entries.push({ ...entry, outputs, versions: entry.saved.map(({ storage }) => storage.version) });
    this.outerHooks.add(outer);
  }

  /** Whether `tape` has recorded all of this too, so that it can record its backward. */
  isKnownTo(tape: Listener): boolean {
    return [...this.outerHooks].every((hook) => hook === tape.hook);
  }

  /**
   * Runs all entries backward; cotangents of tensors without an entry stay in `cotangents`.
   * @param options.tape the tape that records this backward, if any
   * @param options.isKept whether the entries stay for another backward. Default: they are used up
   */
  unwind(
    cotangents: Cotangents,
    { tape, isKept = false }: { readonly tape?: Listener | undefined; readonly isKept?: boolean } = {},
  ): void {
    try {
      withListener(tape, () => {
        if (isKept) for (const entry of this.entries.toReversed()) stepBack(entry, cotangents, tape);
        else for (let entry = this.entries.pop(); entry; entry = this.entries.pop()) useUp(entry, cotangents, tape);
      });
    } catch (error) {
      for (const gradient of cotangents.values()) gradient.dispose();
      throw error;
    } finally {
      if (!isKept) this.clear();
    }
  }

  close(): void {
    this.clear();
    this.closed = true;
  }

  /** Releases the saved tensors. */
  private clear(): void {
    for (const entry of this.entries) spend(entry);
    this.entries = [];
    this.outerHooks.clear();
  }
}

function useUp(entry: Entry, cotangents: Cotangents, tape: Listener | undefined): void {
  try {
    stepBack(entry, cotangents, tape);
  } finally {
    spend(entry);
  }
}

/** Releases what an entry saved; no gradient can go through it any more. */
function spend(entry: Entry): void {
  release(entry);
  for (const slot of entry.outputs) slot.isSpent = true;
}
