/**
 * The tuner: chooses a variant of a kernel family. In order of precedence: a forced variant (tests), a measured choice (on this machine, else the
 * package's for adapters of this kind), then the first candidate, which the family orders by the adapter's traits.
 */
import { loadTuningText, readEnvironment, saveTuningText, usualTuning } from '#gpu';
import { FormatError, InputError, LimitError } from '../errors.ts';
import type { Tuning } from '../platform/platform.ts';

/** Measured choices: family, then a key of the problem's rough size, then the variant. */
export type TuningTable = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** The candidates of a family for a problem: variants that run on this adapter, presumably fastest first. */
export type Choice<V extends string = string> = {
  /** Class of the problem, for instance 'NT/large'. */
  readonly key: string;
  readonly candidates: readonly V[];
};

/** One call of {@link Tuner.choose}. */
export type ObservedChoice = Choice & { readonly family: string };

/** Chooses among the variants of a kernel family: as forced, else as measured, else the first that the op proposes. */
export class Tuner {
  private observer: ((choice: ObservedChoice) => void) | undefined;
  private readonly forced = new Map<string, string>();
  private readonly table = new Map<string, string>();

  /** Takes over measured choices, for instance those of {@link export} read from a file. */
  load(table: TuningTable): void {
    for (const [family, choices] of Object.entries(table)) {
      for (const [key, variant] of Object.entries(choices)) this.table.set(`${family}/${key}`, variant);
    }
  }

  export(): TuningTable {
    const out: Record<string, Record<string, string>> = {};
    for (const [name, variant] of this.table) {
      const slash = name.indexOf('/');
      (out[name.slice(0, slash)] ??= {})[name.slice(slash + 1)] = variant;
    }
    return out;
  }

  /** Remembers `variant` as the best of `family` for problems of `key`. */
  remember(family: string, key: string, variant: string): void {
    this.table.set(`${family}/${key}`, variant);
  }

  /**
   * @param candidates variants that can solve this problem on this adapter, presumably fastest first
   * @param key class of problem, for instance 'NT/large'
   */
  choose<V extends string>(family: string, candidates: readonly V[], key: string): V {
    this.observer?.({ family, key, candidates });
    const forced = this.forced.get(family);
    if (forced !== undefined) {
      const match = candidates.find((candidate) => candidate === forced);
      if (match) return match;
      throw new LimitError(
        family,
        `variant "${forced}" is forced but cannot run here`,
        `candidates are ${candidates.join(', ') || 'none'}`,
      );
    }
    const measured = this.table.get(`${family}/${key}`);
    const choice = candidates.find((candidate) => candidate === measured) ?? candidates[0];
    if (choice === undefined)
      throw new LimitError(family, 'no variant of this kernel runs on this adapter', 'open another adapter');
    return choice;
  }

  /** The variant forced for `family`, if any. */
  forcedVariant(family: string): string | undefined {
    return this.forced.get(family);
  }

  /** Calls `observer` with every choice until the returned object is disposed; tests learn from it which classes a problem meets. */
  observe(observer: (choice: ObservedChoice) => void): Disposable {
    const before = this.observer;
    this.observer = observer;
    return {
      [Symbol.dispose]: () => {
        this.observer = before;
      },
    };
  }

  /** Makes `family` use `variant` until the returned object is disposed. */
  force(family: string, variant: string): Disposable {
    const before = this.forced.get(family);
    this.forced.set(family, variant);
    return {
      [Symbol.dispose]: () => {
        if (before === undefined) this.forced.delete(family);
        else this.forced.set(family, before);
      },
    };
  }
}

/** Loads the measurements for the adapter of this key. @returns whether there are any */
export async function loadTuning(tuner: Tuner, adapterKey: string): Promise<boolean> {
  const text = await loadTuningText(adapterKey);
  if (text === undefined) return false;
  tuner.load(parseTuning(adapterKey, text));
  return true;
}

const MODES: readonly Tuning[] = ['measure', 'stored', 'none'];

/** How a device chooses variants: as its opener says, else as MUDPT_TUNING says, else by the platform's default. @throws InputError for an unknown word */
export function tuningMode(asked: string | undefined): Tuning {
  const said = asked ?? readEnvironment('MUDPT_TUNING');
  const mode = MODES.find((known) => known === said);
  if (mode || said === undefined) return mode ?? usualTuning;
  throw new InputError(
    'Device.open',
    `${asked === undefined ? 'MUDPT_TUNING' : 'the option tuning'} is "${said}"`,
    `use ${MODES.join(', ')}`,
  );
}

/** Saves the choices of `tuner` for the adapter of this key. @returns where */
export async function saveTuning(tuner: Tuner, adapterKey: string): Promise<string> {
  return await saveTuningText(adapterKey, `${JSON.stringify(tuner.export(), null, 2)}\n`);
}

function parseTuning(adapterKey: string, text: string): TuningTable {
  const fix = 'delete it and tune again, or open the device with tuning: "none"';
  let table: unknown;
  try {
    table = JSON.parse(text);
  } catch (cause) {
    throw new FormatError('tuning', `the stored choices for ${adapterKey} are not JSON`, fix, { cause });
  }
  const isRecord = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isRecord(table)) throw new FormatError('tuning', `the stored choices for ${adapterKey} are not a table`, fix);
  for (const [family, choices] of Object.entries(table)) {
    if (!isRecord(choices) || !Object.values(choices).every((choice) => typeof choice === 'string')) {
      throw new FormatError('tuning', `the stored choices for ${adapterKey} name no variants for "${family}"`, fix);
    }
  }
  return table as TuningTable;
}
