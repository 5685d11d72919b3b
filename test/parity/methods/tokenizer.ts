/**
 * A tokenizer that knows the texts of one golden: its ids are explicit, so methods get them through the words they would write. "words" are
 * the initial words, a number is a class name, and the text before it tells the template: "template 2 1." is class 1 in template 2. "new 1" is
 * class 1 of the second set of classes, "description 2 1" sentence 2 of class 1.
 */
import type { MethodContext } from 'mudpt';
import { Unsupported } from '../options.ts';
import type { MethodCase } from './case.ts';
import { lastOf, nth } from '@mudpt/tensor/internal';

export const TEMPLATE_NAME = 'template';

export function goldenTokenizer(golden: MethodCase, classes: number): MethodContext['tokenizer'] {
  const row = (name: string, index: number): number[] => {
    const { shape, values } = golden.host(name);
    const length = lastOf(shape);
    return Array.from(values.slice(index * length, (index + 1) * length));
  };
  const encode = (written: string, { specialTokens = true }: { readonly specialTokens?: boolean } = {}): number[] => {
    const ids = withMarks(written.trim());
    return specialTokens ? ids : ids.slice(1, -1);
  };
  const withMarks = (text: string): number[] => {
    if (text === '') return [golden.number('sot'), golden.number('eot')];
    if (text === 'words') return untilEnd(row('input.ctx_token_ids', 0));
    const [, sentence, described] = /^description (\d+) (\d+)$/.exec(text) ?? [];
    if (sentence !== undefined)
      return untilEnd(row('input.description_token_ids', Number(sentence) * classes + Number(described)));
    const [, isNewName, name] = /^(new )?(\d+)$/.exec(text) ?? [];
    if (name !== undefined) return Array.from({ length: 2 + nameLength(golden, ofSet(isNewName), Number(name)) }, () => 0);
    const [, template, isNew, label] = /(?:template (\d+) )?(new )?(\d+)\.$/.exec(text) ?? [];
    if (label === undefined) throw new Unsupported(`the golden has no ids for the text "${text}"`);
    const count = isNew === undefined ? classes : newClasses(golden).length;
    if (template !== undefined) return untilEnd(row(templatesOf(golden, ofSet(isNew)), Number(template) * count + Number(label)));
    return untilEnd(row(`${ofSet(isNew)}token_ids`, Number(label)));
  };
  return { encode, decode: (ids) => Array.from(ids, (id) => `#${id}`).join(' ') };
}

/** The texts of a set of classes under every template; a golden whose texts have templates alone calls those of the second set its texts. */
function templatesOf({ tensors }: MethodCase, set: string): string {
  return tensors.has(`${set}template_token_ids`) ? `${set}template_token_ids` : `${set}token_ids`;
}

/** Names of the second set of classes. */
export function newClasses(golden: MethodCase): string[] {
  const name = templatesOf(golden, 'input.new_');
  return Array.from({ length: golden.host(name).shape.at(-2) ?? 0 }, (_, label) => `new ${label}`);
}

/** What the names of the inputs of a set of classes begin with. */
function ofSet(isNew: string | undefined): string {
  return isNew === undefined ? 'input.' : 'input.new_';
}

function nameLength(golden: MethodCase, set: string, label: number): number {
  const name = `${set}name_lens`;
  return golden.tensors.has(name) ? nth(golden.host(name).values, label) : 0;
}

function untilEnd(ids: readonly number[]): number[] {
  return ids.slice(0, ids.indexOf(Math.max(...ids)) + 1);
}
