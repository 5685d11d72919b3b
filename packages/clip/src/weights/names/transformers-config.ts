/** A folder of transformers: config.json of a whole model or of one tower, and preprocessor_config.json. */
import type { ClipConfig } from '../../config.ts';
import { fromHuggingFace } from './hugging-face-config.ts';
import { recordOf } from './json.ts';
import { fromPreprocessor } from './preprocessing.ts';

/** Types of a tower saved by itself: the model's type, and its section there. */
const TOWER_TYPES: Readonly<Record<string, readonly [type: 'clip' | 'siglip', section: string]>> = {
  clip_text_model: ['clip', 'text_config'],
  clip_vision_model: ['clip', 'vision_config'],
  siglip_text_model: ['siglip', 'text_config'],
  siglip_vision_model: ['siglip', 'vision_config'],
};

/**
 * Reads a config.json of transformers: of a whole model, or of one tower saved by itself (the other one is taken as transformers' default).
 * @param preprocessor preprocessor_config.json, which says how images are prepared
 */
export function fromTransformers(json: unknown, preprocessor?: unknown): ClipConfig {
  const config = modelConfig(json);
  return { ...config, ...fromPreprocessor(preprocessor, config.image.architecture ?? 'clip') };
}

function modelConfig(json: unknown): ClipConfig {
  const root = recordOf(json);
  const [type, section] = TOWER_TYPES[String(root['model_type'])] ?? [];
  if (type === undefined || section === undefined) return fromHuggingFace(json);
  const sections = type === 'siglip' ? towerSection(section, root) : { [section]: root };
  return fromHuggingFace({ model_type: type, projection_dim: root['projection_dim'], ...sections });
}

/** A SigLIP tower's features have the width of the other one, which is not there. */
function towerSection(section: string, root: Readonly<Record<string, unknown>>): object {
  if (section === 'vision_config')
    return { vision_config: root, text_config: { projection_size: root['hidden_size'] ?? undefined } };
  const embed = root['projection_size'] ?? root['hidden_size'];
  return { text_config: root, vision_config: { ...(embed !== undefined && { hidden_size: embed, num_attention_heads: 1 }) } };
}
