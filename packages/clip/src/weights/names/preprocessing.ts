/** How images are prepared, from preprocessor_config.json and open_clip's preprocess_cfg. */
import { FormatError } from '@mudpt/tensor';
import type { ClipConfig } from '../../config.ts';
import { CLIP_MEAN, CLIP_RESIZING, CLIP_STD, type Resizing } from '../../preprocess/index.ts';
import { isRecord, type JsonRecord, recordOf, tripleOf } from './json.ts';

/** What a config adds about images; values that are CLIP's are left out. */
type Preprocessing = Pick<ClipConfig, 'normalization' | 'resizing'>;

/** Whose preparation is taken where no file says otherwise. */
type Architecture = NonNullable<ClipConfig['image']['architecture']>;

/** SigLIP's preprocessing where no file says otherwise. */
const SIGLIP: Required<Preprocessing> = {
  normalization: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  resizing: { mode: 'squash', interpolation: 'bicubic' },
};

/** Pillow's numbers of filters. */
const RESAMPLE: Readonly<Record<number, Resizing['interpolation']>> = { 2: 'bilinear', 3: 'bicubic' };

/**
 * From preprocessor_config.json. @param json undefined where there is none: the architecture's
 * @throws FormatError for a filter other than bilinear and bicubic
 */
export function fromPreprocessor(json: unknown, architecture: Architecture): Preprocessing {
  const otherwise: Preprocessing = architecture === 'siglip' ? SIGLIP : {};
  const settings = recordOf(json);
  const { image_mean: mean, image_std: std, resample, size } = settings;
  const interpolation = resample === undefined || resample === null ? undefined : RESAMPLE[Number(resample)];
  if (resample !== undefined && resample !== null && interpolation === undefined)
    throw new FormatError(
      'fromPreprocessor',
      `preprocessor_config.json: resample is ${JSON.stringify(resample)}`,
      'use 2 (bilinear) or 3 (bicubic)',
    );
  const isSquashed = isRecord(size) ? 'height' in size && 'width' in size : undefined;
  const mode = isSquashed === undefined ? otherwise.resizing?.mode : isSquashed ? 'squash' : 'shortest';
  return preprocessing(
    tripleOf(mean),
    tripleOf(std),
    { mode, interpolation: interpolation ?? otherwise.resizing?.interpolation },
    otherwise,
  );
}

/** The preprocessor_config.json that transformers reads as this. */
export function toPreprocessor({ image, normalization, resizing }: ClipConfig): Record<string, unknown> {
  const { mean, std } = { mean: CLIP_MEAN, std: CLIP_STD, ...normalization };
  const { mode, interpolation } = resizing ?? CLIP_RESIZING;
  const square = { height: image.size, width: image.size };
  const isSquashed = mode === 'squash';
  return {
    image_processor_type: image.architecture === 'siglip' ? 'SiglipImageProcessor' : 'CLIPImageProcessor',
    do_resize: true,
    size: isSquashed ? square : { shortest_edge: image.size },
    resample: interpolation === 'bilinear' ? 2 : 3,
    do_center_crop: !isSquashed,
    ...(!isSquashed && { crop_size: square }),
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: mean,
    image_std: std,
    do_convert_rgb: true,
  };
}

/** From open_clip_config.json's preprocess_cfg. @throws FormatError for a mode or a filter that is not known */
export function fromPreprocessCfg(json: unknown, architecture: Architecture): Preprocessing {
  const settings = recordOf(json);
  const otherwise: Preprocessing = architecture === 'siglip' ? SIGLIP : {};
  const given = oneOf(settings, 'resize_mode', { shortest: 'shortest', squash: 'squash' } as const);
  const mode = given ?? otherwise.resizing?.mode;
  // `random` is torchvision's word for either in training; evaluation takes bicubic then.
  const interpolation = oneOf(settings, 'interpolation', {
    bicubic: 'bicubic',
    bilinear: 'bilinear',
    random: 'bicubic',
  } as const);
  return preprocessing(tripleOf(settings['mean']), tripleOf(settings['std']), { mode, interpolation }, otherwise);
}

function oneOf<T>(settings: JsonRecord, name: string, known: Readonly<Record<string, T>>): T | undefined {
  const value = settings[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string' && Object.hasOwn(known, value)) return known[value];
  throw new FormatError(
    'fromOpenClip',
    `preprocess_cfg.${name} is ${JSON.stringify(value)}`,
    `use a model with one of ${Object.keys(known).join(', ')}`,
  );
}

type Triple = ReturnType<typeof tripleOf>;

function preprocessing(
  mean: Triple,
  std: Triple,
  { mode = 'shortest', interpolation = 'bicubic' }: { [K in keyof Resizing]?: Resizing[K] | undefined },
  otherwise: Preprocessing,
): Preprocessing {
  const normalization = mean && std ? { mean, std } : otherwise.normalization;
  const isClips = mode === 'shortest' && interpolation === 'bicubic';
  return { ...(normalization && { normalization }), ...(!isClips && { resizing: { mode, interpolation } }) };
}
