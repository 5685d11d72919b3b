/** Text of `generated.ts` from the `.wgsl` files of a folder and those below it: one entry a file, by its path, so that any bundler can carry them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';

export function generate(folder: string): string {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => name.split(sep).join('/'))
    .filter((name) => name.endsWith('.wgsl'))
    .sort();
  const entries = files.map((file) => {
    const text = readFileSync(join(folder, file), 'utf8').replace(/\r\n/g, '\n');
    return `  ${JSON.stringify(file)}: ${JSON.stringify(text)},`;
  });
  return [
    '// Generated from shaders/wgsl by `pnpm shaders`. Do not edit.',
    'export const wgsl = {',
    ...entries,
    '} as const;',
    'export type ShaderName = keyof typeof wgsl;',
    '',
  ].join('\n');
}
