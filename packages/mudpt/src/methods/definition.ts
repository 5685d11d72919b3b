import type { z } from 'zod';
import type { Method, MethodContext } from './method.ts';
import type { TrainingInput, TrainingSettings } from './presets.ts';

/** A method and its published hyper-parameters. */
export interface MethodDefinition<S = unknown> {
  readonly name: string;
  /** As papers write it. */
  readonly title: string;
  /** One sentence: what is learnt. */
  readonly summary: string;
  /** What the method itself reads; parsing `{}` gives the published defaults. */
  readonly settings: z.ZodType<S>;
  /** How it is trained; parsing `{}` gives the published defaults. Undefined: there is no gradient training by the trainer. */
  readonly training: z.ZodType<TrainingSettings, TrainingInput> | undefined;
  /** Published settings for other tasks, by name ("cross-dataset"): what differs from the defaults. */
  readonly variants: Readonly<Record<string, MethodVariant>>;
  create(context: MethodContext, settings: S): Method;
}

export type MethodVariant = {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly training?: Partial<TrainingSettings>;
};

/** For a registry of methods with settings of different types: `create` parses what it is given. */
export function defineMethod<S>(definition: MethodDefinition<S>): MethodDefinition {
  return { ...definition, create: (context, settings) => definition.create(context, definition.settings.parse(settings)) };
}
