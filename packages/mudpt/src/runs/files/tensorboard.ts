/**
 * Scalars for TensorBoard: an event file is a row of TFRecords, each a protobuf `Event`.
 *
 * Sources: tensorflow/core/util/event.proto, summary.proto; tensorflow/core/lib/io/record_writer.h (length, masked CRC32C of it, data,
 * masked CRC32C of that).
 */
import { appendFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { InputError } from '@mudpt/tensor';
import { joinBytes } from '@mudpt/tensor/internal';

/** SessionLog { status = 1: START }, field 7 of an Event. */
const SESSION_START = Uint8Array.of(1 << 3, 1);

/** Appends to one event file. A resumed run begins another one in the same folder; TensorBoard shows them as one. */
export class EventFile {
  readonly path: string;
  private begun = false;

  constructor(
    folder: string,
    private readonly now: () => number = () => Date.now() / 1000,
  ) {
    this.path = join(folder, `events.out.tfevents.${Math.floor(now())}.${hostname()}.${process.pid}`);
  }

  /** Adds scalars of one step. @throws InputError when the file cannot be written */
  async add(step: number, scalars: Readonly<Record<string, number>>): Promise<void> {
    const records: Uint8Array[] = [];
    // The first event of a file is its version; the second one starts a session, which makes TensorBoard drop later steps of earlier files.
    if (!this.begun)
      records.push(
        record(event(this.now(), 0, text(3, 'brain.Event:2'))),
        record(event(this.now(), step, bytes(7, SESSION_START))),
      );
    this.begun = true;
    const values = Object.entries(scalars).map(([tag, value]) => bytes(1, joinBytes([text(1, tag), float(2, value)])));
    records.push(record(event(this.now(), step, bytes(5, joinBytes(values)))));
    try {
      await appendFile(this.path, joinBytes(records));
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new InputError(
        'tensorboard',
        `${this.path} cannot be written (${why})`,
        'free some space, or set tensorboard to false',
        { cause },
      );
    }
  }
}

/** Event { double wall_time = 1; int64 step = 2; ... } */
function event(time: number, step: number, content: Uint8Array): Uint8Array {
  const seconds = new Uint8Array(9);
  seconds[0] = (1 << 3) | 1;
  new DataView(seconds.buffer).setFloat64(1, time, true);
  return joinBytes([seconds, Uint8Array.of(2 << 3), varint(step), content]);
}

function text(field: number, value: string): Uint8Array {
  return bytes(field, new TextEncoder().encode(value));
}

function bytes(field: number, value: Uint8Array): Uint8Array {
  return joinBytes([Uint8Array.of((field << 3) | 2), varint(value.length), value]);
}

function float(field: number, value: number): Uint8Array {
  const data = new Uint8Array(5);
  data[0] = (field << 3) | 5;
  new DataView(data.buffer).setFloat32(1, value, true);
  return data;
}

function varint(value: number): Uint8Array {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) | 128);
  out.push(rest);
  return Uint8Array.from(out);
}

/** A TFRecord. */
export function record(data: Uint8Array): Uint8Array {
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(data.length), true);
  return joinBytes([length, masked(length), data, masked(data)]);
}

function masked(data: Uint8Array): Uint8Array {
  const crc = crc32c(data);
  const value = (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, value, true);
  return out;
}

/** CRC-32C (Castagnoli), bit by bit: events are short. */
export function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
