/** Which methods can be run, by the name in a golden's metadata. */
import type { MethodRunner } from './case.ts';
import { coprompt } from './coprompt.ts';
import { cocoop, coop, ivlp, maple, mudptLinear, mudptTransformer, promptsrc, umudpt, vpt } from './family.ts';
import { lpplus } from './lp-plus-plus.ts';
import { prolip } from './prolip.ts';
import { clipAdapter, kgcoop, prograd, taskres } from './successors.ts';
import { clipLora, mma, mmrl, tcp } from './towers.ts';
import { tipAdapter } from './tip-adapter.ts';
import { zeroshotClip, zeroshotEnsemble } from './zeroshot.ts';

const METHODS: Readonly<Record<string, MethodRunner>> = {
  zeroshot_clip: zeroshotClip,
  zeroshot_ensemble: zeroshotEnsemble,
  coop,
  cocoop,
  vpt,
  ivlp,
  maple,
  promptsrc,
  umudpt,
  mudpt_linear: mudptLinear,
  mudpt_transformer: mudptTransformer,
  tip_adapter: tipAdapter,
  kgcoop,
  lpplus,
  prolip,
  prograd,
  taskres,
  tcp,
  clip_lora: clipLora,
  mma,
  mmrl,
  clip_adapter: clipAdapter,
  coprompt,
};

/** Names of the methods that have a runner. */
export const METHOD_NAMES: readonly string[] = Object.keys(METHODS);

/** The runner of `method`, or of the method it is a case of: `coop_csc_front` is a `coop`. Options are in the metadata. */
export function runnerOf(method: string): MethodRunner | undefined {
  const known = Object.keys(METHODS).filter((name) => method === name || method.startsWith(`${name}_`));
  const [longest] = known.sort((a, b) => b.length - a.length);
  return longest === undefined ? undefined : METHODS[longest];
}
