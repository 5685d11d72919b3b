/** The device of a worker, and the work on it: one piece after another; a lost device is opened again and the work is done anew. */
import { type OpenDevice, openDevice } from '../model/device.ts';
import type { EngineEvent } from './protocol.ts';

/** How often work survives the loss of its device before it fails. */
const MOST_REOPENINGS = 3;
/** Milliseconds in which the browser reports a loss after the first call has failed by it. */
const LOSS_REPORT_MS = 50;

export class DeviceQueue {
  private opened: OpenDevice | undefined;
  private isLost = false;
  /** Settles when all work so far is done. */
  private queue: Promise<unknown> = Promise.resolve();

  /** @param restore brings what was on the lost device onto the new one */
  constructor(
    private readonly tell: (event: EngineEvent) => void,
    private readonly restore: () => Promise<void>,
  ) {}

  /** Runs `work` after all work before it. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.queue.then(() => this.surviving(work));
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  /** The device, opened at the first call. */
  async device(): Promise<OpenDevice> {
    if (this.opened && !this.isLost) return this.opened;
    const found = await openDevice((why) => {
      if (this.opened !== found) return;
      this.isLost = true;
      this.tell({ kind: 'lost', why });
    });
    [this.opened, this.isLost] = [found, false];
    return found;
  }

  private async surviving<T>(work: () => Promise<T>): Promise<T> {
    for (let reopenings = 0; ; reopenings += 1) {
      try {
        if (this.isLost) await this.reopen();
        return await work();
      } catch (error) {
        if (!this.isLost) await new Promise((resume) => setTimeout(resume, LOSS_REPORT_MS));
        if (!this.isLost || reopenings >= MOST_REOPENINGS) throw error;
      }
    }
  }

  private async reopen(): Promise<void> {
    this.opened?.device.dispose();
    this.opened = undefined;
    const { facts } = await this.device();
    this.tell({ kind: 'reopened', adapter: facts });
    await this.restore();
  }
}
