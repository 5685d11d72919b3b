/** Opening of a data set by its definition: path, defaults from its contents, and validation. */
import { join } from 'node:path';
import { InputError } from '@mudpt/tensor';
import type { Dataset } from '../data/dataset.ts';
import type { DatasetDefinition, OpenOptions } from '../data/definition.ts';
import { exists } from '../data/files.ts';
import { validateDataset } from '../data/validation.ts';

/**
 * Opens a data set by its definition.
 * @param at root of all data sets, for one that is known by its name; the path to read, for one with `recognizes`
 * @throws InputError when it is missing, or the result is no valid data set; errors of `read`
 */
export async function openDefinition(definition: DatasetDefinition, at: string, options: OpenOptions = {}): Promise<Dataset> {
  const place = definition.recognizes ? at : await placeOf(definition, at);
  const { name, template, ...contents } = await definition.read(place, options);
  const dataset: Dataset = {
    warnings: [],
    ...contents,
    name: options.name ?? name ?? definition.name,
    template: options.template ?? template ?? definition.template,
  };
  validateDataset(dataset);
  return dataset;
}

/** The folder of a data set that is known by its name. @throws InputError when it is missing */
async function placeOf({ name, folder = name, generated = false, source }: DatasetDefinition, root: string): Promise<string> {
  const place = join(root, folder);
  if (generated || (await exists(place))) return place;
  throw new InputError(
    name,
    `${place} is not there`,
    `${source === undefined ? 'put the data set there,' : `arrange the data sets as ${source},`} or pass the folder that has ${folder} in it as --root (now ${root})`,
  );
}
