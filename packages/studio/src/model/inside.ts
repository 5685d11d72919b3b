/** What was learnt, looked at: where prompts enter, and the words nearest to them. */
import type { Clip } from '@mudpt/clip';
import { layoutOf, type Method } from 'mudpt/core';
import { nearestWords } from 'mudpt/report';
import type { InsideFacts } from '../worker/protocol.ts';

export async function insideOf(clip: Clip, method: Method): Promise<InsideFacts> {
  if (method.kind !== 'prompts') return { layout: undefined, words: [] };
  const words = await nearestWords(method, clip.tower('text'), await clip.tokenizer());
  return { layout: layoutOf(method.spec, method.example), words };
}
