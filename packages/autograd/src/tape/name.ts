/** Names of the op that works, for the errors of an outer tape. */
import type { Listener } from '@mudpt/tensor/internal';

/** `listener`, whose errors about kernels say that `name` dispatched them. */
export function inNameOf(name: string, listener: Listener): Listener {
  const { hook, onWork, outer, isTape, closed } = listener;
  return {
    hook,
    isTape,
    outer,
    closed,
    onWork: onWork && ((work, reads, writes, beyond) => onWork(`${name} (${work})`, reads, writes, beyond)),
  };
}
