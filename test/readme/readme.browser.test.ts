import { describe, expect, it } from 'vitest';
import { type Example, examples } from './examples.ts';

type Message = { readonly line?: string; readonly error?: string; readonly done?: boolean };

/** Runs an example in a worker, which shares no module with this page, and collects what it prints. */
function run({ name }: Example): Promise<string> {
  const worker = new Worker(`/@id/readme-example:${name}?import`, { type: 'module' });
  const lines: string[] = [];
  return new Promise<string>((resolve, reject) => {
    worker.addEventListener('message', ({ data }: MessageEvent<Message>) => {
      if (data.line !== undefined) lines.push(data.line);
      else if (data.error !== undefined) reject(new Error(data.error));
      else resolve(lines.join('\n'));
    });
    worker.addEventListener('error', ({ message }) => reject(new Error(message || `the worker of ${name} did not start`)));
  }).finally(() => worker.terminate());
}

describe('the examples of the READMEs, each a worker', () => {
  it.each(examples.map((example) => [`${example.page}: ${example.name}`, example] as const))('%s', async (_, example) => {
    expect(await run(example)).toMatch(example.prints);
  });
});
