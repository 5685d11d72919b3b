/** `pnpm onnx:gaps`: writes the table of operators into the README, and prints it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { operatorTable, withTable } from '../test/coverage.ts';

const page = new URL('../README.md', import.meta.url);
writeFileSync(page, withTable(readFileSync(page, 'utf8')));
console.log(operatorTable());
