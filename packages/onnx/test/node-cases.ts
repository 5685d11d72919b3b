/** How many of ONNX's backend node tests pass, and why the others do not, as the README tells it. */

/** Why a case does not pass: refused with a message, or other numbers or shapes than expected. */
export type CaseResult = { readonly kind: 'passed' } | { readonly kind: 'refused' | 'wrong'; readonly text: string };

/** Marks in the README around what is made here. */
const MARKS = ['<!-- node cases -->\n', '<!-- /node cases -->'] as const;

/** Operators whose numbers are drawn: another generator gives others. */
const DRAWN = /^test_(?:bernoulli|training_dropout)/;

const TINY = /float8\w*|float4\w*|to type (?:1[7-9]|2[034])\b/;

/** The kind of reason for which a case does not pass. */
export function reasonOf(name: string, result: CaseResult): string | undefined {
  if (result.kind === 'passed') return undefined;
  if (result.kind === 'wrong') return DRAWN.test(name) ? 'numbers drawn by another generator' : 'wrong numbers';
  const { text } = result;
  if (TINY.test(text)) return 'floats of 4 and 8 bits';
  if (/ai\.onnx\.(?:ml|preview)/.test(text)) return 'other domains: `ai.onnx.ml`, `ai.onnx.preview`';
  if (/String|Regex|holds string/.test(text)) return 'strings';
  if (/Optional|Sequence/.test(text)) return 'sequences and optionals';
  if (/read from opset/.test(text)) return 'older operators than opset 7, or 9 of `Scan`';
  return 'others';
}

/** @param without cases that have values that are no tensors, and are not run */
export function caseTable(version: string, all: number, without: number, results: ReadonlyMap<string, CaseResult>): string {
  const reasons = new Map<string, string[]>();
  let passed = 0;
  for (const [name, result] of results) {
    const reason = reasonOf(name, result);
    if (reason === undefined) passed += 1;
    else reasons.set(reason, [...(reasons.get(reason) ?? []), name]);
  }
  const rows = [...reasons].toSorted(([, one], [, other]) => other.length - one.length);
  const list = (reason: string, names: readonly string[]): string =>
    reason === 'others' || reason === 'wrong numbers' ? `: ${names.map((name) => name.replace('test_', '')).join(', ')}` : '';
  return [
    `| of ${all} cases of onnx ${version} | |\n| --- | --- |\n`,
    `| pass | ${passed} |\n`,
    ...rows.map(([reason, names]) => `| ${reason}${list(reason, names)} | ${names.length} |\n`),
    `| values that are sequences, optionals or maps; not run | ${without} |\n`,
  ].join('');
}

/** `page` with the table. */
export function withCases(page: string, table: string): string {
  const [open, close] = MARKS;
  const start = page.indexOf(open) + open.length;
  const end = page.indexOf(close);
  if (start < open.length || end < start) throw new Error(`the page has no ${open.trim()} ... ${close}`);
  return `${page.slice(0, start)}\n${table}\n${page.slice(end)}`;
}
