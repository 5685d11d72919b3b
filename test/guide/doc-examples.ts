/** Examples of docstrings (`@example`) as one program. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Code after `@example` in the docstrings of a file, up to the next tag. */
export function examplesOf(text: string): string[] {
  return [...text.matchAll(/\/\*\*[\s\S]*?\*\//g)].flatMap(([comment]) =>
    [...comment.replaceAll(/^\s*\*(?: |$)/gm, '').matchAll(/^@example\n([\s\S]*?)(?=^@|\s*\*?\/$)/gm)].map(([, code = '']) =>
      code.trim(),
    ),
  );
}

/**
 * A program that runs the examples in the sources below `folders` one after another, each in a scope of its own with `device` open; names come from the packages that
 * export them.
 */
export function exampleProgram(
  root: string,
  folders: readonly string[],
  packages: Readonly<Record<string, object>>,
): { readonly program: string; readonly count: number } {
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
      .map((file) => join(folder, file)),
  );
  const examples = files.sort().flatMap((file) => examplesOf(readFileSync(join(root, file), 'utf8')));
  const text = examples.join('\n');
  const taken = new Set<string>();
  const imports = Object.entries(packages).map(([name, module]) => {
    const used = Object.keys(module).filter((key) => new RegExp(`(?<![.\\w])${key}\\b`).test(text) && !taken.has(key));
    for (const key of used) taken.add(key);
    return used.length === 0
      ? ''
      : `import { ${used.filter((key) => key !== 'Device' && key !== 'scope').join(', ')} } from '${name}';`;
  });
  const bodies = examples.map((code) => `await scope(async () => {\n${code}\n});`);
  const program = [
    "import { Device, scope } from '@mudpt/tensor';",
    ...imports,
    'const device = await Device.open();',
    ...bodies,
    'device.dispose();',
  ].join('\n');
  return { program, count: examples.length };
}
