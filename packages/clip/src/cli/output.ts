/** Results as JSON or CSV, written as they come. */

export type Format = 'json' | 'csv';

/** One value of a column. Lists become columns `name_0`, `name_1`, ... in CSV. */
export type Cell = string | number | readonly number[];
export type Entry = Readonly<Record<string, Cell>>;

/** Turns entries of one form into text, piece by piece. */
export class Writer {
  private count = 0;

  constructor(
    private readonly format: Format,
    private readonly write: (text: string) => void,
  ) {}

  /** Writes one result: `json` as an element of one array, `rows` as lines of CSV. */
  add(json: unknown, rows: readonly Entry[]): void {
    if (this.format === 'json') this.write(`${this.count === 0 ? '[\n' : ',\n'}${JSON.stringify(json)}`);
    else {
      const [first] = rows;
      if (this.count === 0 && first) this.write(line(columns(first)));
      for (const row of rows) this.write(line(Object.values(row).flat()));
    }
    this.count += 1;
  }

  end(): void {
    if (this.format === 'json') this.write(this.count === 0 ? '[]\n' : '\n]\n');
  }
}

function columns(entry: Entry): string[] {
  return Object.entries(entry).flatMap(([name, value]) =>
    typeof value === 'object' ? value.map((_, index) => `${name}_${index}`) : [name],
  );
}

/** RFC 4180: quotes where the value needs them. */
function line(values: readonly (string | number)[]): string {
  const quoted = values.map((value) => {
    const text = String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  });
  return `${quoted.join(',')}\r\n`;
}
