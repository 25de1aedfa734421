/** All orchestrator policies. A new one is a file in this folder and a line here. */
import type { Place } from '../errors.js';
import type { PolicyDefinition } from '../strategies/define.js';
import { findEntry } from '../strategies/kit/find.js';
import { abortAfterPasses } from './abort-after-passes.js';
import { hybrid } from './hybrid.js';
import { kubevirtDowntimeRamp } from './kubevirt-downtime-ramp.js';
import { kubevirtStallDetection } from './kubevirt-stall-detection.js';
import { kubevirtTimeout } from './kubevirt-timeout.js';
import { libvirt } from './libvirt.js';
import { nova } from './nova.js';
import { ovirt } from './ovirt.js';
import { pauseAfterPasses } from './pause-after-passes.js';
import { postcopyAfterPasses } from './postcopy-after-passes.js';
import { proxmox } from './proxmox.js';
import { setByRound } from './set-by-round.js';
import { smartTermination } from './smart-termination.js';
import { timeout } from './timeout.js';
import { wait } from './wait.js';

/** In the order in which they are listed to users; the first is the default. */
export const policies = {
  wait,
  timeout,
  libvirt,
  nova,
  ovirt,
  'kubevirt-timeout': kubevirtTimeout,
  'kubevirt-downtime-ramp': kubevirtDowntimeRamp,
  'kubevirt-stall-detection': kubevirtStallDetection,
  proxmox,
  'pause-after-passes': pauseAfterPasses,
  'postcopy-after-passes': postcopyAfterPasses,
  'abort-after-passes': abortAfterPasses,
  'set-by-round': setByRound,
  hybrid,
  'smart-termination': smartTermination,
} satisfies Record<string, PolicyDefinition>;

/** A name of migsim's own policies. */
export type PolicyName = keyof typeof policies;

/** By the word users write. Throws `UsageError` with the nearest name. */
export function findPolicy(name: string, place?: Place): PolicyDefinition {
  return findEntry<PolicyDefinition>('policy', policies, name, place);
}
