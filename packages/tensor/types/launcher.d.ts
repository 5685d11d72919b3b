/** `@mudpt/tensor/launcher`: which WebGPU adapter this machine has, and the environment under which Dawn finds it. */
import type { Device } from '@mudpt/tensor';

/** The last: a CPU adapter of a third kind. */
export type AdapterKind = 'gpu' | 'lavapipe' | 'swiftshader' | 'software';

/** Variables of a process. */
export type Environment = Record<string, string | undefined>;

/** An adapter that works. */
export type Choice = {
  readonly kind: AdapterKind;
  /** What the driver calls the adapter. */
  readonly name: string;
  /** Where it came from. */
  readonly source: string;
  /** The whole environment for the process that opens Dawn. */
  readonly environment: Environment;
};

/** A driver that does not serve. */
export type Refusal = { readonly source: string; readonly reason: string };

/** No adapter, or not the forced one. The message names what was tried and what helps on this system. */
export class NoAdapterError extends Error {}

/** The first adapter that works, or the forced one: gpu, lavapipe, swiftshader or software. @throws NoAdapterError */
export function chooseAdapter(forced: string | undefined): Choice;

/** Every driver of this machine in the order of preference, each tried. Where the environment names a driver, that one alone. */
export function examineAdapters(): (Choice | Refusal)[];

/** The adapters that work, one of each kind, fastest first. */
export function presentAdapters(): Choice[];

/** Lines that tell what to install for an adapter, or for a faster one than those of the kinds that work. */
export function advice(platform: string, working?: readonly string[]): string;

/** Features and limits of a device, as lines. */
export function describeDevice(device: Device): string;

/** Prints what `mudpt-launch doctor` prints and sets the exit code; `program` is what Node runs to report on the chosen adapter. */
export function doctor(forced: string | undefined, program: readonly string[], notes?: readonly string[]): void;

/** Chooses the adapter, starts the command under it, and ends as it ends: what `mudpt-launch` does with its command line. */
export function launch(
  words: readonly string[],
  options?: { readonly name?: string; readonly folder?: string; readonly before?: readonly string[] },
): void;
