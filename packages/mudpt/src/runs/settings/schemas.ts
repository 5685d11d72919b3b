/** Where settings are looked up, and which a method has. */
import type * as z from 'zod';
import { type MethodDefinition, methodNamed, methodNames } from '../../methods/index.ts';
import { type Setting, settingsOf } from '../../settings/fields.ts';
import { type RunConfig, runSettings } from './settings.ts';

/** Where settings are looked up: the schema of a run, and those of its method. */
export interface Schemas {
  readonly run: z.ZodObject;
  methodNames(): readonly string[];
  /** @throws MethodError for an unknown name */
  methodNamed(
    name: string,
  ): Pick<MethodDefinition, 'name' | 'title' | 'settings' | 'training' | 'published' | 'variants' | 'readsDescriptions'>;
}

export const SCHEMAS: Schemas = { run: runSettings, methodNames, methodNamed };

/** Where a setting stands in a configuration: at its top, or in one of its two records. */
export type Section = 'run' | 'settings' | 'training';

/** All settings of runs with a method. */
export function settingsFor(method: string, schemas = SCHEMAS): Readonly<Record<Section, readonly Setting[]>> {
  const { settings, training } = schemas.methodNamed(method);
  return {
    run: settingsOf(schemas.run).filter(({ metadata }) => !metadata.isInternal && (training || !metadata.forTraining)),
    settings: settingsOf(settings),
    training: training ? settingsOf(training) : [],
  };
}

/** The values of a section. */
export function valuesOf(config: RunConfig, section: Section): Readonly<Record<string, unknown>> {
  return section === 'run' ? config : config[section];
}
