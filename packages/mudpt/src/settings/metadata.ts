/** Metadata of settings in addition to type, default and description: flag, part of a folder's name, bounds. */
import * as z from 'zod';

export interface SettingMetadata {
  /** The flag of `train` that sets it, without its dashes. Settings that share a flag are set by it together (textDepth and imageDepth). */
  readonly flag?: string;
  /** Placeholder of the flag's value in help; default `value`. A flag of true or false takes none. */
  readonly placeholder?: string;
  /** Valid values in words, for messages; default: from the type, such as "a whole number from 1 up". */
  readonly takes?: string;
  /** Valid names, as a function because more may be registered later. */
  readonly names?: () => readonly string[];
  /** Its part of the name of a run's folder; undefined where this value has none. */
  readonly folder?: (value: never) => string | undefined;
  /** The name of the folder within that one: runs that differ in this setting alone lie side by side. */
  readonly subfolder?: (value: never) => string;
  /** 'layers': it counts layers of a tower, and a default beyond those of a model is lowered to them. */
  readonly counts?: 'layers';
  /** It is the place of a block, and its default was chosen for a tower of so many: in a shallower one a default moves to the same part of it. */
  readonly amongBlocks?: number;
  /** What the first block is called where `amongBlocks` is given. Default 1. */
  readonly blocksFrom?: 0;
  /**
   * Other settings of the method that this value decides, whatever they are set to, by name: words that a context begins with decide its length. What was
   * asked for and is decided otherwise is refused, because it would have no effect.
   */
  readonly decides?: (value: never) => Readonly<Record<string, unknown>>;
  /**
   * Why it has no effect beside these values of all settings of its section, to go after "has no effect, because"; undefined: it has one. A run tells people
   * who asked for it.
   */
  readonly idle?: (values: Readonly<Record<string, unknown>>) => string | undefined;
  /** true: it says what texts are made of where there are no descriptions of classes, which take its place. */
  readonly yieldsToDescriptions?: true;
  /** It holds settings of another method, by name: of this one, beside these values of all settings of its section. */
  readonly holds?: (values: Readonly<Record<string, unknown>>) => string;
  /** false: no number that a run gives depends on it, so it is no part of the run's identity. */
  readonly changesNumbers?: false;
  /** The part of a value that belongs to the run's identity: for a file its contents, undefined for none. Default: the whole value. */
  readonly identity?: (value: never) => unknown;
  /** For a setting that was added later: the value that earlier runs effectively had. It keeps their identity unchanged. */
  readonly before?: unknown;
  /** true: a setting of training by the trainer, which fitted methods do not have. */
  readonly forTraining?: true;
  /** true: set by the program, never by a person. */
  readonly isInternal?: true;
}

/**
 * The metadata of settings. One entry of a schema says everything:
 * `z.int().positive().default(3).describe('what it does').register(settingMetadata, { flag: 'steps', placeholder: 'count' })`.
 */
export const settingMetadata = z.registry<SettingMetadata>();

/** For `SettingMetadata.idle`: the reason where it holds. */
export function idleWhere(isIdle: boolean, why: string): string | undefined {
  return isIdle ? why : undefined;
}
