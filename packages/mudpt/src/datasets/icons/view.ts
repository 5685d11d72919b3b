/** How the down-stream sets show icons, and the embedded model's validation with them. */
import type { View } from './render.ts';

/** 64 pixels, the embedded model's size, on white. */
export const VIEW: View = { size: 64, background: '#ffffff', scale: 0.9 };
