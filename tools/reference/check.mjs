#!/usr/bin/env node
// node tools/reference/check.mjs
//
// Reads the site that `pnpm site` has built: fails for links that lead nowhere, and lists the exports that have no docstring.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SITE = fileURLToPath(new URL('../../site', import.meta.url));
const REFERENCE = 4194304; // typedoc's kind of an export that another entry lists

/** @typedef {{ name: string, kind: number, comment?: { summary: unknown[] }, signatures?: Entry[], type?: { declaration?: Entry }, children?: Entry[] }} Entry */

/** @param {Entry | undefined} entry @returns {boolean} */
const isDocumented = (entry) =>
  entry !== undefined &&
  ((entry.comment?.summary.length ?? 0) > 0 ||
    (entry.signatures ?? []).some(isDocumented) ||
    isDocumented(entry.type?.declaration));

/** @type {Entry} */
const reference = JSON.parse(readFileSync(join(SITE, 'reference.json'), 'utf8'));
const exported = (reference.children ?? []).flatMap((entry) =>
  (entry.children ?? []).filter(({ kind }) => kind !== REFERENCE).map((one) => ({ one, name: `${entry.name}: ${one.name}` })),
);
const silent = exported.filter(({ one }) => !isDocumented(one)).map(({ name }) => name);
console.log(`${exported.length} exports, ${silent.length} without docstring\n${silent.join('\n')}`);

const pages = readdirSync(SITE, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.html'));
const texts = new Map(pages.map((page) => [page, readFileSync(join(SITE, page), 'utf8')]));
const anchors = new Map(
  [...texts].map(([page, text]) => [
    page,
    new Set([...text.matchAll(/\s(?:id|name)="([^"]+)"/g)].map(([, name = '']) => decodeURIComponent(name))),
  ]),
);

/** Whether there is a file, and in a page the place, that a link of `page` leads to. @param {string} page @param {string} target */
function isAlive(page, target) {
  const [path = '', place = ''] = decodeURIComponent(target)
    .replace(/\?[^#]*/, '')
    .split('#');
  const file = path === '' ? page : join(dirname(page), path);
  if (!existsSync(join(SITE, file))) return false;
  return place === '' || !anchors.has(file) || (anchors.get(file)?.has(place) ?? false);
}

const dead = [...texts].flatMap(([page, text]) =>
  [...text.matchAll(/\s(?:href|src)="([^"]+)"/g)]
    .map(([, target = '']) => target.replaceAll('&amp;', '&'))
    .filter((target) => !/^[a-z]+:/i.test(target) && !isAlive(page, target))
    .map((target) => `${page} -> ${target}`),
);
console.log(`${pages.length} pages, ${dead.length} dead links\n${dead.join('\n')}`);
if (dead.length > 0) process.exitCode = 1;
