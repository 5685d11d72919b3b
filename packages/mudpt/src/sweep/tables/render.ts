/** Tables as text, Markdown, CSV and LaTeX. Nothing in them depends on when or where they were made. */
import { csvLine } from '@mudpt/clip';
import { table as aligned } from '../../terminal/text.ts';
import { DECIMALS, GAP, type Row, type Table, type Value } from './table.ts';

export const FORMATS = ['text', 'markdown', 'csv', 'latex'] as const;
export type Format = (typeof FORMATS)[number];
export const EXTENSIONS: Readonly<Record<Format, string>> = { text: 'txt', markdown: 'md', csv: 'csv', latex: 'tex' };

/** The text of a gap. */
const DASH = '–';

export function render(table: Table, format: Format): string {
  return { text: asText, markdown: asMarkdown, csv: asCsv, latex: asLatex }[format](table);
}

/** Rows of cells, the heading first. */
function cells(table: Table, value: (value: Value, row: Row) => string, plain: (text: string) => string): string[][] {
  const { columns, hasParts, rows } = table;
  const heading = ['method', ...(hasParts ? [''] : []), ...columns, 'to zero-shot', 'sets below'].map(plain);
  return [
    heading,
    ...rows.map((row) => [
      plain(row.title),
      ...(hasParts ? [plain(row.part)] : []),
      ...table.columns.map((_, column) => value(row.values[column] ?? GAP, row)),
      row.gain ? signed(row.gain) : '',
      row.below ?? '',
    ]),
  ];
}

function number({ mean, spread, isPartial }: Value, plusMinus: string, isSigned: boolean): string {
  if (mean === undefined) return DASH;
  const text = isSigned ? signed({ mean, spread, isPartial }) : mean.toFixed(DECIMALS);
  return `${text}${spread === undefined ? '' : `${plusMinus}${spread.toFixed(DECIMALS)}`}${isPartial ? '*' : ''}`;
}

function signed({ mean }: Value): string {
  if (mean === undefined) return DASH;
  return `${mean < 0 ? '' : '+'}${mean.toFixed(DECIMALS)}`;
}

const isDifference = ({ title }: Row): boolean => title.trim() === 'difference';

function asText(table: Table): string {
  const marks = { best: '▲', second: '△' } as const;
  const rows = cells(
    table,
    (value, row) => `${number(value, ' ± ', isDifference(row))}${value.rank ? ` ${marks[value.rank]}` : '  '}`,
    (text) => text,
  );
  const right = Array.from({ length: rows[0]?.length ?? 0 }, (_, column) => column).slice(table.hasParts ? 2 : 1);
  const isAnyRanked = table.rows.some(({ values }) => values.some(({ rank }) => rank));
  const notes = [...(isAnyRanked ? ['▲ best, △ second'] : []), ...table.notes];
  return [table.title, '', ...aligned(rows, { right, most: Number.POSITIVE_INFINITY }), '', ...notes, ''].join('\n');
}

function asMarkdown(table: Table): string {
  const escape = (text: string): string => text.trim().replaceAll('|', String.raw`\|`);
  const written = (value: Value, row: Row): string => {
    const text = number(value, ' ± ', isDifference(row)).replace('*', String.raw`\*`);
    return value.rank === 'best' ? `**${text}**` : value.rank === 'second' ? `<u>${text}</u>` : text;
  };
  const [heading = [], ...rows] = cells(table, written, escape);
  const line = (row: readonly string[]): string => `| ${row.join(' | ')} |`;
  const rule = heading.map((_, column) => (column < (table.hasParts ? 2 : 1) ? '---' : '---:'));
  const notes = table.notes.map((note) => note.replace(/^\*/, String.raw`\*`));
  return [
    `**${table.title}**`,
    '',
    line(heading),
    line(rule),
    ...rows.map(line),
    '',
    ...notes.map((note) => `${note}  `),
    '',
  ].join('\n');
}

/** Means and spreads in columns of their own, at full precision. */
function asCsv(table: Table): string {
  const heading = ['method', 'part', ...table.columns.flatMap((name) => [name, `${name} ±`]), 'to zero-shot', 'sets below'];
  const digits = (value: number | undefined): string => (value === undefined ? '' : value.toFixed(6));
  const rows = table.rows.map(({ title, part, values, gain, below }) => [
    title.trim(),
    part,
    ...values.flatMap(({ mean, spread }) => [digits(mean), digits(spread)]),
    digits(gain?.mean),
    below ?? '',
  ]);
  return `${[heading, ...rows].map(csvLine).join('\n')}\n`;
}

/** For booktabs. */
function asLatex(table: Table): string {
  const escape = (text: string): string =>
    text
      .replaceAll('\\', String.raw`\textbackslash `)
      .replace(/[&%$#_{}]/g, String.raw`\$&`)
      .replaceAll('~', String.raw`\textasciitilde `);
  const written = (value: Value, row: Row): string => {
    const text = number(value, String.raw` $\pm$ `, isDifference(row)).replace(DASH, '--').replace('*', '$^*$');
    return value.rank === 'best' ? `\\textbf{${text}}` : value.rank === 'second' ? `\\underline{${text}}` : text;
  };
  const [heading = [], ...rows] = cells(table, written, escape);
  const line = (row: readonly string[]): string => `${row.map((cell) => cell.trim()).join(' & ')} \\\\`;
  const left = table.hasParts ? 2 : 1;
  const body = rows.flatMap((row, index) => {
    const isNextPart = index > 0 && table.rows[index]?.part !== table.rows[index - 1]?.part;
    return [...(isNextPart ? [String.raw`\midrule`] : []), line(row)];
  });
  return [
    `% ${table.title}`,
    ...table.notes.map((note) => `% ${note}`),
    `\\begin{tabular}{${'l'.repeat(left)}${'r'.repeat(heading.length - left)}}`,
    String.raw`\toprule`,
    line(heading),
    String.raw`\midrule`,
    ...body,
    String.raw`\bottomrule`,
    String.raw`\end{tabular}`,
    '',
  ].join('\n');
}
