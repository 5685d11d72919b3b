/** Validation of data sets: class names, labels and template. */
import { InputError } from '@mudpt/tensor';
import { readableName } from './class-names.ts';
import { counted, type Dataset, someOf, SPLITS } from './dataset.ts';

const EMPTY_WORDS = /^(?:n\d{8}|[\d\s._-]+|.|(?:class|label|category|folder|new folder|untitled folder|cls|c)[\s_-]*\d*)$/i;

/** Class names that mean nothing to a text encoder, with advice. */
export function validateClassNames(classNames: readonly string[], fix: string): string[] {
  const warnings: string[] = [];
  const empty = classNames.filter((name) => EMPTY_WORDS.test(readableName(name).trim()));
  if (empty.length > 0)
    warnings.push(
      `${counted(empty.length, 'class name says', 'class names say')} nothing about the pictures (${someOf(empty)}), so zero-shot accuracy will be near chance: ${fix}`,
    );
  const seen = new Map<string, string>();
  const repeated: string[] = [];
  for (const name of classNames) {
    const key = readableName(name).toLowerCase();
    if (seen.has(key)) repeated.push(`"${name}"`);
    seen.set(key, name);
  }
  if (repeated.length > 0)
    warnings.push(
      `${counted(repeated.length, 'class name occurs', 'class names occur')} twice, so zero-shot cannot tell those classes apart: ${someOf(repeated)}`,
    );
  return warnings;
}

/**
 * Checks that labels are places in `classNames`, class names are not empty, and the template has a place for them.
 * @throws InputError naming the data set, the split and the item
 */
export function validateDataset({ name, classNames, template, descriptions, splits }: Dataset): void {
  const fail = (problem: string, fix: string): InputError => new InputError('data', `${name} ${problem}`, fix);
  const unnamed = classNames.findIndex((className) => typeof className !== 'string' || className.trim() === '');
  if (unnamed >= 0) throw fail(`has no name for class ${unnamed}`, 'give every class a name');
  if (typeof template !== 'string' || !template.includes('{}'))
    throw fail(
      `has the template "${String(template)}", which has no place for the class name`,
      'write {} where the name belongs',
    );
  if (descriptions && descriptions.length !== classNames.length)
    throw fail(
      `has descriptions of ${descriptions.length} classes, and ${counted(classNames.length, 'class', 'classes')}`,
      'give a list of sentences for every class, in their order',
    );
  const undescribed = descriptions?.findIndex((sentences) => sentences.length === 0) ?? -1;
  if (undescribed >= 0)
    throw fail(`has no sentence for ${classNames[undescribed]}`, 'give every class a sentence, or no descriptions');
  for (const split of SPLITS) {
    if (!Array.isArray(splits[split]))
      throw fail(`has no list of ${split} items`, 'give an empty list for a split that is not there');
    const stranger = splits[split].find(({ label }) => !Number.isInteger(label) || label < 0 || label >= classNames.length);
    if (stranger)
      throw fail(
        `gives ${stranger.id} in ${split} the label ${stranger.label}, and has ${counted(classNames.length, 'class', 'classes')}`,
        'a label is the place of the class in classNames, counted from 0',
      );
  }
}
