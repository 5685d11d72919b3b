/** Results as JSON or CSV, written as they come. */
import { csvLine, printableJson } from '../printable.ts';

export type Format = 'json' | 'jsonl' | 'csv';

/** One value of a column. Lists become columns `name_0`, `name_1`, ... in CSV. */
export type Cell = string | number | readonly (string | number)[];
export type Entry = Readonly<Record<string, Cell>>;

/** Turns entries of one form into text, piece by piece. */
export class Writer {
  private count = 0;
  private hasHead = false;

  constructor(
    private readonly format: Format,
    private readonly write: (text: string) => void,
  ) {}

  /** Writes one result: `json` as an element of one array or as a line, `rows` as lines of CSV. */
  add(json: unknown, rows: readonly Entry[]): void {
    if (this.format === 'json') this.write(`${this.count === 0 ? '[\n' : ',\n'}${printableJson(json)}`);
    else if (this.format === 'jsonl') this.write(`${printableJson(json)}\n`);
    else {
      const [first] = rows;
      if (!this.hasHead && first) this.write(`${csvLine(columns(first))}\r\n`);
      this.hasHead = true;
      for (const row of rows) this.write(`${csvLine(Object.values(row).flat())}\r\n`);
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
