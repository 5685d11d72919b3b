/** Method definitions, the entries of the registry: name, settings, presets and factory. */
import { randomFrom } from '@mudpt/autograd';
import type { z } from 'zod';
import type { CreationContext, Method, MethodContext } from './method.ts';
import type { MethodVariant, PublishedSettings } from './published.ts';
import type { TrainingInput, TrainingSettings } from './training-settings.ts';

/** A method and its published hyper-parameters. */
export interface MethodDefinition<S = unknown> {
  readonly name: string;
  /** As papers write it. */
  readonly title: string;
  /** One sentence on what is learnt. */
  readonly summary: string;
  /** Settings of the method; parsing `{}` gives the published defaults. */
  readonly settings: z.ZodType<S>;
  /** How it is trained; parsing `{}` gives the published defaults. Undefined: there is no gradient training by the trainer. */
  readonly training: z.ZodType<TrainingSettings, TrainingInput> | undefined;
  /** Whether its context must have a `teacher`, which the setting of that name gives. Default false. */
  readonly needsTeacher?: boolean;
  /** false: its loss reads no labels, so that a sweep may train it on images of more classes than the others, or on more of each. Default true. */
  readonly readsLabels?: false;
  /** Whether, with these settings, it reads sentences about the classes where its context has some. Default: never. */
  readsDescriptions?(settings: Readonly<Record<string, unknown>>): boolean;
  /** Published settings by protocol, data set and shots (`--protocol`); later ones win. Default: nothing was published beside the defaults. */
  readonly published?: readonly PublishedSettings[];
  /** Other published forms, by name (`--variant`): what differs from the defaults. */
  readonly variants: Readonly<Record<string, MethodVariant>>;
  /** @param context a {@link CreationContext} when another method creates this one as a part: it brings the random stream */
  create(context: MethodContext | CreationContext, settings: S): Method;
}

/** A method as its file states it: `create` gets parsed settings, and the stream that all of its initial values come from. */
export interface MethodStatement<S> extends Omit<MethodDefinition<S>, 'create'> {
  create(context: CreationContext, settings: S): Method;
}

/**
 * For a registry of methods with settings of different types: `create` parses its argument, and begins the context's stream of random
 * numbers where it has none yet. That is the only place where one begins, so no two tensors of a method can start with the same numbers.
 */
export function defineMethod<S>(statement: MethodStatement<S>): MethodDefinition {
  return {
    ...statement,
    create: (context, settings) =>
      statement.create(
        'random' in context ? context : { ...context, random: randomFrom(context.seed) },
        statement.settings.parse(settings),
      ),
  };
}
