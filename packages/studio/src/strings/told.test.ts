import { expect, it } from 'vitest';
import { InputError } from '@mudpt/tensor';
import { pageError, toldOf } from '../worker/rpc.ts';
import { en } from './en.ts';
import { lineOf, wordsOf } from './told.ts';
import { zh } from './zh.ts';

const classes = new InputError('few-shot sampling', '2 classes have no training picture: cat, dog', 'add pictures to them', {
  code: 'training.emptyClasses',
  values: { count: 2, classes: 'cat, dog' },
});

it('errors of the engine are in English as it says them, and in Chinese by their code', () => {
  expect(lineOf(toldOf(classes), en)).toBe('2 classes have no training picture: cat, dog. Add pictures to them.');
  expect(wordsOf(toldOf(classes), zh)).toEqual({
    problem: '2 个类别没有用于学习的图片：cat, dog',
    fix: '请添加图片，或删除这些类别',
  });
  // What has no code is told by its kind, with the engine's own words below.
  expect(wordsOf(toldOf(new InputError('x', 'y is z', 'do w')), zh)).toEqual({
    problem: '给出的内容无法使用',
    detail: 'y is z. do w',
  });
  expect(lineOf(toldOf(pageError('settingWhole', 'depth', '0', '1', '4096')), zh)).toBe(
    'depth 的值 0 无效。请给出整数，不小于 1，不大于 4096。',
  );
});
