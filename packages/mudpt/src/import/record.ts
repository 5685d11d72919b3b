/** The record in a run's configuration of the checkpoint that it was imported from. */
import * as z from 'zod';

export const importedSchema = z.strictObject({
  /** Absolute path. */
  file: z.string().min(1),
  /** SHA-256 of the file. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'is no SHA-256'),
});

export type Imported = z.infer<typeof importedSchema>;

/** A sentence's part: which file, and which contents. */
export function describeImported({ file, sha256 }: Imported): string {
  return `${file} (sha256 ${sha256})`;
}
