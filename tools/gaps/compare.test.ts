import { expect, it } from 'vitest';
import { type Counterparts, coverage, type Names, plain } from './compare.ts';
import counterparts from './counterparts.json' with { type: 'json' };
import jax from './jax-js.json' with { type: 'json' };
import onnx from './onnx.json' with { type: 'json' };
import tfjs from './tfjs.json' with { type: 'json' };
import torch from './torch.json' with { type: 'json' };

it('finds a name as it is, under another name, as a composition, or not at all', () => {
  const table: Counterparts = {
    same: { clip: 'clamp', softsign: 'abs+div', hardtanh: 'missing|clamp', odd: 'abs+missing' },
    outside: ['If'],
  };
  expect(
    coverage(['logical_and', 'Clip', 'Softsign', 'hardtanh', 'odd', 'If', 'eig'], ['logicalAnd', 'clamp', 'abs', 'div'], table),
  ).toEqual({
    direct: ['logical_and', 'Clip', 'hardtanh'],
    composed: ['Softsign'],
    none: ['odd', 'eig'],
  });
  expect(plain('linalg.gramSchmidt')).toBe('gramschmidt');
});

it('the table names what the libraries have', () => {
  const { same, outside }: Counterparts = counterparts;
  const all = [onnx, torch, jax, tfjs].flatMap(({ names }: Names) => names);
  const known = new Set(all.map(plain));
  expect(Object.keys(same).filter((name) => !known.has(name))).toEqual([]);
  expect(outside.filter((name) => !all.includes(name))).toEqual([]);
});
