/**
 * A tokenizer that knows the texts of one golden: its ids are explicit, so methods get them through the words they would write. "words" are
 * the initial words, a number is a class name, and the text before it tells the template: "template 2 1." is class 1 in template 2.
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
  const encode = (text: string): number[] => {
    if (text === '') return [golden.number('sot'), golden.number('eot')];
    if (text === 'words') return untilEnd(row('input.ctx_token_ids', 0));
    const name = /^(\d+)$/.exec(text)?.[1];
    if (name !== undefined) return Array.from({ length: 2 + nameLength(golden, Number(name)) }, () => 0);
    const [, template, label] = /(?:template (\d+) )?(\d+)\.$/.exec(text) ?? [];
    if (label === undefined) throw new Unsupported(`the golden has no ids for the text "${text}"`);
    if (template !== undefined) return untilEnd(row('input.template_token_ids', Number(template) * classes + Number(label)));
    return untilEnd(row('input.token_ids', Number(label)));
  };
  return { encode, decode: (ids) => Array.from(ids, (id) => `#${id}`).join(' ') };
}

function nameLength(golden: MethodCase, label: number): number {
  return golden.tensors.has('input.name_lens') ? nth(golden.host('input.name_lens').values, label) : 0;
}

function untilEnd(ids: readonly number[]): number[] {
  return ids.slice(0, ids.indexOf(Math.max(...ids)) + 1);
}
