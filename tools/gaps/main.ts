/**
 * `pnpm gaps`: counts the functions of ONNX, PyTorch, jax-js and tfjs that have no counterpart among the exports of @mudpt/tensor and @mudpt/autograd, and
 * writes docs/breadth.md. The names of the others are data files with their source; counterparts.json says what is called otherwise here.
 */
import { writeFileSync } from 'node:fs';
import * as autograd from '@mudpt/autograd';
import * as tensor from '@mudpt/tensor';
import before from './before.json' with { type: 'json' };
import { coverage, type Names } from './compare.ts';
import counterparts from './counterparts.json' with { type: 'json' };
import jax from './jax-js.json' with { type: 'json' };
import onnx from './onnx.json' with { type: 'json' };
import tfjs from './tfjs.json' with { type: 'json' };
import torch from './torch.json' with { type: 'json' };

const PEERS: Readonly<Record<string, Names>> = { ONNX: onnx, PyTorch: torch, 'jax-js': jax, tfjs };
const exported = [...Object.keys(tensor), ...Object.keys(autograd)];

const rows = Object.entries(PEERS).map(([peer, { names, version }]) => {
  const [then, now] = [coverage(names, before.names, counterparts), coverage(names, exported, counterparts)];
  const compared = now.direct.length + now.composed.length + now.none.length;
  const counts = ({ direct, composed, none }: typeof now): string => `${direct.length} / ${composed.length} / **${none.length}**`;
  return { peer, none: now.none, line: `| ${peer} ${version} | ${compared} | ${counts(then)} | ${counts(now)} |` };
});

const text = `# Breadth

What other libraries offer and this engine does not, counted by \`pnpm gaps\` from the exports of \`@mudpt/tensor\` and \`@mudpt/autograd\`. Each cell: names with one
function here / names that are a composition of a few / **names with neither**. "Before" is ${before.source.replace('exports of @mudpt/tensor and @mudpt/autograd at ', '')}.

| library | names compared | before | now |
|---|---|---|---|
${rows.map(({ line }) => line).join('\n')}

Names come from:

${Object.entries(PEERS)
  .map(([peer, { source }]) => `- ${peer}: ${source}`)
  .join('\n')}

Not compared are control flow, texts, sequences, complex and quantised numbers. A counterpart does the same on what both accept; options may differ.

## Names with neither

${rows.map(({ peer, none }) => `**${peer}**: ${none.map((name) => `\`${name}\``).join(', ') || 'none'}.`).join('\n\n')}
`;
writeFileSync(new URL('../../docs/breadth.md', import.meta.url), text);
console.log(rows.map(({ line }) => line).join('\n'));
