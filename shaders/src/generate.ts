/**
 * Text of `generated.ts` from the `.wgsl` files of a folder and those below it: one constant a file, so that bundlers carry those that are used. Comments
 * and blanks between tokens are left out, line breaks stay.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';

/** `gemm/block.wgsl`: gemmBlockWgsl. */
export function shaderName(file: string): string {
  return file.replace(/\.wgsl$/, 'Wgsl').replace(/[^A-Za-z0-9]+(\w)/g, (_, first: string) => first.toUpperCase());
}

/** The text without comments and the blanks before them, of as many lines. */
export function withoutComments(text: string): string {
  return text.replace(/[ \t]*\/\/.*$/gm, '').replace(/[ \t]+$/gm, '');
}

/**
 * Whether a blank between two characters tells tokens from one another: two words, or two operators. What an expression `${...}` gives may be a word or a
 * type, and may begin with a sign; a brace after which a blank stands may be the end of one.
 */
function isNeeded(before: string, after: string): boolean {
  if (after === '$') return /[\w}&-]/.test(before);
  if (before === '}') return /[\w=>]/.test(after);
  return /^(?:\w\w|[-+*/%=!<>&|^~]{2})$/.test(before + after);
}

/** The code without the blanks that can be missed; text in quotes keeps its own. */
function squeezed(code: string): string {
  return code
    .split(/ *("[^"]*") */)
    .map((part, index) =>
      index % 2 === 1
        ? part
        : part.replace(/(\S) +(?=(\S))/g, (_, before: string, after: string) => before + (isNeeded(before, after) ? ' ' : '')),
    )
    .join('');
}

/** The text without indentation and the blanks that tell no token from another, of as many lines. */
export function withoutBlanks(text: string): string {
  return text
    .split('\n')
    .map((line) => {
      const [, keyword = '', code = ''] = /^\s*(#(?:if|elif|let|for)\b ?|#.*)?(.*?)\s*$/.exec(line) ?? [];
      return keyword + squeezed(code);
    })
    .join('\n');
}

/** The line of a header that names sample variants, or says that there are none. */
function variantsLine(text: string): string {
  return /^\/\/ (?:Compile:.*|Include only\.)$/m.exec(text)?.[0] ?? '';
}

export function generate(folder: string): string {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => name.split(sep).join('/'))
    .filter((name) => name.endsWith('.wgsl'))
    .sort();
  const texts = new Map(files.map((file) => [file, readFileSync(join(folder, file), 'utf8').replace(/\r\n/g, '\n')]));
  const constants: string[] = [];
  const written = new Set<string>();
  /** After those it includes, which its constant names. */
  const write = (file: string, includedBy: readonly string[] = []): void => {
    if (includedBy.includes(file)) throw new Error(`${[...includedBy, file].join(' includes ')}`);
    const text = texts.get(file);
    if (text === undefined) throw new Error(`${includedBy.at(-1)} includes ${file}, and there is no such file`);
    if (written.has(file)) return;
    const includes = [...new Set([...text.matchAll(/^\s*#include "([^"]+)"/gm)].map(([, name = '']) => name))].sort();
    for (const name of includes) write(name, [...includedBy, file]);
    written.add(file);
    const fields = `file: ${JSON.stringify(file)}, text: ${JSON.stringify(withoutBlanks(withoutComments(text)))}, includes: [${includes.map(shaderName).join(', ')}]`;
    constants.push(`export const ${shaderName(file)}: Shader = { ${fields} };`);
  };
  for (const file of files) write(file);
  return [
    '// Generated from shaders/wgsl by `pnpm shaders`. Do not edit.',
    "import type { Shader } from './shader.ts';",
    '',
    ...constants,
    '',
    '/** All of them by file. Whatever imports this carries them all. */',
    'export const wgsl = {',
    ...files.map((file) => `  ${JSON.stringify(file)}: ${shaderName(file)},`),
    '} as const;',
    '',
    '/** The line of each header about its sample variants, for tests. */',
    'export const variantsOf: Readonly<Record<keyof typeof wgsl, string>> = {',
    ...files.map((file) => `  ${JSON.stringify(file)}: ${JSON.stringify(variantsLine(texts.get(file) ?? ''))},`),
    '};',
    '',
  ].join('\n');
}
