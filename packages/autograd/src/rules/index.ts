/** All gradient rules, which the main entry registers. A new file of rules gets an import here and a place in the list. */
import type { OpRule } from '../rule.ts';
import * as adjoints from './adjoints.ts';
import * as attention from './attention.ts';
import * as channelNorm from './channel-norm.ts';
import * as conv from './conv.ts';
import * as distance from './distance.ts';
import * as dropout from './dropout.ts';
import * as einsum from './einsum.ts';
import * as fft from './fft.ts';
import * as gather from './gather.ts';
import * as gridSample from './grid-sample.ts';
import * as linalg from './linalg.ts';
import * as loss from './loss.ts';
import * as matmul from './matmul.ts';
import * as norm from './norm.ts';
import * as order from './order.ts';
import * as pointwise from './pointwise.ts';
import * as pointwiseGradient from './pointwise-gradient.ts';
import * as reduce from './reduce.ts';
import * as resize from './resize.ts';
import * as rope from './rope.ts';
import * as views from './views.ts';

const isRule = (value: unknown): value is OpRule => typeof value === 'object' && value !== null && 'use' in value;

/** Every rule and composition, for derivatives of any order. An import of this carries all of them into a bundle. */
export const allRules: readonly OpRule[] = [
  adjoints,
  attention,
  channelNorm,
  conv,
  distance,
  dropout,
  einsum,
  fft,
  gather,
  gridSample,
  linalg,
  loss,
  matmul,
  norm,
  order,
  pointwise,
  pointwiseGradient,
  reduce,
  resize,
  rope,
  views,
].flatMap((rules) => Object.values(rules).filter(isRule));
