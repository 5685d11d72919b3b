/**
 * `pnpm --dir tools words [folder]`: the project's words are the field's. Reports retired ones in identifiers, comments, kernels and file names,
 * each with the word to say instead. What people read on a screen (string literals) is left to its author.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import jsTokens from 'js-tokens';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Not in comments, nor as a word of an identifier or a file name. */
const RETIRED: readonly (readonly [string, string, string?])[] = [
  ['behind', 'after, below, or what it is'],
  ['economy', 'rematerialization, checkpointing or memory budget'],
  ['economise', 'rematerialize, or save memory'],
  ['patiently', 'what is waited for'],
  ['doubts', 'validation, or duplicates'],
  ['wording', 'prompt template'],
];

/** Not as an identifier, or as a word of one; in a comment they are plain English. */
const RETIRED_NAMES: typeof RETIRED = [
  ['picture', 'image'],
  ['pictures', 'images'],
  ['pace', 'throughput'],
  ['eager', 'the name that flash attention has for it', '.wgsl'],
  ['handed', 'the name that flash attention has for it', '.wgsl'],
];

/** Not as a whole identifier. */
const RETIRED_IDENTIFIERS = new Map([['own', 'what it is: its parameters, the method it belongs to...']]);

/** A complaint and its line, from 1. */
export type Complaint = { readonly line: number; readonly complaint: string };

/** The words of an identifier or a path: camelCase, PascalCase, snake_case and kebab-case taken apart, in lower case. */
export function wordsOf(name: string): string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .split(/[^A-Za-z]+/)
    .filter(Boolean)
    .map((word) => word.toLowerCase());
}

const say = (word: string, instead: string): string => `"${word}": say ${instead}`;

/** Complaints about a name in a file whose name ends with `extension`. */
export function complaintsOfName(name: string, extension: string): string[] {
  const words = new Set(wordsOf(name));
  const whole = RETIRED_IDENTIFIERS.get(name);
  return [
    ...(whole ? [say(name, whole)] : []),
    ...[...RETIRED, ...RETIRED_NAMES]
      .filter(([word, , only]) => words.has(word) && (!only || only === extension))
      .map(([word, instead]) => say(word, instead)),
  ];
}

/** Complaints about a comment. */
export function complaintsOfComment(text: string): string[] {
  return RETIRED.filter(([word]) => new RegExp(`\\b${word}\\b`, 'i').test(text)).map(([word, instead]) => say(word, instead));
}

/** Complaints about TypeScript or JavaScript, with their lines. */
export function checkScript(text: string): Complaint[] {
  const found: Complaint[] = [];
  let line = 1;
  for (const { type, value } of jsTokens(text)) {
    if (type.endsWith('Comment')) {
      value.split('\n').forEach((part, i) => {
        for (const complaint of complaintsOfComment(part)) found.push({ line: line + i, complaint });
      });
    } else if (type === 'IdentifierName' || type === 'PrivateIdentifier') {
      for (const complaint of complaintsOfName(value.replace(/^#/, ''), '.ts')) found.push({ line, complaint });
    }
    line += value.split('\n').length - 1;
  }
  return found;
}

/** Complaints about WGSL, with their lines: retired words, and names that are neither snake_case nor, for types and constants, their convention. */
export function checkKernel(text: string): Complaint[] {
  const found: Complaint[] = [];
  text.split('\n').forEach((line, i) => {
    const at = line.indexOf('//');
    const code = at < 0 ? line : line.slice(0, at);
    const comment = at < 0 ? '' : line.slice(at);
    for (const complaint of complaintsOfComment(comment)) found.push({ line: i + 1, complaint });
    for (const name of code.match(/[A-Za-z_]\w*/g) ?? []) {
      for (const complaint of complaintsOfName(name, '.wgsl')) found.push({ line: i + 1, complaint });
    }
    for (const [, name = ''] of code.matchAll(/\b(?:fn|let|var(?:<[^>]*>)?)\s+([A-Za-z_]\w*)/g)) {
      if (/[a-z][A-Z]/.test(name)) found.push({ line: i + 1, complaint: `"${name}": WGSL names are snake_case` });
    }
  });
  return found;
}

/** Complaints about one tracked file. */
function check(file: string): string[] {
  const found: Complaint[] = complaintsOfName(file, '').map((complaint) => ({ line: 0, complaint }));
  const text = readFileSync(join(ROOT, file), 'utf8');
  if (/\.(ts|mts|mjs)$/.test(file)) found.push(...checkScript(text));
  if (file.endsWith('.wgsl')) found.push(...checkKernel(text));
  return found.map(({ line, complaint }) => `${file}${line ? `:${line}` : ''}: ${complaint}`);
}

if (process.argv[1] && import.meta.url.endsWith(process.argv[1].split('/').at(-1) ?? '')) {
  const only = process.argv.slice(2);
  const files = execFileSync('git', ['ls-files', '-c', '-o', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' })
    .split('\n')
    .filter((file) => /^(packages|shaders|bench|scripts|test|tools|docs|examples)\//.test(file))
    .filter((file) => !/tools\/words|\/generated\.ts$|\/fixtures\//.test(file))
    .filter((file) => only.length === 0 || only.some((start) => file.startsWith(start)))
    .filter((file) => existsSync(join(ROOT, file)));
  const complaints = files.flatMap(check);
  for (const complaint of complaints) console.log(complaint);
  console.log(`${files.length} files, ${complaints.length} retired words`);
  process.exitCode = complaints.length > 0 ? 1 : 0;
}
