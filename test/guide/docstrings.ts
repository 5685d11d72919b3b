/** Public exports that no docstring describes, found by following the re-exports of entries. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const REEXPORT = /export (?:type )?(\*|\{[^}]*\})\s*from '(\.[^']+)'/g;
const DECLARATION = /^export (?:abstract |async )*(?:const|function|class|type|interface) (\w+)/gm;

/** Whether a docstring that says something before its tags ends `before`. */
function isDescribed(before: string): boolean {
  return before.endsWith('*/') && /^\/\*\*[\s*]*[^\s*@]/.test(before.slice(before.lastIndexOf('/**')));
}

/** Exports reached from `entries`, and those of them whose declaration does not follow a docstring, as `file: name`. */
export function undocumented(
  root: string,
  entries: readonly string[],
): { readonly exported: number; readonly silent: readonly string[] } {
  const seen = new Map<string, boolean>();
  const visit = (file: string, names: ReadonlySet<string> | undefined): void => {
    const text = readFileSync(join(root, file), 'utf8');
    for (const [, what = '', target = ''] of text.matchAll(REEXPORT)) {
      const listed = what
        .slice(1, -1)
        .split(',')
        .map(
          (part) =>
            part
              .trim()
              .replace(/^type /, '')
              .split(' as ')[0] ?? '',
        )
        .filter((name) => name !== '' && (!names || names.has(name)));
      visit(join(dirname(file), target), what === '*' ? names : new Set(listed));
    }
    for (const match of text.matchAll(DECLARATION)) {
      const [, name = ''] = match;
      const key = `${file}: ${name}`;
      if ((names && !names.has(name)) || seen.get(key)) continue;
      seen.set(key, isDescribed(text.slice(0, match.index).trimEnd()));
    }
  };
  for (const entry of entries) visit(entry, undefined);
  return { exported: seen.size, silent: [...seen].filter(([, isDocumented]) => !isDocumented).map(([key]) => key) };
}
