/**
 * Golden texts, `{cases: [{text, ids}]}`: every text must get exactly these ids of OpenAI's tokenizer without its ftfy step. Texts with
 * separate accents are left out: OpenAI's ids of them are those after ftfy, which joins letter and accent.
 */
import { readFile } from 'node:fs/promises';
import { createTokenizer } from '@mudpt/clip';
import type { FileResult } from './report.ts';

/** How many differing texts are shown. */
const SHOWN = 10;

interface Text {
  readonly text: string;
  readonly ids: readonly number[];
}

/** Runs all texts; the error is the part of them that differs. @throws Error when the file is not of this form */
export async function runTokenizerFile(path: string): Promise<FileResult> {
  const all = readTexts(await readFile(path, 'utf8'));
  const texts = all.filter(({ text }) => text === text.normalize('NFC'));
  if (texts.length === 0) throw new Error('all texts have separate accents, whose ids follow from ftfy');
  const tokenizer = await createTokenizer({ mode: 'openai' });
  const differing = texts.filter(({ text, ids }) => tokenizer.encode(text).join() !== ids.join());
  const notes = differing
    .slice(0, SHOWN)
    .map(({ text, ids }) => `${JSON.stringify(text)} gave [${tokenizer.encode(text).join()}], [${ids.join()}] is expected`);
  const verdict = {
    tensor: 'ids',
    error: differing.length / texts.length,
    note: differing.length > 0 ? `${differing.length} differ: ${notes.join('; ')}` : undefined,
    passed: differing.length === 0,
  };
  const left = all.length - texts.length;
  const name = `${texts.length} texts${left > 0 ? ` (${left} with separate accents left out)` : ''}`;
  return { path, cases: [{ name, tensors: [verdict] }] };
}

function readTexts(content: string): Text[] {
  const file: unknown = JSON.parse(content);
  const cases: unknown = isRecord(file) ? file['cases'] : undefined;
  if (!Array.isArray(cases) || cases.length === 0) throw new Error('"cases" is not a list with entries');
  return cases.map((entry: unknown, index) => {
    const { text, ids } = isRecord(entry) ? entry : {};
    const isList = Array.isArray(ids) && ids.every((id): id is number => typeof id === 'number');
    if (typeof text !== 'string' || !isList) throw new Error(`case ${index} has no text or no ids`);
    return { text, ids };
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
