/** NumPy's .npy, version 1.0: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
import { StreamedFile } from '../files/streamed-file.ts';

/** A matrix of f32 that grows row by row; its header, which holds the number of rows, is rewritten at the end. */
export class NpyFile {
  private readonly file: StreamedFile;
  private rows = 0;
  private isBegun = false;

  /** @param op what errors name */
  constructor(
    op: string,
    path: string,
    private readonly columns: number,
  ) {
    this.file = new StreamedFile(op, path);
  }

  /** @param rows of `columns` numbers each */
  async add(rows: readonly Float32Array[]): Promise<void> {
    await this.begin();
    const values = new Float32Array(rows.length * this.columns);
    for (const [index, row] of rows.entries()) values.set(row, index * this.columns);
    this.rows += rows.length;
    await this.file.write(new Uint8Array(values.buffer));
  }

  async finish(): Promise<void> {
    await this.begin();
    await this.file.write({ at: 0, bytes: npyHead([this.rows, this.columns]) });
    await this.file.finish();
  }

  discard(): Promise<void> {
    return this.file.discard();
  }

  private async begin(): Promise<void> {
    if (this.isBegun) return;
    this.isBegun = true;
    await this.file.write(npyHead([0, this.columns]));
  }
}

/** Two blocks of 64, into which every number of rows and columns fits. */
const HEAD_BYTES = 128;

function npyHead(shape: readonly [rows: number, columns: number]): Uint8Array<ArrayBuffer> {
  const description = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')}), }`;
  // Magic, version and length take 10 bytes; the numbers begin at a multiple of 64.
  const length = HEAD_BYTES - 10;
  const bytes = new Uint8Array(HEAD_BYTES);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, length & 255, length >> 8]);
  bytes.set(new TextEncoder().encode(`${description.padEnd(length - 1)}\n`), 10);
  return bytes;
}
