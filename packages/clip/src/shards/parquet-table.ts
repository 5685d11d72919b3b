/** A Parquet file written row group by row group. */
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { SchemaElement } from 'hyparquet';
import { StreamedFile } from '../files/streamed-file.ts';

/** Columns by their names: text, whole numbers, f32, and lists of text or f32. Any value may be missing, text of `id` excepted. */
export type ColumnType = 'id' | 'text' | 'i32' | 'f32' | 'texts' | 'f32s';
/** The columns of a table by name. */
export type Columns = Readonly<Record<string, ColumnType>>;
/** A row of a table by the names of its columns. */
export type TableRow = Readonly<Record<string, string | number | readonly string[] | Float32Array | null>>;

/** Rows of a group, which are in memory at once. */
const GROUP_ROWS = 1024;

const TEXT = { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } } as const;

const list = (name: string, element: Omit<SchemaElement, 'name'>): SchemaElement[] => [
  { name, repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  { name: 'element', repetition_type: 'REQUIRED', ...element },
];

const ELEMENTS: Readonly<Record<ColumnType, (name: string) => SchemaElement[]>> = {
  id: (name) => [{ name, repetition_type: 'REQUIRED', ...TEXT }],
  text: (name) => [{ name, repetition_type: 'OPTIONAL', ...TEXT }],
  i32: (name) => [{ name, repetition_type: 'OPTIONAL', type: 'INT32' }],
  f32: (name) => [{ name, repetition_type: 'OPTIONAL', type: 'FLOAT' }],
  texts: (name) => list(name, TEXT),
  f32s: (name) => list(name, { type: 'FLOAT' }),
};

/** A Parquet file that is written row by row. */
export class ParquetTable {
  private readonly file: StreamedFile;
  private readonly bytes: FlushedBytes;
  private readonly writer: ParquetWriter;
  private rows: TableRow[] = [];

  /** @param op what errors name */
  constructor(
    op: string,
    path: string,
    private readonly columns: Columns,
  ) {
    this.file = new StreamedFile(op, path);
    this.bytes = new FlushedBytes(this.file);
    const names = Object.entries(columns);
    const schema: SchemaElement[] = [
      { name: 'root', num_children: names.length },
      ...names.flatMap(([name, type]) => ELEMENTS[type](name)),
    ];
    this.writer = new ParquetWriter({ writer: this.bytes, schema, createdBy: 'mudpt' });
  }

  async add(rows: readonly TableRow[]): Promise<void> {
    for (const row of rows) {
      this.rows.push(row);
      if (this.rows.length === GROUP_ROWS) await this.writeGroup();
    }
  }

  /** Writes the rest and gives the file its name. */
  async finish(): Promise<void> {
    if (this.rows.length > 0) await this.writeGroup();
    await this.writer.finish();
    await this.file.finish();
  }

  /** Removes what was written, unless it is finished. */
  discard(): Promise<void> {
    return this.file.discard();
  }

  private async writeGroup(): Promise<void> {
    const { rows } = this;
    this.rows = [];
    const columnData = Object.entries(this.columns).map(([name, type]) => ({
      name,
      data: rows.map((row) => asValue(row[name])),
      // Features do not compress, and their minima and maxima help nobody.
      ...(type === 'f32s' && { codec: 'UNCOMPRESSED' as const, encoding: 'PLAIN' as const, statistics: false }),
    }));
    await this.writer.write({ columnData, rowGroupSize: GROUP_ROWS });
  }
}

/** The writer takes lists as plain arrays. */
function asValue(value: TableRow[string] | undefined): unknown {
  return value instanceof Float32Array ? Array.from(value) : (value ?? null);
}

/** Bytes that go to a file after each row group. */
class FlushedBytes extends ByteWriter {
  constructor(private readonly file: StreamedFile) {
    super();
  }

  async flush(): Promise<void> {
    // The buffer is written over by the next group.
    const bytes = this.getBytes().slice();
    this.index = 0;
    if (bytes.length > 0) await this.file.write(bytes);
  }

  override finish(): Promise<void> {
    return this.flush();
  }
}
