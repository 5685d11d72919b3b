/** Examples in READMEs: a fenced block after `<!-- example: NAME -->` is a program, NAME its file name. */

/** The program called `name` in a page of Markdown. @throws Error when the page has none */
export function exampleOf(markdown: string, name: string): string {
  const marker = `<!-- example: ${name} -->\n`;
  const start = markdown.indexOf(marker);
  const block = /^```\w*\n([\s\S]*?)^```$/m.exec(markdown.slice(start + marker.length));
  if (start < 0 || !block?.[1] || block.index !== 0) throw new Error(`the page has no block marked ${marker.trim()}`);
  return block[1];
}

/** What running an example must print. */
export type Example = { readonly page: string; readonly name: string; readonly prints: RegExp };

const GLIDER = ['......#.', '.......#', '.....###'].map((row) => row.replaceAll('.', '\\.')).join('\\n');

/** The examples that run in Node and in Chromium. */
export const examples: readonly Example[] = [
  { page: 'packages/tensor/README.md', name: 'node.mjs', prints: /^\[ ?2, ?2 ?\][\s\S]*\b0 tensors left$/ },
  { page: 'packages/tensor/README.md', name: 'browser.mjs', prints: new RegExp(GLIDER) },
  { page: 'packages/tensor/README.md', name: 'kernel.mjs', prints: /2, ?4, ?6/ },
  { page: 'packages/autograd/README.md', name: 'xor.ts', prints: /^0\.00\d+$/ },
  { page: 'packages/onnx/README.md', name: 'line.mjs', prints: /^\[ ?2, ?1 ?\] ?\[ ?\[ ?2\.5 ?\], ?\[ ?6\.5 ?\] ?\]$/ },
  {
    page: 'packages/clip/README.md',
    name: 'clip.ts',
    prints: /^(red|blue|a very long name of a colour): 0\.\d{3}(\n.+: 0\.\d{3}){2}$/,
  },
  { page: 'packages/mudpt/README.md', name: 'learn.ts', prints: /^loss 0\.\d{3}\nloss 0\.\d{3}\nloss 0\.[0-3]\d{2}$/ },
];
