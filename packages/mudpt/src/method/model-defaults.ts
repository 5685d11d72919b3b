/** Settings that nobody asked for, as a base model wants them: how the embedded one is trained, and counts of layers that a small one has. */
import type { Setting } from '../settings/fields.ts';
import type { TrainingInput, TrainingSettings } from './training-settings.ts';

/**
 * Training settings where the configuration is silent and the base model is the embedded one. The published ones were made for ViT-B/16 on
 * photographs; these were chosen on validation images of the icons: larger batches at a rate to match, and crops that leave a small drawing whole.
 */
export function embeddedTraining({ optimizer, batchSize }: TrainingSettings): TrainingInput {
  // Methods that are trained on features, or on one image at a time, keep what was published for them.
  if (optimizer !== 'sgd' || batchSize === 1) return {};
  return { batchSize: 32, epochs: 20, lr: 0.06, cropScale: [0.6, 1] };
}

/** A method's settings that count layers may have defaults beyond a small model's. Those that nobody asked for are lowered to what there is. */
export function settingsForLayers(
  method: string,
  fields: readonly Setting[],
  values: Readonly<Record<string, unknown>>,
  asked: Readonly<Record<string, unknown>>,
  layers: number,
): { settings: Record<string, unknown>; notes: string[] } {
  const settings = { ...values };
  const notes: string[] = [];
  for (const { name, metadata } of fields) {
    const value = settings[name];
    if (metadata.counts !== 'layers' || typeof value !== 'number' || value <= layers || asked[name] !== undefined) continue;
    settings[name] = layers;
    notes.push(`${name} is ${layers}, not ${method}'s usual ${value}: the model has ${layers} layers`);
  }
  return { settings, notes };
}
