/** Pieces of settings that several methods share. */
import { z } from 'zod';
import { MethodError } from './errors.ts';

export const initWords = (words = 'a photo of a') =>
  z.string().default(words).describe('words the first text prompts begin with; empty: random numbers');

export const length = (rows: number) => z.int().positive().default(rows).describe('learnt rows in a text or image');

export const depth = (layers: number) =>
  z.int().positive().default(layers).describe('layers that take learnt rows, the input counted as the first');

/** @throws MethodError when a tower has fewer blocks than `depth` */
export function expectDepth(method: string, setting: string, depthSetting: number, tower: string, layers: number): void {
  if (depthSetting <= layers) return;
  throw new MethodError(
    method,
    `${setting} is ${depthSetting}, and the ${tower} tower has ${layers} blocks`,
    `set ${setting} to at most ${layers}`,
  );
}
