/** `pnpm shaders`: writes src/generated.ts from wgsl/. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { generate } from './src/generate.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
writeFileSync(here('./src/generated.ts'), generate(here('./wgsl')));
