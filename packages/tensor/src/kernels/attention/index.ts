/** Fused attention: what other packages use. */
export {
  attention,
  attentionBackward,
  type AttentionBackwardInputs,
  attentionForward,
  type AttentionGradients,
} from '../../ops/attention.ts';
export type { AttentionOptions, AttentionPrefix } from './problem.ts';
export {
  attentionQkv,
  attentionQkvBackward,
  type AttentionQkvBackwardInputs,
  attentionQkvForward,
  type AttentionQkvGradients,
} from '../../ops/attention-qkv.ts';
export { PackedSequences, packedSequences, packedSequencesOnDevice, sequencesOf } from './sequences.ts';
export { attentionUnfused } from '../../ops/attention-unfused.ts';
