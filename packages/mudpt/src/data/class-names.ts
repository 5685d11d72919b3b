/** Class names: normalisation to words of a prompt. */
import { InputError } from '@mudpt/tensor';

/** Underscores become spaces, as all methods of the family have it. */
export function readableName(className: string): string {
  return className.replaceAll('_', ' ');
}

/**
 * The template with a class name in it.
 * @param nameOf what the name is written as; default: with spaces for underscores
 * @throws InputError for a template without `{}`
 */
export function fillTemplate(template: string, className: string, nameOf = readableName): string {
  if (!template.includes('{}'))
    throw new InputError('template', `"${template}" has no place for the class name`, 'write {} where the name belongs');
  return template.replaceAll('{}', () => nameOf(className));
}
