/** Appearance of icons in the down-stream sets and in the embedded model's validation. */
import type { View } from './render.ts';

/** 64 pixels, the embedded model's size, on white. */
export const VIEW: View = { size: 64, background: '#ffffff', scale: 0.9 };
