/** The steps of auto-converge, and which programs leave them alone. */
import { ladderOptions } from '../strategies/kit/throttle-ladder.js';
import type { Program } from './change.js';

/** QEMU's own, %. */
export const DEFAULT_THROTTLE = {
  initial: ladderOptions['cpu-throttle-initial'].default,
  increment: ladderOptions['cpu-throttle-increment'].default,
} as const;

/** Programs that turn auto-converge on or off, and leave its steps as QEMU has them. */
export const WITHOUT_STEPS: readonly Program[] = ['nova', 'kubevirt', 'proxmox', 'ovirt'];
