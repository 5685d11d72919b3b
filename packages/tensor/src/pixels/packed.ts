/** Images in the form that kernels read: one word per pixel. */
import type { Storage } from '../engine/storage.ts';

/** Packed pixels: a word each, red in its lowest byte. The caller releases the storage. */
export type Pixels = { readonly width: number; readonly height: number; readonly rowWords: number; readonly storage: Storage };
