/** The table of `bench:compare` in bench/README.md. */
const MARKS = ['<!-- compare -->\n', '<!-- /compare -->'] as const;

/** Times of one program on one engine, in milliseconds. */
export type Times = { readonly first: number; readonly step: number };

/** A line of the table. */
export type Line = {
  readonly problem: string;
  readonly engine: string;
  readonly lines: number;
  readonly bytes: number;
  readonly node: Times;
  /** Absent without a browser. */
  readonly page: Times | undefined;
};

const shown = (value: number): string => (value < 100 ? value.toPrecision(3) : value.toFixed(0));

/** The table as Markdown: a row for each program and engine, the best of each program's columns in bold. */
export function tableOf(lines: readonly Line[]): string {
  const columns: readonly ((line: Line) => number | undefined)[] = [
    ({ lines: count }) => count,
    ({ bytes }) => Math.round(bytes / 1000),
    ({ node }) => node.first,
    ({ node }) => node.step,
    ({ page }) => page?.first,
    ({ page }) => page?.step,
  ];
  const row = (line: Line, isFirst: boolean): string => {
    const rivals = lines.filter(({ problem }) => problem === line.problem);
    const cells = columns.map((column, index) => {
      const value = column(line);
      if (value === undefined) return '';
      const best = Math.min(...rivals.map((rival) => column(rival) ?? Number.POSITIVE_INFINITY));
      const text = index < 2 ? String(value) : shown(value);
      return value === best ? `**${text}**` : text;
    });
    return `| ${[isFirst ? line.problem : '', line.engine, ...cells].join(' | ')} |\n`;
  };
  return [
    '| program | engine | lines | bundle, kB | Node: first step, ms | a step, ms | page: first step, ms | a step, ms |\n',
    '|---|---|---:|---:|---:|---:|---:|---:|\n',
    ...lines.map((line, index) => row(line, lines[index - 1]?.problem !== line.problem)),
  ].join('');
}

/** `page` with the table. */
export function withTable(page: string, text: string): string {
  const [open, close] = MARKS;
  const start = page.indexOf(open) + open.length;
  const end = page.indexOf(close);
  if (start < open.length || end < start) throw new Error(`the page has no ${open.trim()} ... ${close}`);
  return `${page.slice(0, start)}\n${text}\n${page.slice(end)}`;
}
