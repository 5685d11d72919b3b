/** Image towers of timm that open_clip's configurations name. Sources: timm, eva.py (EVA-02), vision_transformer.py (MobileCLIP-B, SigLIP). */
import type { ImageConfig, TowerConfig } from '../../config.ts';
import { badSetting, numberSetting, type Section } from './open-clip-settings.ts';

/** timm's norms. */
const EPS = 1e-6;

/** Sizes of EVA-02's CLIP towers, whose gated hidden channels are 8 / 3 of the width. */
const EVA_SIZES = {
  base: { width: 768, heads: 12, layers: 12, hidden: 2048 },
  large: { width: 1024, heads: 16, layers: 24, hidden: 2730 },
} as const;

const SIGLIP_SIZES = {
  base: { width: 768, heads: 12, layers: 12, hidden: 3072 },
  large: { width: 1024, heads: 16, layers: 24, hidden: 4096 },
  so400m: { width: 1152, heads: 16, layers: 27, hidden: 4304 },
  giantopt: { width: 1536, heads: 16, layers: 40, hidden: 6144 },
} as const;

type SiglipSize = keyof typeof SIGLIP_SIZES;

/** timm's SigLIP towers by size, side of a patch and sides of images. Those that came with SigLIP 2 have the tanh form of gelu, the others the exact one. */
const SIGLIP_TOWERS: readonly {
  readonly size: SiglipSize;
  readonly patch: number;
  readonly images: readonly number[];
  readonly activation: TowerConfig['activation'];
}[] = [
  { size: 'base', patch: 16, images: [224, 256, 384, 512], activation: 'gelu' },
  { size: 'base', patch: 32, images: [256], activation: 'gelu_tanh' },
  { size: 'large', patch: 16, images: [256, 384], activation: 'gelu' },
  { size: 'large', patch: 16, images: [512], activation: 'gelu_tanh' },
  { size: 'so400m', patch: 14, images: [224, 378, 384], activation: 'gelu' },
  { size: 'so400m', patch: 16, images: [256, 384, 512], activation: 'gelu_tanh' },
  { size: 'giantopt', patch: 16, images: [256, 384], activation: 'gelu_tanh' },
];

/** The tower that `timm_model_name` tells; a pretraining after a dot does not matter. @throws FormatError for one that is not implemented */
export function timmImage(vision: Section): ImageConfig {
  const name = String(vision.values['timm_model_name']);
  const [architecture = ''] = name.split('.');
  const tower = siglip(architecture, vision) ?? eva(architecture, vision) ?? mobileClip(architecture, vision);
  if (tower) return tower;
  throw badSetting(
    'vision_cfg.timm_model_name',
    name,
    'give a model of timm whose image tower is eva02_{base,large}_..._clip_..., vit_base_mci_224, or vit_{base,large,so400m,giantopt}_patch..._siglip_...',
  );
}

function siglip(architecture: string, vision: Section): ImageConfig | undefined {
  const [, size, patch, side] = /^vit_([a-z0-9]+)_patch(\d+)_siglip_(\d+)$/.exec(architecture) ?? [];
  const found = SIGLIP_TOWERS.find(
    (one) => one.size === size && one.patch === Number(patch) && one.images.includes(Number(side)),
  );
  if (!found) return undefined;
  expectHead(vision, 'map');
  return {
    ...SIGLIP_SIZES[found.size],
    activation: found.activation,
    eps: EPS,
    size: numberSetting(vision, 'image_size', Number(side)),
    patch: found.patch,
    architecture: 'siglip',
  };
}

function mobileClip(architecture: string, vision: Section): ImageConfig | undefined {
  if (architecture !== 'vit_base_mci_224') return undefined;
  expectHead(vision, 'token');
  return {
    ...{ width: 768, heads: 12, layers: 12, hidden: 3072, activation: 'gelu', eps: EPS, patch: 16 },
    size: numberSetting(vision, 'image_size', 224),
    architecture: 'mobileclip',
  };
}

function eva(architecture: string, vision: Section): ImageConfig | undefined {
  const [, size, patch, side] = /^eva02_(base|large)_patch(\d+)_clip_(\d+)$/.exec(architecture) ?? [];
  if (size === undefined) return undefined;
  expectHead(vision, 'token');
  return {
    ...EVA_SIZES[size as keyof typeof EVA_SIZES],
    activation: 'gelu',
    eps: EPS,
    size: numberSetting(vision, 'image_size', Number(side)),
    patch: Number(patch),
    architecture: 'eva02',
    // 224 pixels in patches of 14.
    pretrainedSide: 16,
  };
}

/** The class token through the tower's linear head, or SigLIP's pooling (`map`) without a head. */
function expectHead({ values }: Section, expected: 'token' | 'map'): void {
  const { timm_pool: pool, timm_proj: projection } = values;
  if ((pool ?? expected) !== expected) throw badSetting('vision_cfg.timm_pool', pool, `this tower has ${expected}`);
  if (!['', 'none', null, undefined].includes(projection as string | null | undefined))
    throw badSetting('vision_cfg.timm_proj', projection, 'this tower ends without a projection of its wrapper');
}
